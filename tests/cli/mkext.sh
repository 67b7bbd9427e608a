#!/bin/bash
# kextcache -m and mkextunpack: round trip, an independent look at the archive, bad input.
. "$(dirname "$0")/lib.sh"

# two_kexts FOLDER: Foo with code, and a kext of personalities alone.
two_kexts()
{
	mkdir -p "$1/Bare.kext/Contents"
	make_kext "$1" Foo com.example.Foo 1.2.0d3 <<-'END'
		#include <mach/mach_types.h>
		kern_return_t Foo_start(kmod_info_t *info, void *data) { return KERN_SUCCESS; }
		kern_return_t Foo_stop(kmod_info_t *info, void *data) { return KERN_SUCCESS; }
	END
	cat >"$1/Bare.kext/Contents/Info.plist" <<-'END'
		<?xml version="1.0" encoding="UTF-8"?>
		<plist version="1.0"><dict><key>CFBundleIdentifier</key>
		<string>com.example.Bare</string><key>CFBundlePackageType</key>
		<string>KEXT</string><key>CFBundleVersion</key><string>1.0</string>
		<key>IOKitPersonalities</key><dict><key>P</key><dict>
		<key>IOClass</key><string>IOService</string><key>IOProviderClass</key>
		<string>IOResources</string><key>CFBundleIdentifier</key>
		<string>com.example.Bare</string><key>IOProbeScore</key>
		<integer>-1000</integer></dict></dict></dict></plist>
	END
}

test_round_trip()
{
	two_kexts "$T/kexts"
	expect_status 0 kextcache -z -v -m "$T/a.mkext" "$T/kexts"
	expect_text "$T/err" "Created mkext archive $T/a.mkext."
	expect_status 0 mkextunpack -v -d "$T/new" "$T/a.mkext"
	expect_text "$T/out" "Found 2 kexts:"
	expect_text "$T/out" "$T/kexts/Foo.kext - com.example.Foo (1.2d3)"
	cmp "$T/kexts/Foo.kext/Contents/MacOS/Foo" "$T/new/Foo.kext/Contents/MacOS/Foo"
	[ -x "$T/new/Foo.kext/Contents/MacOS/Foo" ]
	python3 - "$T" <<-'END'
		import plistlib, sys
		for name in "Foo", "Bare":
		    a, b = (plistlib.load(open(f"{sys.argv[1]}/{folder}/{name}.kext/Contents/"
		            "Info.plist", "rb")) for folder in ("kexts", "new"))
		    assert a == b, (name, a, b)
	END
	expect_equal "$(ls -A "$T/new")" "$(printf 'Bare.kext\nFoo.kext')"
	# What was unpacked is a source again, and gives the same executables and lists.
	expect_status 0 kextcache -z -m "$T/b.mkext" "$T/new"
	expect_status 0 mkextunpack -d "$T/again" "$T/b.mkext"
	diff -r "$T/new" "$T/again"
}

# The archive as python reads it: layout without gaps, zlib's own bytes, checksum.
test_bytes()
{
	two_kexts "$T/kexts"
	kextcache -z -m - "$T/kexts/Foo.kext/" "$T/kexts/Bare.kext" >"$T/a.mkext"
	python3 - "$T" <<-'END'
		import re, struct, sys, zlib
		top = sys.argv[1]
		data = open(f"{top}/a.mkext", "rb").read()
		code = open(f"{top}/kexts/Foo.kext/Contents/MacOS/Foo", "rb").read()
		words = struct.unpack(">11I", data[:44])
		packed = zlib.compress(code, 6)
		assert words[:2] == (0x4d4b5854, 0x4d4f5358), words
		assert words[2] == len(data) and words[3] == zlib.adler32(data[16:])
		assert words[4:8] == (0x02002001, 2, 0x01000007, 3), words
		entry = struct.pack(">2I", len(packed), len(code)) + packed
		assert data[44:words[8]] == entry
		text = zlib.decompress(data[words[8]:])
		assert words[8] + words[9] == len(data) and words[10] == len(text)
		assert zlib.compress(text, 6) == data[words[8]:]
		assert text.startswith(b"<dict><key>_MKEXTInfoDictionaries</key><array><dict>")
		assert text.endswith(b"</dict></array></dict>\0") and b"\n" not in text
		assert b'<integer size="64">0xfffffffffffffc18</integer>' in text
		assert b'<key>_MKEXTExecutable</key><integer size="32">0x2c</integer>' in text
		assert text.index(b"com.example.Foo") < text.index(b"com.example.Bare")
	END
}

test_usage()
{
	expect_status 64 kextcache -x
	expect_status 64 kextcache -m "$T/a.mkext"
	expect_status 64 kextcache "$T"
	expect_status 64 kextcache -a vax -m "$T/a.mkext" "$T"
	expect_text "$T/err" "unknown CPU arch vax"
	expect_status 64 mkextunpack "$T/a.mkext"
	expect_status 64 mkextunpack -v
	expect_status 64 mkextunpack -v a b
	expect_status 64 mkextunpack -Q a
	expect_status 0 kextcache --help
	expect_status 0 kextcache --version
	expect_status 0 mkextunpack -h
}

