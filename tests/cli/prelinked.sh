#!/bin/bash
# Prelinked kernels read by mkextunpack: built by an independent program from kexts compiled here,
# and checked by it; and damaged ones.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/prelink.inc"

test_classic_x86_64()
{
	round_trip classic x86_64
}

test_classic_i386()
{
	round_trip classic i386
}

test_early_keys()
{
	round_trip early i386
}

# link_states CPU: $T/state.CPU, a prelinked kernel of Mac OS X 10.6
link_states()
{
	compile_kexts "$1"
	python3 "$MODELS/prelinked_state.py" build "$1" "$T/state.$1" $(objects "$1")
}

test_symbols_of_link_states()
{
	local cpu
	for cpu in x86_64 i386; do
		link_states $cpu
		expect_status 0 mkextunpack -v -d "$T/$cpu.d" "$T/state.$cpu"
		python3 "$MODELS/prelinked_state.py" check $cpu "$T/$cpu.d" $(objects $cpu)
		llvm-nm-14 "$T/$cpu.d/Beta.kext/Contents/MacOS/Beta" >"$T/nm"
		expect_text "$T/nm" "T _stop"
		expect_text "$T/nm" "D _kmod_info"
		expect_text "$T/nm" "A _elsewhere"
		[ -z "$(plutil_keys "$T/$cpu.d/Beta.kext/Contents/Info.plist" | grep LinkState)" ] ||
			fail "the link state is still spoken of"
	done
}

plutil_keys()
{
	python3 -c 'import plistlib, sys; print(*plistlib.load(open(sys.argv[1], "rb")), sep="\n")' "$1"
}

test_damaged_link_states()
{
	link_states x86_64
	local file=$T/state.x86_64 alpha='-b com.example.Alpha'
	local at='at = d.index(bytes.fromhex("0df0feca"))'
	patched "$file" "$at; put32(at, 0xf00dd00e)"
	refused "0xf00dd00e" $alpha
	patched "$file" "$at; put32(at + 4, 2)"
	refused "version 2" $alpha
	patched "$file" "$at; put32(at + 32, 0xffffffff)"
	refused "of 4294967295 of its link state" $alpha
	patched "$file" "$at; put32(at + 36, 0xfffffff0)"
	refused "symbol 0 of" $alpha
	patched "$file" "$at; put32(at + 60, 0xfffffff0)"
	refused "the name at 4294967280" $alpha
	patched "$file" 'text("LinkState</key><integer size=\"64\">0xffffff80002", "LinkState</key><integer size=\"64\">0xffffff80012")'
	refused "is not in the file" $alpha
}

test_tiger()
{
	local cpu how
	for cpu in i386 ppc; do
		for how in noted silent; do
			tiger $how $cpu
			expect_status 0 mkextunpack -v -d "$T/$how.$cpu" "$T/tiger.$cpu"
			expect_equal "$(head -1 "$T/out")" "Found 5 kexts:"
			expect_text "$T/out" "Alpha - com.example.Alpha (1.2.3)"
			expect_text "$T/out" "com.apple.kpi.mach (8.0), pseudo-kext without code"
			expect_text "$T/out" "com.example.Later (2.0), without code"
			python3 "$TIGER" check $how $cpu "$T/$how.$cpu" $(objects $cpu)
		done
	done
}

test_damaged_tiger()
{
	tiger noted i386
	local file=$T/tiger.i386 record
	# The base64 of an OSBundlePrelink begins with the address of its kmod_info.
	record='at = d.index(b"OSBundlePrelink</key><data>") + 27'
	patched "$file" "$record; d[at:at + 4] = b'////'"
	refused "kmod_info"
	patched "$file" "$record; d[at + 12:at + 16] = b'////'"
	refused "dependencies from"
	patched "$file" "$record; d[at:d.index(b'</data>', at)] = b' ' * (d.index(b'</data>', at) - at)"
	refused "0 bytes of OSBundlePrelink"
	patched "$file" 'at = d.index(b"com.example.Beta"); put32(at + 136, 0x401234)'
	refused "no Mach-O header is at 0x401234"
	expect_text "$T/err" "kext com.example.Beta, offset 0x"
	tiger silent i386
	patched "$file" 'd[:] = d[:0x1000] + d[0x1000:].replace(bytes.fromhex("cefaedfe"), b"nope")'
	refused "no Mach-O header is at 0x0"
}

