#!/bin/bash
# Kernel collections read by mkextunpack: built by an independent program from kexts compiled here,
# with chained fixups, and checked by it; and damaged ones.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/prelink.inc"

test_boot_x86_64()
{
	round_trip collection x86_64
	expect_no_text "$T/err" "fixups"
}

test_boot_arm64()
{
	round_trip collection arm64
}

test_system_x86_64()
{
	round_trip system x86_64
}

test_system_arm64()
{
	round_trip system arm64
}

# Every format that images for arm64e have.
test_pointer_formats()
{
	local form
	for form in 1 6 7 9 10 12; do
		round_trip form$form arm64
	done
}

# Members that tell of their chains themselves.
test_chains_of_members()
{
	round_trip members x86_64
	round_trip members arm64
}

# check_three HOW CPU FOLDER JSON
check_three()
{
	python3 "$MODELS/three_collections.py" check "$@" $(objects "$2") "$T/$2/Gamma.o"
}

test_auxiliary_leads_into_others()
{
	local cpu others="--boot-collection $T/boot.kc --system-collection $T/system.kc"
	for cpu in x86_64 arm64; do
		three $cpu
		expect_status 0 mkextunpack $others --json -d "$T/$cpu.given" "$T/aux.kc"
		expect_equal "$(cat "$T/err")" ""
		cp "$T/out" "$T/json"
		check_three given $cpu "$T/$cpu.given" "$T/json"
		expect_status 0 mkextunpack --json -d "$T/$cpu.alone" "$T/aux.kc"
		expect_text "$T/err" "not at hand"
		cp "$T/out" "$T/json"
		check_three alone $cpu "$T/$cpu.alone" "$T/json"
	done
	expect_status 0 mkextunpack --boot-collection "$T/boot.kc" -l "$T/system.kc"
	expect_equal "$(cat "$T/err")" ""
	expect_status 0 mkextunpack -l "$T/system.kc"
	expect_text "$T/err" "1 of "
}

test_wrong_other_collection()
{
	three x86_64
	expect_status 1 mkextunpack --boot-collection "$T/system.kc" -l "$T/aux.kc"
	expect_text "$T/err" "boot collection given with it is system"
	expect_status 1 mkextunpack --system-collection "$T/none" -l "$T/aux.kc"
	expect_text "$T/err" "$T/none"
	build_file classic x86_64
	expect_status 1 mkextunpack --boot-collection "$T/classic.x86_64" -l "$T/aux.kc"
	expect_text "$T/err" "boot collection given with it is none"
	# Of another system: its identifier is not the one that is wanted.
	patched "$T/boot.kc" 'text("<data>AAAAAAAAAAAAAAAAAAAAAA==", "<data>BAAAAAAAAAAAAAAAAAAAAA==")'
	expect_status 1 mkextunpack --boot-collection "$T/bad" -l "$T/aux.kc"
	expect_text "$T/err" "another identifier"
	cp "$T/aux.kc" "$T/aux.x86_64"
	three arm64
	expect_status 1 mkextunpack --boot-collection "$T/boot.kc" -l "$T/aux.x86_64"
	expect_text "$T/err" "another CPU"
}

test_json()
{
	build_file collection arm64
	mkextunpack --json "$T/collection.arm64" >"$T/json"
	python3 - "$T/json" <<-'END'
		import json, sys
		d = json.load(open(sys.argv[1]))
		assert list(d)[0] == "schema" and d["schema"] == "mkextunpack/1", d
		assert d["format"] == "kernel collection" and d["arch"] == "arm64", d
		assert [k["identifier"] for k in d["kexts"]] == [
		    "com.apple.kpi.mach", "com.example.Alpha", "com.example.Inner", "com.example.Beta"]
		assert [k["has_code"] for k in d["kexts"]] == [False, True, True, True]
		assert all(k["load_address"] == k["source_address"] for k in d["kexts"][1:])
	END
}

test_truncation()
{
	build_file collection x86_64
	local size cut
	size=$(content_size "$T/collection.x86_64")
	for cut in 31 300 $((size / 3)) $((size / 2)) $((size - 1)); do
		head -c $cut "$T/collection.x86_64" >"$T/bad"
		refused "$T/bad"
	done
}

# c is the payload; starts, record: of the first segment that has any.
FIXUPS='
c = u32(find(0x80000034)[0] + 8)
starts = c + 32
number = next(i for i in range(u32(starts)) if u32(starts + 4 + 4 * i))
record = starts + u32(starts + 4 + 4 * number)
'

test_members()
{
	build_file collection x86_64
	local file=$T/collection.x86_64
	patched "$file" 'put64(find(0x80000035)[1] + 8, 0x1000)'
	refused "disagree"
	patched "$file" 'put64(find(0x80000035)[1] + 16, 0x1000000)'
	refused "disagree"
	patched "$file" 'put32(find(0x80000035)[1] + 24, 0xfffffff0)'
	refused "without a name"
	patched "$file" 'a, b = find(0x80000035)[1:3]; d[b + 32:b + 49] = d[a + 32:a + 49]'
	refused "named before"
}

test_fixups()
{
	build_file collection x86_64
	local file=$T/collection.x86_64
	patched "$file" "$FIXUPS"'put32(c, 7)'
	refused "version 7"
	patched "$file" "$FIXUPS"'put32(c + 4, 0xfffffff0)'
	refused "does not fit"
	patched "$file" "$FIXUPS"'put32(starts, 0xffffffff)'
	refused "does not fit"
	patched "$file" "$FIXUPS"'put32(starts + 4, 0x7fffffff)'
	refused "does not fit"
	patched "$file" "$FIXUPS"'put16(record + 4, 0x800)'
	refused "0x800"
	patched "$file" "$FIXUPS"'put16(record + 6, 8)'
	refused "format 8"
	patched "$file" "$FIXUPS"'put16(record + 20, 0xffff)'
	refused "does not fit"
	patched "$file" "$FIXUPS"'put64(record + 8, 1 << 40)'
	refused "not in the file"
	patched "$file" "$FIXUPS"'put16(record + 22, 0x8001)'
	refused "several chains"
	patched "$file" "$FIXUPS"'put16(record + 22, 0x1000)'
	refused "leaves its page"
	patched "$file" "$FIXUPS"'put32(starts + 4 + 4 * (number + 1), u32(starts + 4 + 4 * number))'
	refused "shares pages"
	patched "$file" 'put32(find(0x80000034)[0] + 8, 0xffffff00)'
	refused "outside the file"
	patched "$file" 'put32(find(0x80000034)[0] + 12, 5)'
	refused "the header alone"
}

run_tests