test_kexts_left_out()
{
	two_kexts "$T/kexts"
	expect_status 1 kextcache -z -m "$T/a.mkext" "$T/none.kext"
	expect_status 1 kextcache -z -m "$T/a.mkext" "$T/none"
	[ ! -e "$T/a.mkext" ]
	expect_status 2 kextcache -z -a arm64 -m "$T/a.mkext" "$T/kexts/Foo.kext"
	expect_text "$T/err" "omitting from mkext."
	[ ! -e "$T/a.mkext" ]
	mkdir -p "$T/kexts/Broken.kext/Contents"
	echo "<dict>" >"$T/kexts/Broken.kext/Contents/Info.plist"
	expect_status 3 kextcache -z -m "$T/a.mkext" "$T/kexts/Broken.kext"
	chmod g+w "$T/kexts/Foo.kext"
	expect_status 77 kextcache -m "$T/a.mkext" "$T/kexts/Foo.kext"
	expect_text "$T/err" "is not authentic; omitting from mkext."
	# In a folder they are no failure, and the rest is archived.
	expect_status 0 kextcache -m "$T/a.mkext" "$T/kexts"
	expect_text "$T/err" "Foo.kext is not authentic; omitting from mkext."
	expect_status 0 mkextunpack -l "$T/a.mkext"
	expect_text "$T/out" "Found 1 kexts:"
	expect_status 73 kextcache -z -m "$T/none/a.mkext" "$T/kexts"
	expect_text "$T/err" "$T/none/a.mkext: No such file"
}

test_damage()
{
	two_kexts "$T/kexts"
	kextcache -q -z -m "$T/a.mkext" "$T/kexts"
	cp "$T/a.mkext" "$T/b.mkext"
	printf '\x55' | dd of="$T/b.mkext" bs=1 seek=100 conv=notrunc status=none
	expect_status 1 mkextunpack -d "$T/new" "$T/b.mkext"
	expect_text "$T/err" "b.mkext: mkext checksum error"
	[ ! -e "$T/new" ]
	head -c 200 "$T/a.mkext" >"$T/b.mkext"
	expect_status 1 mkextunpack -v "$T/b.mkext"
	expect_text "$T/err" "states a length of"
	expect_status 1 mkextunpack -v "$T/kexts/Bare.kext/Contents/Info.plist"
	expect_text "$T/err" "this is no mkext"
	: >"$T/b.mkext"
	expect_status 1 mkextunpack -v "$T/b.mkext"
	expect_text "$T/err" "is empty"
	expect_status 1 mkextunpack -v "$T"
	expect_text "$T/err" "is a folder"
	expect_status 1 mkextunpack -v "$T/none.mkext"
	expect_text "$T/err" "No such file"
	expect_status 1 mkextunpack -a arm64 -v "$T/a.mkext"
	expect_text "$T/err" "architecture arm64 not found in mkext"
}

# hostile_mkext FILE KEYS: an archive of one kext, with more keys; made by python.
hostile_mkext()
{
	python3 - "$@" <<-'END'
		import struct, sys, zlib
		text = ("<dict><key>_MKEXTInfoDictionaries</key><array><dict>"
		    "<key>CFBundleIdentifier</key><string>com.example.Evil</string>"
		    "<key>CFBundleExecutable</key><string>Evil</string>"
		    "<key>_MKEXTExecutable</key><integer>44</integer>"
		    + sys.argv[2] + "</dict></array></dict>\0").encode()
		entry = struct.pack(">2I", 0, 4) + b"code"
		body = struct.pack(">7I", 0x02002001, 1, 0x01000007, 3, 44 + len(entry), 0,
		    len(text)) + entry + text
		head = b"MKXTMOSX" + struct.pack(">2I", 16 + len(body), zlib.adler32(body))
		open(sys.argv[1], "wb").write(head + body)
	END
}

test_existing_and_hostile()
{
	mkdir -p "$T/new/Evil.kext/Contents" "$T/elsewhere"
	echo old >"$T/new/Evil.kext/Contents/Info.plist"
	hostile_mkext "$T/a.mkext" ""
	expect_status 1 mkextunpack -d "$T/new" "$T/a.mkext"
	expect_text "$T/err" "$T/new/Evil.kext: exists already"
	expect_equal "$(cat "$T/new/Evil.kext/Contents/Info.plist")" old
	expect_status 0 mkextunpack --force -d "$T/new" "$T/a.mkext"
	expect_equal "$(cat "$T/new/Evil.kext/Contents/MacOS/Evil")" code
	rm -r "$T/new/Evil.kext"
	ln -s "$T/elsewhere" "$T/new/Evil.kext"
	expect_status 1 mkextunpack -f -d "$T/new" "$T/a.mkext"
	expect_text "$T/err" "a symbolic link stands where the bundle belongs"
	rm "$T/new/Evil.kext"
	echo file >"$T/new/Evil.kext"
	expect_status 1 mkextunpack -f -d "$T/new" "$T/a.mkext"
	expect_text "$T/err" "a file stands where the bundle belongs"
	expect_equal "$(cat "$T/new/Evil.kext")" file
	expect_equal "$(ls -A "$T/elsewhere")" ""
	for keys in "<key>_MKEXTBundlePath</key><string>/S/../../up.kext</string>" \
		"<key>_MKEXTExecutableRelativePath</key><string>../../x</string>" \
		"<key>_MKEXTExecutableRelativePath</key><string>/tmp/x</string>"; do
		hostile_mkext "$T/a.mkext" "$keys"
		expect_status 1 mkextunpack -f -d "$T/fresh" "$T/a.mkext"
		expect_text "$T/err" "leads out of the bundle's place"
		expect_equal "$(ls -A "$T/fresh")" ""
	done
}

run_tests