test_split_arm64()
{
	round_trip split arm64
}

test_threads_arm64e()
{
	round_trip threads arm64
}

# Each kext tells of its own pointers, in offsets that count from the file's start or, linked
# for another place than it lies at, from its own.
test_links_of_single_kexts()
{
	round_trip splitthreads arm64
	round_trip splitchains arm64
	round_trip classicchains x86_64
}

test_inside_a_fat_file()
{
	build_file classic x86_64
	build_file classic i386
	python3 - "$T/fat" "$T/classic.i386" "$T/classic.x86_64" <<-'END'
		import struct, sys
		slices = [open(p, "rb").read() for p in sys.argv[2:]]
		at, out, body = 8 + 20 * 2, struct.pack(">2I", 0xCAFEBABE, 2), b""
		for cpu, data in zip((7, 0x01000007), slices):
		    out += struct.pack(">5I", cpu, 3, at + len(body), len(data), 0)
		    body += data
		open(sys.argv[1], "wb").write(out + body)
	END
	expect_status 0 mkextunpack -a i386 -d "$T/32" "$T/fat"
	check_folder classic i386 "$T/32"
	expect_status 0 mkextunpack -a x86_64 -d "$T/64" "$T/fat"
	check_folder classic x86_64 "$T/64"
	expect_status 1 mkextunpack -a arm64 -l "$T/fat"
	expect_text "$T/err" "arm64 not found"
	expect_status 1 mkextunpack -a i386 -l "$T/classic.x86_64"
	expect_text "$T/err" "i386 not found"
}

# wrapped HOW: $T/wrapped, $T/classic.x86_64 in the given wrappers, the innermost first. Streams
# of literals alone are valid and need no compressor.
wrapped()
{
	python3 - "$T/classic.x86_64" "$T/wrapped" "$@" <<-'END'
		import struct, sys, zlib
		def lzss(d):
		    body = b"".join(b"\xff" + d[i:i + 8] for i in range(0, len(d), 8))
		    head = struct.pack(">4I", zlib.adler32(d), len(d), len(body), 1)
		    return b"complzss" + head + bytes(40 + 64 + 256) + body
		def stored(d):
		    return b"bvx-" + struct.pack("<I", len(d)) + d + b"bvx$"
		def fat(d):
		    return struct.pack(">7I", 0xCAFEBABE, 1, 0x01000007, 3, 28, len(d), 0) + d
		def der(tag, d):
		    size = bytes([len(d)]) if len(d) < 128 else b"\x84" + struct.pack(">I", len(d))
		    return bytes([tag]) + size + d
		def im4p(d):
		    return der(0x30, der(0x16, b"IM4P") + der(0x16, b"krnl") + der(0x16, b"x") + der(4, d))
		data = open(sys.argv[1], "rb").read()
		for name in sys.argv[3:]:
		    data = globals()[name](data)
		open(sys.argv[2], "wb").write(data)
	END
}

test_wrappers()
{
	build_file classic x86_64
	local how
	for how in lzss stored im4p "lzss fat" "stored im4p" "lzss im4p" "fat stored"; do
		wrapped $how
		expect_status 0 mkextunpack --force -d "$T/d" "$T/wrapped"
		check_folder classic x86_64 "$T/d"
	done
	wrapped lzss
	printf '\1' | dd of="$T/wrapped" bs=1 seek=8 conv=notrunc 2>/dev/null
	expect_status 1 mkextunpack -l "$T/wrapped"
	expect_text "$T/err" "Adler-32"
	expect_status 0 mkextunpack --ignore-checksum -l "$T/wrapped"
	expect_text "$T/err" "Adler-32"
}

