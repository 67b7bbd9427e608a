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

test_pointers_into_another_collection()
{
	build_file system arm64
	# The first link of the first chain leads to level 0, another collection.
	patched "$T/system.arm64" '
starts = u32(find(0x80000034)[0] + 8) + 32
record = next(starts + u32(starts + 4 + 4 * i) for i in range(u32(starts)) if u32(starts + 4 + 4 * i))
page = next(i for i in range(9) if d[record + 22 + 2 * i:record + 24 + 2 * i] != b"\xff\xff")
address = int.from_bytes(d[record + 8:record + 16], "little") + 0x4000 * page
address += int.from_bytes(d[record + 22 + 2 * page:record + 24 + 2 * page], "little")
address += 0xfffffe0007004000
for at in find(0x19):
    start, size, offset, _ = struct.unpack_from("<4Q", d, at + 24)
    if start <= address < start + size:
        d[offset + address - start + 3] &= 0x3f'
	expect_status 0 mkextunpack -d "$T/d" "$T/bad"
	expect_text "$T/err" "1 of "
	expect_text "$T/err" "not at hand"
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
