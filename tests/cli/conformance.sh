#!/bin/bash
# The list of what a black-box test can check of any implementation of Darwin's kext tools, row
# by row: test_NN is row NN.
# as: owners
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/bundle.inc"

ID=com.osxbook.kext.DummySysctl

header()
{
	expect_status 0 kextstat "$@"
	head -1 "$T/out"
}

test_01_headers_of_kextstat()
{
	expect_equal "$(header --era tiger)" \
		'Index Refs Address    Size       Wired      Name (Version) <Linked Against>'
	expect_equal "$(header --era snowleopard)" \
		'Index Refs Address            Size       Wired      Name (Version) <Linked Against>'
	expect_equal "$(header)" \
		'Index Refs Address            Size       Wired      Name (Version) UUID <Linked Against>'
}

test_02_kextstat_of_an_unknown_identifier()
{
	expect_status 0 kextstat -b no.such.kext
	expect_equal "$(wc -l <"$T/out")" 1
	expect_text "$T/out" 'Index Refs'
	expect_equal "$(cat "$T/err")" ''
}

test_03_kextload_of_nothing()
{
	expect_status 64 kextload
	expect_text "$T/err" 'usage: kextload'
	expect_equal "$(cat "$T/out")" ''
	# Tiger's tools knew one status for everything.
	expect_status 1 kextunload --era tiger
}

# Who is not root asks a kextd of his own; root's is not for him.
test_04_kextload_of_who_is_not_root()
{
	local user=()
	dummy_kext "$T"
	if [ "$(id -u)" = 0 ]; then
		chmod -R a+rX "$T"
		mkdir -m 700 "$T/run" "$T/state"
		chown -R 12345:12345 "$T"
		user=(setpriv --reuid 12345 --regid 12345 --clear-groups)
		"${user[@]}" true 2>/dev/null || user=()
	fi
	expect_status 0 "${user[@]}" kextload "$T/DummySysctl.kext"
	"${user[@]}" kextd --shutdown
}

test_05_prologue_of_mkext_1()
{
	codeless One test.one 1.0
	expect_status 0 kextcache -z -mkext1 "$T/one.mkext" "$T/k/One.kext"
	python3 - "$T/one.mkext" "$T/k/One.kext/Contents/Info.plist" <<-'EOF'
		import struct, sys, zlib
		data = open(sys.argv[1], "rb").read()
		if data[:4] in (b"\xca\xfe\xba\xbe",):	# one slice in a fat file
		    offset, size = struct.unpack_from(">2I", data, 16)
		    data = data[offset:offset + size]
		magic, signature, length, adler, version, count = struct.unpack_from(">6I", data)
		assert (magic, signature) == (0x4D4B5854, 0x4D4F5358)
		assert (length, version, count) == (len(data), 0x01008000, 1)
		assert adler == zlib.adler32(data[16:])
		plist, module = struct.unpack_from(">4I", data, 32), struct.unpack_from(">4I", data, 48)
		assert module == (0, 0, 0, 0), module
		assert plist[0] == 64 and plist[2] == len(open(sys.argv[2], "rb").read())
	EOF
}

# flip OFFSET: $T/bad.mkext, which differs from the good one in this byte of the archive.
flip()
{
	python3 - "$T/good.mkext" "$T/bad.mkext" "$1" <<-'EOF'
		import struct, sys
		data = bytearray(open(sys.argv[1], "rb").read())
		base = struct.unpack_from(">I", data, 16)[0] if data[:4] == b"\xca\xfe\xba\xbe" else 0
		data[base + int(sys.argv[3])] ^= 0x55
		open(sys.argv[2], "wb").write(data)
	EOF
}

good_mkext()
{
	codeless One test.one 1.0
	kextcache -q -z -mkext1 "$T/good.mkext" "$T/k/One.kext"
}

test_06_checksum_of_mkext()
{
	local at
	good_mkext
	for at in 70 90; do
		flip "$at"
		mkextunpack -d "$T/out.d" "$T/bad.mkext" 2>"$T/err" && fail "byte $at"
		expect_text "$T/err" checksum
	done
}

test_07_magic_and_signature_of_mkext()
{
	local at
	good_mkext
	for at in 0 3 4 7; do
		flip "$at"
		mkextunpack -d "$T/out.d" "$T/bad.mkext" 2>"$T/err" && fail "byte $at"
		expect_no_text "$T/err" checksum
		expect_text "$T/err" bad.mkext
	done
}