test_choice_and_standard_input()
{
	build_file classic x86_64
	mkextunpack -l -b com.example.Beta -b com.example.Inner - <"$T/classic.x86_64" >"$T/list"
	expect_equal "$(head -1 "$T/list")" "Found 2 kexts:"
	expect_no_text "$T/list" com.example.Alpha
	# A plug-in without its parent stands by itself.
	expect_status 0 mkextunpack -b com.example.Inner -d "$T/d" "$T/classic.x86_64"
	expect_equal "$(ls "$T/d")" Inner.kext
	expect_status 1 mkextunpack -b com.example.None -l "$T/classic.x86_64"
	expect_text "$T/err" com.example.None
	expect_status 1 mkextunpack -l - </dev/null
	expect_text "$T/err" "standard input"
}

test_json()
{
	build_file classic x86_64
	mkextunpack --json "$T/classic.x86_64" >"$T/json"
	python3 - "$T/json" <<-'END'
		import json, sys
		d = json.load(open(sys.argv[1]))
		assert d["format"] == "prelinked kernel" and d["arch"] == "x86_64", d
		mach, alpha, inner, beta = d["kexts"]
		assert mach["is_kernel_component"] and not mach["has_code"], mach
		assert "load_address" not in mach and "parent" not in alpha
		# The kernel's __TEXT is a page at 0xffffff8000200000; kexts are 2 GiB below its end.
		assert alpha["load_address"] == "0xffffff7f80201000", alpha
		assert alpha["source_address"] == "0xffffff8000210000", alpha
		assert int(inner["load_address"], 16) == 0xffffff7f80201000 + alpha["size"]
		assert inner["parent"] == "com.example.Alpha" and inner["folder"] == "Inner.kext"
		assert beta["identifier"] == "com.example.Beta" and beta["version"] == "1.2.3"
		assert beta["path"] == "/System/Library/Extensions/Beta.kext" and beta["has_code"]
	END
}

test_number_of_threads_changes_nothing()
{
	build_file classic x86_64
	mkextunpack -j 1 -d "$T/one" "$T/classic.x86_64"
	mkextunpack -j 4 -d "$T/four" "$T/classic.x86_64"
	diff -r "$T/one" "$T/four"
}

test_existing_parent_keeps_its_plugins()
{
	build_file classic x86_64
	mkdir -p "$T/d/Alpha.kext/Contents"
	echo mine >"$T/d/Alpha.kext/mine"
	expect_status 1 mkextunpack -d "$T/d" "$T/classic.x86_64"
	expect_text "$T/err" "com.example.Inner is not unpacked"
	expect_equal "$(find "$T/d/Alpha.kext" -type f)" "$T/d/Alpha.kext/mine"
	[ -f "$T/d/Beta.kext/Contents/MacOS/Beta" ] || fail "the others were not unpacked"
	expect_status 0 mkextunpack --force -d "$T/d" "$T/classic.x86_64"
	[ -d "$T/d/Alpha.kext/Contents/PlugIns/Inner.kext" ] || fail "the plug-in is missing"
}

# A kext of which only the segments are left, as systems with little memory keep it.
# What is given out is a file like any other for whoever reads it.
test_others_read_what_is_given_out()
{
	local row file bundle
	for row in "classic x86_64" "classic i386" "split arm64" "collection x86_64" \
		"collection arm64"; do
		set -- $row
		build_file "$1" "$2"
		mkextunpack -d "$T/$1.$2.d" "$T/$1.$2"
		bundle=$T/$1.$2.d/Beta.kext
		file=$bundle/Contents/MacOS/Beta
		llvm-otool-14 -l "$file" >"$T/otool" 2>"$T/err"
		expect_equal "$(cat "$T/err")" ""
		expect_equal "$(grep -c "segname __LINKEDIT" "$T/otool")" 1
		llvm-objdump-14 --macho -d "$file" >"$T/text" 2>"$T/err"
		expect_equal "$(cat "$T/err")" ""
		expect_text "$T/text" "_stop:"
		# Nothing of Alpha and Inner, whose symbols stand in the same table.
		llvm-nm-14 "$T/$2/Beta.o" | cut -c18- | sed 's/^ //' | sort >"$T/want"
		llvm-nm-14 "$file" | cut -c18- | sed 's/^ //' | sort >"$T/have"
		expect_equal "$(awk '{print $NF}' "$T/have")" "$(awk '{print $NF}' "$T/want")"
		[ "$(strings "$file" | grep -c '^_stop')" = 1 ] || fail "names of others"
		expect_status 0 "$BUILD/libexec/kext/kext-inspect" "$file"
		expect_status 0 kextlibs -arch "$2" "$bundle"
	done
}

