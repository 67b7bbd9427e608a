#!/bin/bash
# kextcache -c: prelinked kernels, judged by tests/model/prelink.py, which links every kext
# again and compares all bytes.
. "$(dirname "$0")/lib.sh"

# make_inputs [DRIVERS [BROKEN [REQUIRED]]]: a kernel and kexts in $T.
make_inputs()
{
	python3 -B "$ROOT/tests/model/prelink_make.py" "$T" "$@"
	[ "$(id -u)" != 0 ] || chown -R 0:0 "$T/Extensions"
}

judge()
{
	python3 -B "$ROOT/tests/model/prelink.py" "$1" "$T/kernel" "$T/Extensions" "${@:2}"
}

test_every_relocated_word()
{
	make_inputs 4
	expect_status 0 kextcache -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	expect_equal "$(judge "$T/pk" | tr ' ' '\n' | wc -l)" 9
	expect_equal "$(stat -c %a "$T/pk")" 644
}

test_the_judge_notices()
{
	make_inputs 2
	kextcache -uncompressed -c "$T/pk" -K "$T/kernel" "$T/Extensions" 2>/dev/null
	judge "$T/pk" >/dev/null
	local at
	# A byte of the kernel, of each quarter of the kexts, of the property lists.
	for at in 500 $(python3 -c "
import os, sys
size, kernel = os.path.getsize('$T/pk'), os.path.getsize('$T/kernel')
print(kernel + 28 + 0x1008, kernel + 28 + 0x2010, kernel + 28 + 0x4100, size - 4000)"); do
		cp "$T/pk" "$T/bad"
		python3 - "$T/bad" "$at" <<-'END'
			import sys
			data = bytearray(open(sys.argv[1], "rb").read())
			data[int(sys.argv[2])] ^= 0x55
			open(sys.argv[1], "wb").write(data)
		END
		if judge "$T/bad" >/dev/null 2>&1; then
			# Padding may hold anything; then it is zero in the original.
			python3 -c "
import sys
sys.exit(open('$T/pk', 'rb').read()[$at] != 0)" || fail "byte $at is not judged"
		fi
	done
}

test_forms()
{
	make_inputs
	kextcache -q -uncompressed -c "$T/bare" -K "$T/kernel" "$T/Extensions"
	kextcache -q -c "$T/lzss" -K "$T/kernel" "$T/Extensions"
	kextcache -q -compression lzvn -c "$T/lzvn" -K "$T/kernel" "$T/Extensions"
	judge "$T/bare" --form none >/dev/null
	judge "$T/lzss" --form lzss >/dev/null
	judge "$T/lzvn" --form lzvn >/dev/null
	# The other form in place, with the time kept; twice is nothing.
	local form
	for form in lzss lzvn; do
		touch -d @1000000000 "$T/$form"
		expect_status 0 kextcache -uncompressed -c "$T/$form"
		cmp "$T/$form" "$T/bare"
		expect_equal "$(stat -c %Y "$T/$form")" 1000000000
		expect_status 0 kextcache -v -uncompressed -c "$T/$form"
		expect_text "$T/err" "is in that form already"
	done
	expect_status 0 kextcache -compressed -c "$T/lzss"
	judge "$T/lzss" >/dev/null
}

test_damaged_files_are_not_converted()
{
	make_inputs 1
	kextcache -q -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	cp "$T/pk" "$T/good"
	local change
	for change in "28+8,b'\0\0\0\1'" "28+12,b'\xff\xff\xff\xf0'" "28+16,b'\xff\0\0\0'" \
		"28+4,b'none'" "1000,b'\x55\x55\x55'"; do
		python3 -c "
data = bytearray(open('$T/good', 'rb').read())
at, new = $change
data[at:at + len(new)] = new
open('$T/pk', 'wb').write(data)"
		cp "$T/pk" "$T/before"
		expect_status 71 kextcache -uncompressed -c "$T/pk"
		expect_text "$T/err" "$T/pk: "
		cmp "$T/pk" "$T/before"
	done
	expect_status 66 kextcache -uncompressed -c "$T/none"
}

test_same_bytes()
{
	make_inputs 4
	local jobs
	for jobs in 1 2 5; do
		kextcache -q -j $jobs -c "$T/$jobs" -K "$T/kernel" "$T/Extensions"
	done
	cmp "$T/1" "$T/2"
	cmp "$T/1" "$T/5"
}

test_time_of_the_sources()
{
	make_inputs 1
	touch -d @1500000000 "$T/Extensions"
	touch -d @1400000000 "$T/kernel"
	kextcache -q -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	expect_equal "$(stat -c %Y "$T/pk")" 1500000001
	touch -d @1600000000 "$T/kernel"
	kextcache -q -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	expect_equal "$(stat -c %Y "$T/pk")" 1600000001
}

test_failures_to_link()
{
	make_inputs 2 1
	expect_status 0 kextcache -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	expect_text "$T/err" "_nowhere"
	expect_text "$T/err" "Broken0.kext: warning: is left out of the prelinked kernel"
	judge "$T/pk" >"$T/list"
	expect_no_text "$T/list" Broken
	expect_status 71 kextcache -no-link-failures -c "$T/pk2" -K "$T/kernel" "$T/Extensions"
	[ ! -e "$T/pk2" ]
	make_inputs 2 3 Root
	expect_status 0 kextcache -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	make_inputs 2 4 Root
	expect_status 71 kextcache -c "$T/pk2" -K "$T/kernel" "$T/Extensions"
	expect_text "$T/err" "4 of them required to boot"
	[ ! -e "$T/pk2" ]
}

test_filters_and_identifiers()
{
	make_inputs 6
	kextcache -q -l -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	judge "$T/pk" >"$T/list"
	expect_text "$T/list" Driver0
	expect_no_text "$T/list" Driver1
	expect_no_text "$T/list" Driver2
	expect_text "$T/list" Bare
	kextcache -q -ls -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	judge "$T/pk" >"$T/list"
	expect_no_text "$T/list" Driver2
	expect_text "$T/list" Driver4
	kextcache -q -b com.example.Driver1 -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	expect_equal "$(judge "$T/pk")" \
		"com.apple.kpi.test com.example.Library1 com.example.Driver1"
	expect_status 1 kextcache -b com.example.None -c "$T/pk2" -K "$T/kernel" "$T/Extensions"
}

test_personalities_and_volume()
{
	make_inputs 2
	kextcache -q -all-personalities -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	judge "$T/pk" --all-personalities >/dev/null
	kextcache -q -volume-root "$T" -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	judge "$T/pk" --volume "$(realpath "$T")" >/dev/null
}

test_stripped_symbols()
{
	make_inputs 4
	kextcache -q -uncompressed -c "$T/full" -K "$T/kernel" "$T/Extensions"
	expect_status 0 kextcache -strip-symbols -uncompressed -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	judge "$T/pk" --stripped >"$T/list"
	expect_equal "$(judge "$T/full")" "$(cat "$T/list")"
	# What others link against is there still, what is a kext's own is not.
	expect_status 0 mkextunpack -d "$T/out.d" "$T/pk"
	llvm-nm-14 "$T/out.d/Library1.kext/Contents/MacOS/Library1" >"$T/names"
	expect_text "$T/names" " T _library_1"
	expect_no_text "$T/names" _start
	judge "$T/full" --stripped 2>/dev/null && fail "nothing was stripped"
	true
}

test_two_architectures()
{
	make_inputs 4 --fat
	[ "$(id -u)" != 0 ] || chown -R 0:0 "$T/Extensions"
	# All that the kernel has, or what was asked for of it.
	expect_status 0 kextcache -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	judge "$T/pk" >"$T/list"
	expect_equal "$(wc -l <"$T/list")" 2
	head -1 "$T/list" >"$T/i386"
	expect_text "$T/i386" com.example.Driver0
	expect_no_text "$T/i386" com.example.Driver1
	expect_equal "$(sed -n '2s/com.example.Driver//gp' "$T/list" | wc -w)" 9
	local arch
	for arch in x86_64 i386; do
		expect_status 0 kextcache -a $arch -c "$T/one" -K "$T/kernel" "$T/Extensions"
		expect_equal "$(judge "$T/one" | wc -l)" 1
	done
	expect_status 0 kextcache -a x86_64 -a arm64 -c "$T/one" -K "$T/kernel" "$T/Extensions"
	expect_text "$T/err" "the kernel has no code for arm64"
	judge "$T/one" >/dev/null
	expect_status 2 kextcache -a arm64 -c "$T/none" -K "$T/kernel" "$T/Extensions"
	[ ! -e "$T/none" ]
	# What a CPU has no code for is said on request.
	kextcache -c "$T/one" -K "$T/kernel" "$T/Extensions" 2>"$T/err"
	expect_no_text "$T/err" "Driver1"
	kextcache -v 4 -c "$T/one" -K "$T/kernel" "$T/Extensions" 2>"$T/err"
	expect_text "$T/err" "Driver1.kext doesn't support architecture 'i386'; skipping."
	kextcache -q -strip-symbols -c "$T/one" -K "$T/kernel" "$T/Extensions"
	judge "$T/one" --stripped >/dev/null
	# Symbol files of several are told apart by folders.
	kextcache -q -symbols "$T/sym" -c "$T/one" -K "$T/kernel" "$T/Extensions"
	expect_equal "$(cd "$T/sym" && echo */com.example.Driver0.sym)" \
		"i386/com.example.Driver0.sym x86_64/com.example.Driver0.sym"
}

test_kernel_in_wrappers()
{
	make_inputs 2
	kextcache -q -uncompressed -c "$T/want" -K "$T/kernel" "$T/Extensions"
	# A kernel's compressed form, stored as a stream of literals by this test.
	python3 - "$T/kernel" "$T/comp" <<-'END'
		import struct, sys, zlib
		plain = open(sys.argv[1], "rb").read()
		body = b"".join(b"\xff" + plain[i:i + 8] for i in range(0, len(plain), 8))
		head = struct.pack(">4s4s4I", b"comp", b"lzss", zlib.adler32(plain), len(plain), len(body), 0)
		open(sys.argv[2], "wb").write(head.ljust(384, b"\0") + body)
		open(sys.argv[2] + ".fat", "wb").write(struct.pack(">7I", 0xcafebabe, 1, 0x1000007, 3, 28,
		    384 + len(body), 0) + head.ljust(384, b"\0") + body)
		open(sys.argv[2] + ".bad", "wb").write(head.ljust(384, b"\0") + body[:-3] + b"bad")
	END
	local form
	for form in comp comp.fat; do
		expect_status 0 kextcache -uncompressed -c "$T/pk" -K "$T/$form" "$T/Extensions"
		cmp "$T/pk" "$T/want"
	done
	kextcache -c "$T/pk2" -K "$T/comp.bad" "$T/Extensions" 2>"$T/err" && fail "damage was overlooked"
	expect_text "$T/err" "$T/comp.bad"
	[ ! -e "$T/pk2" ]
}

test_symbols()
{
	make_inputs 2
	kextcache -q -symbols "$T/sym" -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	expect_equal "$(cd "$T/sym" && echo *)" "com.example.Driver0.sym com.example.Driver1.sym\
 com.example.Library0.sym com.example.Library1.sym"
	llvm-nm-14 "$T/sym/com.example.Driver1.sym" | grep -q "ffffff7f.* S _kmod_info\|ffffff7f.* D _kmod_info"
}

test_refused()
{
	make_inputs 1
	python3 -B "$ROOT/tests/model/prelink_make.py" --filled "$T/filled"
	expect_status 71 kextcache -c "$T/pk" -K "$T/filled" "$T/Extensions"
	expect_text "$T/err" "it holds kexts already"
	expect_status 71 kextcache -a x86_64 -c "$T/pk" -K "$BUILD/share/kext/mach_kernel" "$T/Extensions"
	expect_text "$T/err" "__PRELINK_TEXT"
	expect_status 2 kextcache -a arm64 -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	expect_status 64 kextcache -c "$T/pk" -K "$T/none" "$T/Extensions"
	echo "no kernel" >"$T/text"
	kextcache -c "$T/pk" -K "$T/text" "$T/Extensions" 2>"$T/err" && fail "text was a kernel"
	expect_text "$T/err" "$T/text"
	[ ! -e "$T/pk" ]
}

test_full_disk()
{
	make_inputs 2
	echo old >"$T/pk"
	(
		ulimit -f 8
		trap '' XFSZ
		kextcache -q -uncompressed -c "$T/pk" -K "$T/kernel" "$T/Extensions" 2>"$T/err"
	) && fail "a full disk was no failure"
	expect_text "$T/err" "$T/pk: "
	expect_equal "$(cat "$T/pk")" old
	expect_equal "$(find "$T" -maxdepth 1 -name '.pk*')" ""
}

test_back_into_kexts()
{
	make_inputs 3
	kextcache -q -c "$T/pk" -K "$T/kernel" "$T/Extensions"
	expect_status 0 mkextunpack -d "$T/out.d" "$T/pk"
	local name
	for name in Library0 Driver0 Driver2; do
		llvm-objdump-14 --macho --private-headers \
			"$T/out.d/$name.kext/Contents/MacOS/$name" >"$T/dump"
		expect_text "$T/dump" KEXTBUNDLE
	done
	[ -f "$T/out.d/System.kext/Contents/PlugIns/Test.kext/Contents/MacOS/Test" ]
}

run_tests