# The ring begins with blanks, so that a reference may come before any literal.
test_08_lzss_of_blanks()
{
	python3 - "$T" <<-'EOF'
		import struct, sys, zlib
		plist = (b'<plist version="1.0"><dict>'
		         b"<key>CFBundleIdentifier</key><string>test.blanks</string>"
		         b"<key>CFBundlePackageType</key><string>KEXT</string>"
		         b"<key>CFBundleVersion</key><string>1.0</string></dict></plist>\n")
		items = [(0, bytes((at & 0xFF, (at >> 4 & 0xF0) | length - 3)))
		         for at, length in [(18 * i, 18) for i in range(226)] + [(4060, 10)]]
		items += [(1, bytes((byte,))) for byte in plist]
		stream = b""
		for i in range(0, len(items), 8):
		    group = items[i:i + 8]
		    stream += bytes((sum(bit << n for n, (bit, _) in enumerate(group)),))
		    stream += b"".join(code for _, code in group)
		whole = b" " * 4078 + plist
		body = struct.pack(">4I", 0x01008000, 1, 0xFFFFFFFF, 0xFFFFFFFF)
		body += struct.pack(">8I", 64, len(stream), len(whole), 0, 0, 0, 0, 0) + stream
		head = struct.pack(">4I", 0x4D4B5854, 0x4D4F5358, 16 + len(body), zlib.adler32(body))
		open(sys.argv[1] + "/blanks.mkext", "wb").write(head + body)
		open(sys.argv[1] + "/blanks.plist", "wb").write(whole)
	EOF
	expect_status 0 mkextunpack -d "$T/out.d" "$T/blanks.mkext"
	python3 - "$T/blanks.plist" "$(find "$T/out.d" -name Info.plist)" <<-'EOF'
		import plistlib, sys
		want, have = (plistlib.loads(open(path, "rb").read().strip()) for path in sys.argv[1:])
		assert want == have and len(want) == 3
	EOF
}

test_09_header_of_a_compressed_kernel()
{
	python3 -B "$ROOT/tests/model/prelink_make.py" "$T" 2
	[ "$(id -u)" != 0 ] || chown -R 0:0 "$T"
	expect_status 0 kextcache -z -l -c "$T/made" -K "$T/kernel" "$T/Extensions"
	(cd "$ROOT/tests/model" && python3 -B - "$T/made") <<-'EOF'
		import struct, sys, zlib
		from prelink import lzss, lzvn
		data = open(sys.argv[1], "rb").read()
		assert data[:4] == b"\xca\xfe\xba\xbe"
		offset, size = struct.unpack_from(">2I", data, 16)
		data = data[offset:offset + size]
		assert data[:4] == b"comp"
		kind, adler, full, packed = data[4:8], *struct.unpack_from(">3I", data, 8)
		assert len(data) == 384 + packed
		plain = {b"lzss": lzss, b"lzvn": lzvn}[kind](data[384:], full)
		assert len(plain) == full and zlib.adler32(plain) == adler
		assert not any(data[24:384]), "reserved words, platform and root path"
	EOF
}