test_stripped_linkedit()
{
	build_file classic x86_64
	patched "$T/classic.x86_64" '
for base in [at for at in range(0x1000, len(d), 0x1000) if u32(at) == 0xfeedfacf]:
    for at in find(0x19, base):
        if d[at + 8:at + 18] == b"__LINKEDIT": put64(at + 32, 0); put64(at + 48, 0)'
	expect_status 0 mkextunpack -d "$T/d" "$T/bad"
	expect_equal "$(llvm-nm-14 "$T/d/Beta.kext/Contents/MacOS/Beta" 2>/dev/null)" ""
	llvm-objdump-14 --macho --private-headers "$T/d/Beta.kext/Contents/MacOS/Beta" >"$T/headers"
	expect_text "$T/headers" "nsyms 0"
}

test_no_kexts()
{
	build_file classic x86_64
	cp "$T/x86_64/Beta.o" "$T/bad"
	refused "holds no kexts"
	patched "$T/classic.x86_64" 'text("_PrelinkInfoDictionary", "_PrelinkInfoDictionarx")'
	refused "_PrelinkInfoDictionary"
}

test_truncation()
{
	build_file classic x86_64
	local size cut
	size=$(content_size "$T/classic.x86_64")
	for cut in 1 20 40 500 4096 $((size / 3)) $((size - 4097)) $((size - 1)); do
		head -c $cut "$T/classic.x86_64" >"$T/bad"
		refused "$T/bad"
	done
}

test_addresses_outside()
{
	build_file classic x86_64
	local file=$T/classic.x86_64 alpha='-b com.example.Alpha'
	patched "$file" 'text("SourceAddr</key><integer size=\"64\">0xffffff800021", "SourceAddr</key><integer size=\"64\">0xffffff800121")'
	refused "lies outside the file"
	patched "$file" 'text("ExecutableSize</key><integer size=\"64\">0x", "ExecutableSize</key><integer size=\"64\">  ")'
	refused "line 1"
	# The first kext lies at the second page of the file.
	patched "$file" 'put32(0x1000, 0x12345678)'
	refused "Mach-O header belongs" $alpha
	patched "$file" 'put32(0x1010, 0xffffffff)'
	refused "load commands" $alpha
	patched "$file" 'put32(0x1014, 0xfffffff0)'
	refused "load commands" $alpha
	patched "$file" 'put32(find(0x19, 0x1000)[0] + 4, 9)'
	refused "load command 0 of 9 bytes" $alpha
	patched "$file" 'put32(find(0x19, 0x1000)[0] + 64, 0xffffffff)'
	refused "too short" $alpha
	# Nothing but __LINKEDIT: the load commands need room all the same.
	patched "$file" '
put32(0x1010, 1)
at = find(0x19, 0x1000)[0]
d[at + 8:at + 24] = b"__LINKEDIT".ljust(16, b"\0")
put64(at + 48, 0)
put32(at + 64, 0)'
	expect_status 0 mkextunpack $alpha -d "$T/lone" "$T/bad"
	patched "$file" 'put64(find(0x19, 0x1000)[1] + 24, 1 << 63)'
	refused "kext com.example.Alpha, offset 0x1000, is damaged" $alpha
	patched "$file" 'at = find(0x19, 0x1000)[1]; put64(at + 32, 1 << 40); put64(at + 48, 1 << 40)'
	refused "more bytes than the file" $alpha
	patched "$file" 'put32(find(2, 0x1000)[0] + 12, 0x0fffffff)'
	refused "symbols" $alpha
	patched "$file" 'put32(u32(find(2, 0x1000)[0] + 8) + 0x1000, 0xffffff)'
	refused "does not end" $alpha
	patched "$file" 'put32(find(0x26, 0x1000)[0] + 12, 0x7fffffff)'
	refused "tables" $alpha
	patched "$file" 'put32(find(0xb, 0x1000)[0] + 76, 0x1fffffff)'
	refused "local relocations" $alpha
}

run_tests
