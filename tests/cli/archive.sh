#!/bin/bash
# kextcache -m and mkextunpack: round trips, and damaged or ill-meant archives.
. "$(dirname "$0")/lib.sh"

same_kext()
{
	cmp "$1/Contents/MacOS/DummySysctl" "$2/Contents/MacOS/DummySysctl"
	python3 -c 'import plistlib, sys
a, b = (plistlib.load(open(p + "/Contents/Info.plist", "rb")) for p in sys.argv[1:])
sys.exit(a != b)' "$1" "$2" || fail "the property lists differ"
}

# pack FILE: an archive of the sample, which then lies in $T/DummySysctl.kext.
pack()
{
	[ -d "$T/DummySysctl.kext" ] || dummy_kext "$T"
	kextcache -m "$1" "$T/DummySysctl.kext"
}

# patch FILE OFFSET HEX: overwrites bytes and mends the checksum.
patch()
{
	python3 - "$@" <<-'END'
		import struct, sys, zlib
		path, offset, text = sys.argv[1:]
		data = bytearray(open(path, "rb").read())
		data[int(offset):int(offset) + len(text) // 2] = bytes.fromhex(text)
		data[12:16] = struct.pack(">I", zlib.adler32(bytes(data[16:])))
		open(path, "wb").write(data)
	END
}

test_round_trip()
{
	pack "$T/a.mkext"
	expect_status 0 mkextunpack -d "$T/out.d" "$T/a.mkext"
	same_kext "$T/DummySysctl.kext" "$T/out.d/DummySysctl.kext"
	kextcache -m "$T/b.mkext" "$T/out.d/DummySysctl.kext"
	python3 - "$T/a.mkext" "$T/b.mkext" <<-'END'
		import sys
		a, b = (open(p, "rb").read() for p in sys.argv[1:])
		# Only the plist, which states the bundle's path, may differ.
		import struct
		entry = lambda d: d[44:struct.unpack_from(">I", d, 32)[0]]
		assert entry(a) == entry(b)
	END
	pack "$T/c.mkext"
	cmp "$T/a.mkext" "$T/c.mkext"
}

test_format_by_an_independent_reader()
{
	pack "$T/a.mkext"
	python3 - "$T/a.mkext" "$T/DummySysctl.kext/Contents/MacOS/DummySysctl" <<-'END'
		import re, struct, sys, zlib
		d = open(sys.argv[1], "rb").read()
		executable = open(sys.argv[2], "rb").read()
		magic, signature, length, adler, version, count, cpu, sub = struct.unpack_from(">8I", d)
		assert (magic, signature) == (0x4D4B5854, 0x4D4F5358)
		assert length == len(d) and adler == zlib.adler32(d[16:]) and version == 0x02002001
		assert count == 1 and cpu == 0x01000007
		at, packed, full = struct.unpack_from(">3I", d, 32)
		plist = zlib.decompress(d[at:at + packed]) if packed else d[at:at + full]
		assert len(plist) == full and plist[-1] == 0 and at + (packed or full) == len(d)
		entry = int(re.search(rb"_MKEXTExecutable</key>\s*<integer[^>]*>(\w+)", plist)[1], 0)
		assert entry == 44
		packed, full = struct.unpack_from(">2I", d, entry)
		data = d[entry + 8:entry + 8 + (packed or full)]
		assert zlib.decompress(data) == executable and full == len(executable)
		assert data == zlib.compress(executable, 6), "not zlib level 6"
		assert entry + 8 + packed == at, "a gap before the plist"
	END
}

test_listing()
{
	pack "$T/a.mkext"
	mkextunpack -v "$T/a.mkext" >"$T/list"
	expect_equal "$(head -1 "$T/list")" "Found 1 kexts:"
	expect_text "$T/list" "com.osxbook.kext.DummySysctl (1.0d1)"
	kextcache -m - "$T/DummySysctl.kext" | cmp - "$T/a.mkext"
}

test_damage()
{
	pack "$T/good.mkext"
	local size offset
	size=$(stat -c %s "$T/good.mkext")
	for offset in 0 4 8 12 40 60 $((size - 1)); do
		cp "$T/good.mkext" "$T/bad.mkext"
		python3 -c 'import sys
d = bytearray(open(sys.argv[1], "rb").read()); d[int(sys.argv[2])] ^= 0x55
open(sys.argv[1], "wb").write(d)' "$T/bad.mkext" "$offset"
		mkextunpack -d "$T/bad.d" "$T/bad.mkext" >"$T/out" 2>"$T/err" &&
			fail "damage at $offset went unseen"
		expect_text "$T/err" bad.mkext
		[ -z "$(ls -A "$T/bad.d" 2>/dev/null)" ] || fail "something was unpacked"
	done
	for size in 0 10 31 43 100; do
		head -c $size "$T/good.mkext" >"$T/bad.mkext"
		mkextunpack -d "$T/bad.d" "$T/bad.mkext" 2>"$T/err" && fail "$size bytes passed"
		expect_text "$T/err" bad.mkext
	done
	# Offsets and sizes that point outside, with a checksum that fits.
	for offset in 32 36 40 44 48; do
		cp "$T/good.mkext" "$T/bad.mkext"
		patch "$T/bad.mkext" $offset fffffff0
		mkextunpack -d "$T/bad.d" "$T/bad.mkext" 2>"$T/err" && fail "size at $offset passed"
		expect_text "$T/err" bad.mkext
	done
}

test_existing_bundle_is_kept()
{
	pack "$T/a.mkext"
	mkextunpack -d "$T/d" "$T/a.mkext"
	echo mine >"$T/d/DummySysctl.kext/mine"
	mkextunpack -d "$T/d" "$T/a.mkext" 2>"$T/err" && fail "replaced without --force"
	expect_text "$T/err" DummySysctl.kext
	[ -f "$T/d/DummySysctl.kext/mine" ] || fail "the old bundle was touched"
	expect_status 0 mkextunpack --force -d "$T/d" "$T/a.mkext"
	[ ! -e "$T/d/DummySysctl.kext/mine" ] || fail "the old bundle is still there"
	same_kext "$T/DummySysctl.kext" "$T/d/DummySysctl.kext"
	expect_equal "$(ls -A "$T/d")" DummySysctl.kext
}

# forge FILE PATH RELATIVE: an archive with a bundle path and executable path of one's choice.
forge()
{
	python3 - "$@" <<-'END'
		import struct, sys, zlib
		path, bundle, relative = sys.argv[1:]
		executable = b"not a Mach-O, but bytes"
		plist = f"""<dict><key>_MKEXTInfoDictionaries</key><array><dict>
		<key>CFBundleIdentifier</key><string>a.b</string><key>CFBundleExecutable</key><string>X</string>
		<key>CFBundleVersion</key><string>1.0</string><key>CFBundlePackageType</key><string>KEXT</string>
		<key>_MKEXTBundlePath</key><string>{bundle}</string>
		<key>_MKEXTExecutableRelativePath</key><string>{relative}</string>
		<key>_MKEXTExecutable</key><integer size="32">0x2c</integer></dict></array></dict>""".encode() + b"\0"
		body = struct.pack(">II", 0, len(executable)) + executable
		at = 44 + len(body)
		head = struct.pack(">4I", 0x02002001, 1, 0x01000007, 3) + struct.pack(">3I", at, 0, len(plist))
		rest = head + body + plist
		open(path, "wb").write(struct.pack(">4I", 0x4D4B5854, 0x4D4F5358, 16 + len(rest), zlib.adler32(rest)) + rest)
	END
}

test_paths_that_lead_outside()
{
	mkdir "$T/d"
	forge "$T/ok.mkext" /System/Library/Extensions/X.kext Contents/MacOS/X
	expect_status 0 mkextunpack -d "$T/d" "$T/ok.mkext"
	expect_equal "$(cat "$T/d/X.kext/Contents/MacOS/X")" "not a Mach-O, but bytes"
	rm -r "$T/d/X.kext"
	local path relative
	for relative in ../../../evil /etc/evil Contents/../../evil Contents/MacOS/..; do
		forge "$T/evil.mkext" /S/X.kext "$relative"
		mkextunpack -d "$T/d" "$T/evil.mkext" 2>"$T/err" && fail "$relative was accepted"
		expect_text "$T/err" evil.mkext
	done
	for path in /a/.. ../.. . /a/b/../.kext/..; do
		forge "$T/evil.mkext" "$path" Contents/MacOS/X
		mkextunpack -d "$T/d" "$T/evil.mkext" 2>"$T/err" || continue
		find "$T/d" -mindepth 1 -maxdepth 1 | grep -q . || fail "$path went nowhere"
		rm -rf "$T/d"/*
	done
	[ ! -e "$T/evil" ] && [ ! -e /etc/evil ] || fail "something was written outside"
}

test_symlink_in_the_way()
{
	pack "$T/a.mkext"
	mkdir "$T/d" "$T/elsewhere"
	ln -s "$T/elsewhere" "$T/d/DummySysctl.kext"
	mkextunpack -d "$T/d" "$T/a.mkext" 2>"$T/err" && fail "a symlink was followed"
	expect_text "$T/err" DummySysctl.kext
	# --force replaces a bundle; a symlink is none.
	mkextunpack --force -d "$T/d" "$T/a.mkext" 2>"$T/err" && fail "a symlink was replaced"
	expect_text "$T/err" DummySysctl.kext
	expect_equal "$(ls -A "$T/elsewhere")" ""
}

# What comes out of an archive is bounded, to the byte, and the message says by what.
test_max_size()
{
	pack "$T/a.mkext"
	local size full
	size=$(stat -c %s "$T/a.mkext")
	full=$(python3 -c 'import struct, sys
d = open(sys.argv[1], "rb").read()
print(struct.unpack_from(">I", d, 40)[0] + struct.unpack_from(">I", d, 48)[0])' "$T/a.mkext")
	[ "$full" -gt "$size" ] || fail "the sample does not expand"
	expect_status 0 mkextunpack --max-size "$full" -l "$T/a.mkext"
	expect_status 0 mkextunpack --max-size 1M -l "$T/a.mkext"
	expect_status 1 mkextunpack --max-size $((full - 1)) -l "$T/a.mkext"
	expect_text "$T/err" "the archive expands to more than $((full - 1)) bytes"
	expect_text "$T/err" "--max-size allows more"
	expect_status 1 mkextunpack --max-size $((size - 1)) -l "$T/a.mkext"
	expect_text "$T/err" "a.mkext: is larger than $((size - 1)) bytes"
	expect_status 1 mkextunpack --max-size $((size - 1)) -l - <"$T/a.mkext"
	expect_text "$T/err" "standard input: is larger than $((size - 1)) bytes"
	expect_status 64 mkextunpack --max-size 0 -l "$T/a.mkext"
	expect_status 64 mkextunpack --max-size 12X -l "$T/a.mkext"
}

run_tests