# Both columns: which texts are versions before 10.14, and which from then on.
test_10_versions()
{
	python3 - "$T" <<-'EOF'
		import os, sys
		both = ["1", "1.0", "1.0.0", "01.02.03", "1.10", "10.14.6", "18.7.0", "6.0", "7.9.9",
		        "8.0.0b1", "1.0d1", "1.0.0d0", "1.0a1", "1.0b12", "1.0fc3", "1.0f4", "1.0d255",
		        "1.0 beta", "1.0f1 x", "1234", "1234d1", "1.", "1..", "1.2.", "0", "0.0d0"]
		before, after = ["1.2.33."], ["1.2.3333.", "1.100", "1.0.100"]
		never = ["1.2.3.", "1.2.3.4", "12345", "1.0b", "1.0fc", "1.0fc0", "1.0f0", "1.0d256",
		         "1.0d1000", "1.0B1", "v1.0", "1.-1", "", "1.0.0.0.0.0.0.0.0.0.0"]
		rows = [(t, 1, 1) for t in both] + [(t, 1, 0) for t in before]
		rows += [(t, 0, 1) for t in after] + [(t, 0, 0) for t in never]
		assert len(rows) == 44
		wanted = {"snowleopard": [], "modern": []}
		for i, (text, old, new) in enumerate(rows):
		    folder = "%s/v/%02d.kext/Contents" % (sys.argv[1], i)
		    os.makedirs(folder)
		    with open(folder + "/Info.plist", "w") as out:
		        out.write('<plist version="1.0"><dict><key>CFBundleIdentifier</key>'
		                  "<string>v.%02d</string><key>CFBundlePackageType</key>"
		                  "<string>KEXT</string><key>CFBundleVersion</key>"
		                  "<string>%s</string></dict></plist>" % (i, text))
		    wanted["snowleopard"].append("%02d.kext %s" % (i, bool(old)))
		    wanted["modern"].append("%02d.kext %s" % (i, bool(new)))
		for era, lines in wanted.items():
		    open(sys.argv[1] + "/wanted." + era, "w").write("\n".join(lines) + "\n")
	EOF
	local era
	for era in snowleopard modern; do
		expect_status 4 kextutil -n -e -Z --json --era $era "$T"/v/*.kext
		python3 -c 'import json, os, sys
for kext in json.load(open(sys.argv[1]))["kexts"]:
    print(os.path.basename(kext["name"]), kext["loadable"])' "$T/out" >"$T/found.$era"
		diff "$T/wanted.$era" "$T/found.$era"
	done
}

# cached: a root with one kext and its identifier cache, written when the folder was a day old.
cached()
{
	export KEXT_ROOT=$T/root
	FOLDER=$KEXT_ROOT/Library/Extensions
	CACHE=$KEXT_ROOT/System/Library/Caches/com.apple.kext.caches
	CACHE=$CACHE/Directories/Library/Extensions/KextIdentifiers.plist.gz
	codeless A test.a 1.0
	mkdir -p "$FOLDER"
	cp -R "$T/k/A.kext" "$FOLDER"
	[ "$(id -u)" != 0 ] || chown -R 0:0 "$KEXT_ROOT"
	touch -d @1600000000 "$FOLDER"
	kextcache -k "$FOLDER"
	expect_equal "$(stat -c %Y "$CACHE")" 1600000001
	lie
	expect_equal "$(believed)" yes
}

# The cache says another identifier than the kext, which shows who is believed.
lie()
{
	python3 - "$CACHE" <<-'EOF'
		import gzip, os, sys
		times = os.stat(sys.argv[1])
		data = gzip.decompress(open(sys.argv[1], "rb").read())
		assert b"test.a" in data
		open(sys.argv[1], "wb").write(gzip.compress(data.replace(b"test.a", b"test.z")))
		os.utime(sys.argv[1], ns=(times.st_atime_ns, times.st_mtime_ns))
	EOF
}

# The cache knows no test.a; who reads the folder finds it.
believed()
{
	if kextutil -n -b test.a >"$T/out" 2>"$T/err"; then echo no; else echo yes; fi
}

test_11_touched_folder()
{
	cached
	touch "$FOLDER"
	expect_equal "$(believed)" no
	# With its old time, too: what came and went meanwhile left that as it was.
	touch -d @1600000000 "$FOLDER"
	expect_equal "$(believed)" no
	# A new cache is exactly a second younger, and that makes it believed.
	kextcache -k "$FOLDER"
	expect_equal "$(stat -c %Y "$CACHE")" 1600000001
	lie
	expect_equal "$(believed)" yes
}

test_12_cache_two_seconds_younger()
{
	cached
	touch -d @1600000002 "$CACHE"
	expect_equal "$(believed)" no
	touch -d @1600000001 "$CACHE"
	expect_equal "$(believed)" yes
}

test_13_mode_and_owner_of_a_cache()
{
	cached
	chmod 664 "$CACHE"
	expect_equal "$(believed)" no
	chmod 644 "$CACHE"
	expect_equal "$(believed)" yes
	if [ "$(id -u)" = 0 ] && chown 1:0 "$CACHE" 2>/dev/null; then
		expect_equal "$(believed)" no
	fi
}

test_14_package_type()
{
	codeless Type test.type 1.0
	sed -i s/KEXT/BNDL/ "$T/k/Type.kext/Contents/Info.plist"
	judge 4 Type --era tiger
	judge 0 Type
	expect_text "$T/err" '    Info.plist property has an illegal value: '
	expect_text "$T/err" '        CFBundlePackageType'
}

# Darwin refuses it without a word; we say why.
test_15_compatible_version_that_is_none()
{
	codeless Compatible test.compatible 1.0 "$(entries x)"
	judge 4 Compatible
	expect_text "$T/err" OSBundleCompatibleVersion
}

# The parser knows neither real numbers nor any entity but &lt; &gt; and &amp;.
test_16_what_the_kernel_cannot_parse()
{
	codeless Real test.real 1.0 '<key>x</key><real>1.5</real>'
	judge 4 Real
	expect_text "$T/err" 'Info.plist cannot be parsed'
	codeless Quote test.quote 1.0 '<key>x</key><string>&quot;</string>'
	judge 4 Quote
	expect_text "$T/err" 'Info.plist cannot be parsed'
	judge 0 Quote --era tiger
}

test_17_only_incompatible()
{
	codeless Library test.library 2.0 "$(entries 1.5)"
	codeless User test.user 1.0 "$(entries 1.0 test.library=1.0)"
	judge 4 User
	expect_text "$T/err" '    Only incompatible kexts found for these libraries: '
}

# sources NAME: start and stop routines.
routines()
{
	cat <<-END2
		#include <mach/mach_types.h>
		kern_return_t ${1}_start(kmod_info_t *k, void *d) { return ${2:-0}; }
		kern_return_t ${1}_stop(kmod_info_t *k, void *d) { return 0; }
	END2
}

test_18_highest_or_loaded()
{
	routines Lib | make_kext "$T/old" Lib test.lib 1.0
	routines Lib | make_kext "$T/new" Lib test.lib 2.0
	routines User | make_kext "$T" User test.user 1.0 test.lib=1.0
	expect_status 0 kextload -d "$T/old/Lib.kext" -d "$T/new/Lib.kext" "$T/User.kext"
	expect_text <(kextstat -b test.lib) 'test.lib (2.0)'
	kextunload -b test.user
	kextunload -b test.lib
	expect_status 0 kextload "$T/old/Lib.kext"
	expect_status 0 kextload -d "$T/old/Lib.kext" -d "$T/new/Lib.kext" "$T/User.kext"
	expect_text <(kextstat -b test.lib) 'test.lib (1.0)'
}

test_19_circular_libraries()
{
	codeless A test.a 1.0 "$(entries 1.0 test.b=1.0)"
	codeless B test.b 1.0 "$(entries 1.0 test.a=1.0)"
	judge 4 A
	expect_text "$T/err" '    Libraries that depend on themselves: '
	expect_text "$T/err" 'test.a -> test.b -> test.a'
}

test_20_kernel_component_for_64_bits()
{
	codeless Mach test.mach 1.0 "$(entries 1.0 com.apple.kernel.mach=6.0)"
	judge 4 Mach
	expect_text "$T/err" '    64-bit kexts must use the KPIs: '
}

test_21_start_fails()
{
	routines Lib | make_kext "$T" Lib test.lib 1.0
	routines Fails 5 | make_kext "$T" Fails test.fails 1.0 test.lib=1.0
	expect_status 71 kextload -d "$T/Lib.kext" "$T/Fails.kext"
	expect_text "$T/err" '(libkern/kext) kext (kmod) start/stop routine failed'
	expect_text <(kextstat) 'test.lib (1.0)'
	expect_no_text <(kextstat) 'test.fails'
}

test_22_unload_of_what_others_need()
{
	routines Lib | make_kext "$T" Lib test.lib 1.0
	routines User | make_kext "$T" User test.user 1.0 test.lib=1.0
	kextload -d "$T/Lib.kext" "$T/User.kext"
	kextunload -b test.lib 2>"$T/err" && fail "unloaded"
	expect_text "$T/err" '(libkern/kext) kext is in use or retained (cannot unload)'
	expect_text <(kextstat) 'test.lib (1.0)'
}

test_23_kextutil_of_a_good_kext()
{
	dummy_kext "$T"
	expect_status 0 kextutil -n -t "$T/DummySysctl.kext"
	expect_text "$T/out" \
		'appears to be loadable (including linkage for on-disk libraries).'
}

test_24_kextlibs_and_an_undefined_symbol()
{
	make_kext "$T" Needs test.needs 1.0 <<-'EOF'
		#include <mach/mach_types.h>
		extern int nobody_has_this(void);
		kern_return_t Needs_start(kmod_info_t *k, void *d) { return nobody_has_this(); }
		kern_return_t Needs_stop(kmod_info_t *k, void *d) { return 0; }
	EOF
	expect_status 1 kextlibs -undef-symbols "$T/Needs.kext"
	expect_text "$T/err" '_nobody_has_this'
}

# Darwin's wrote the files and left with 1; that is none of the things to keep.
test_25_mkextunpack_of_mkext_2()
{
	dummy_kext "$T"
	kextcache -q -z -m "$T/two.mkext" "$T/DummySysctl.kext"
	expect_status 0 mkextunpack -d "$T/out.d" "$T/two.mkext"
	cmp "$T/DummySysctl.kext/Contents/MacOS/DummySysctl" \
		"$(find "$T/out.d" -name DummySysctl -type f)"
}

run_tests
