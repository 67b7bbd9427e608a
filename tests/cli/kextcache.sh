#!/bin/bash
# kextcache's archives: mkext 1 and 2, fat files, filters, forms, and what is refused.
. "$(dirname "$0")/lib.sh"

# plist_kext NAME [REQUIRED [VERSION [IDENTIFIER]]]: a kext without code in $T/kexts.
plist_kext()
{
	local kext=$T/kexts/$1.kext
	mkdir -p "$kext/Contents"
	cat >"$kext/Contents/Info.plist" <<-END
		<plist version="1.0"><dict>
		<key>CFBundleIdentifier</key><string>${4:-com.example.$1}</string>
		<key>CFBundlePackageType</key><string>KEXT</string>
		<key>CFBundleVersion</key><string>${3:-1.0}</string>
		<key>OSBundleCompatibleVersion</key><string>1.0</string>
		${2:+<key>OSBundleRequired</key><string>$2</string>}
		</dict></plist>
	END
}

code_kext()
{
	mkdir -p "$T/kexts"
	make_kext "$T/kexts" "$1" "com.example.$1" 1.0 <<-END
		#include <mach/mach_types.h>
		kern_return_t $1_start(kmod_info_t *ki, void *d) { return KERN_SUCCESS; }
		kern_return_t $1_stop(kmod_info_t *ki, void *d) { return KERN_SUCCESS; }
	END
}

# show FILE: its slices by an independent reader, a line each: version, CPU and names.
show()
{
	python3 -B - "$1" <<-'END'
		import re, struct, sys, zlib
		sys.path.insert(0, "tests/model")
		from prelink import lzss
		data = open(sys.argv[1], "rb").read()
		slices, end = [(None, data)], 0
		if data[:4] == b"\xca\xfe\xba\xbe":
		    slices, end = [], 8 + 20 * struct.unpack_from(">I", data, 4)[0]
		    for i in range(struct.unpack_from(">I", data, 4)[0]):
		        cpu, sub, at, size, align = struct.unpack_from(">5I", data, 8 + 20 * i)
		        assert at == end and align == 0
		        slices.append((cpu, data[at:at + size]))
		        end += size
		    assert end == len(data)
		for wanted, d in slices:
		    m, s, length, adler, version, count, cpu, sub = struct.unpack_from(">8I", d)
		    assert (m, s) == (0x4D4B5854, 0x4D4F5358) and wanted in (None, cpu)
		    assert length == len(d) and adler == zlib.adler32(d[16:])
		    names = []
		    if version == 0x01008000:
		        at = 32 + 32 * count
		        for i in range(count):
		            for k in range(2):
		                offset, packed, full, time = struct.unpack_from(">4I", d, 32 + 32 * i + 16 * k)
		                assert time == 0
		                if k and not offset:
		                    assert (packed, full) == (0, 0)
		                    continue
		                assert offset == at, "a gap"
		                at += packed or full
		                plain = lzss(d[offset:at], full) if packed else d[offset:at]
		                assert packed <= full
		                if k:
		                    names[-1] += "+%d" % zlib.crc32(plain)
		                else:
		                    text = plain.decode()
		                    names.append(re.search("CFBundleIdentifier</key><string>([^<]*)", text)[1])
		                    assert text.lstrip().startswith("<")
		        assert at == len(d)
		    else:
		        assert version == 0x02002001
		        at, packed, full = struct.unpack_from(">3I", d, 32)
		        text = (zlib.decompress(d[at:at + packed]) if packed else d[at:at + full]).decode()
		        assert len(text) == full and at + (packed or full) == len(d)
		        assert text.count("_MKEXTBundlePath") == count
		        names = re.findall("CFBundleIdentifier</key><string[^>]*>([^<]*)", text)
		    print("%08x %x %s" % (version, cpu, " ".join(sorted(names))))
	END
}

# names_of FILE: the kexts' short names.
names_of()
{
	show "$1" | sed 's/^[^ ]* [^ ]* //; s/com\.example\.//g; s/+[0-9]*//g'
}

test_mkext1()
{
	code_kext Foo
	plist_kext Bare
	expect_status 0 kextcache -z -mkext1 "$T/a.mkext" "$T/kexts"
	local sum
	sum=$(python3 -c "import sys, zlib
print(zlib.crc32(open('$T/kexts/Foo.kext/Contents/MacOS/Foo', 'rb').read()))")
	expect_equal "$(show "$T/a.mkext")" \
		"01008000 1000007 com.example.Bare com.example.Foo+$sum"
	# Property lists are kept byte for byte.
	expect_status 0 mkextunpack -d "$T/new" "$T/a.mkext"
	cmp "$T/kexts/Foo.kext/Contents/MacOS/Foo" "$T/new/Foo.kext/Contents/MacOS/Foo"
	kextcache -q -z -uncompressed -mkext1 "$T/b.mkext" "$T/kexts"
	grep -qaF "$(head -1 "$T/kexts/Bare.kext/Contents/Info.plist")" "$T/b.mkext"
	show "$T/b.mkext" >/dev/null
}

test_fat()
{
	code_kext Foo
	plist_kext Bare
	expect_status 0 kextcache -z -a x86_64 -a i386 -a x86_64 -m "$T/a.mkext" "$T/kexts"
	expect_equal "$(show "$T/a.mkext" | sed 's/+.*//')" \
		"02002001 1000007 com.example.Bare com.example.Foo
02002001 7 com.example.Bare"
	# What is named and has no code for one of several is left out of that one.
	expect_status 0 kextcache -z -a i386 -a x86_64 -m "$T/b.mkext" "$T/kexts/Foo.kext"
	expect_text "$T/err" "Foo.kext doesn't support architecture 'i386'; omitting from mkext."
	expect_text "$T/err" "no kexts are left for i386"
	expect_status 2 kextcache -z -a i386 -m "$T/c.mkext" "$T/kexts/Foo.kext"
	[ ! -e "$T/c.mkext" ]
}

test_filters()
{
	local name
	plist_kext Root Root
	plist_kext Console Console
	plist_kext Local Local-Root
	plist_kext Net Network-Root
	plist_kext Safe "Safe Boot"
	plist_kext Plain
	filtered()
	{
		kextcache -q -z "$1" -m "$T/a.mkext" "${@:2}"
		names_of "$T/a.mkext"
	}
	expect_equal "$(filtered -l "$T/kexts")" "Console Local Root"
	expect_equal "$(filtered -L "$T/kexts")" "Console Local Root"
	expect_equal "$(filtered -n "$T/kexts")" "Console Net Root"
	expect_equal "$(filtered -s "$T/kexts")" "Console Root Safe"
	expect_equal "$(filtered -lns "$T/kexts")" "Console Local Net Root Safe"
	expect_equal "$(filtered -local-root "$T/kexts")" "Console Local Root"
	# Lower case restricts folders only, upper case named kexts too.
	expect_equal "$(filtered -l "$T/kexts/Plain.kext" "$T/kexts/Net.kext")" "Net Plain"
	expect_equal "$(filtered -N "$T/kexts/Plain.kext" "$T/kexts/Net.kext")" "Net"
}

test_identifiers()
{
	plist_kext A
	plist_kext B
	expect_status 0 kextcache -z -b com.example.B -m "$T/a.mkext" "$T/kexts"
	expect_equal "$(names_of "$T/a.mkext")" B
	expect_status 1 kextcache -z -b com.example.C -m "$T/c.mkext" "$T/kexts"
	expect_text "$T/err" com.example.C
	[ ! -e "$T/c.mkext" ]
}

test_versions_of_one_identifier()
{
	plist_kext Old "" 1.0 com.example.Same
	plist_kext New "" 2.0 com.example.Same
	kextcache -q -z -uncompressed -mkext1 "$T/a.mkext" "$T/kexts"
	expect_equal "$(names_of "$T/a.mkext")" Same
	expect_text "$T/a.mkext" "<string>2.0</string>"
	kextcache -q -z -mkext2 "$T/b.mkext" "$T/kexts"
	expect_equal "$(names_of "$T/b.mkext")" "Same Same"
}

test_volume_root_and_time()
{
	plist_kext A
	touch -d @1234567890 "$T/kexts"
	kextcache -q -z -uncompressed -volume-root "$T/" -m "$T/a.mkext" "$T/kexts"
	expect_text "$T/a.mkext" "<string>/kexts/A.kext</string>"
	expect_equal "$(stat -c %Y "$T/a.mkext")" 1234567891
}

test_same_bytes()
{
	code_kext Foo
	code_kext Bar
	plist_kext Bare
	local version jobs
	for version in 1 2; do
		for jobs in 1 2 3; do
			kextcache -q -z -j $jobs -mkext$version "$T/$version.$jobs" "$T/kexts"
		done
		cmp "$T/$version.1" "$T/$version.2"
		cmp "$T/$version.1" "$T/$version.3"
	done
}

# An independent writer makes the same bytes of the same text.
test_independent_writer()
{
	python3 -B tests/model/prelink_make.py "$T" 5 --fat
	# One lies where old kexts have it, beside its Info.plist.
	mkdir "$T/Extensions/Old.kext"
	cp "$T/Extensions/Driver1.kext/Contents/MacOS/Driver1" "$T/Extensions/Old.kext/"
	sed s/com.example.Driver1/com.example.Old/ "$T/Extensions/Driver1.kext/Contents/Info.plist" \
		>"$T/Extensions/Old.kext/Info.plist"
	judge()
	{
		python3 -B tests/model/mkext.py "$1" "$T/Extensions" "${@:2}"
	}
	local fat=(-a i386 -a x86_64)
	expect_status 0 kextcache -z -m "$T/a.mkext" "$T/Extensions"
	expect_equal "$(judge "$T/a.mkext")" "02002001 1000007 11"
	kextcache -q -z -uncompressed -m "$T/s.mkext" "$T/Extensions"
	expect_equal "$(judge "$T/s.mkext" --stored)" "02002001 1000007 11"
	kextcache -q -z "${fat[@]}" -volume-root "$T" -m "$T/b.mkext" "$T/Extensions"
	expect_equal "$(judge "$T/b.mkext" --root "$T")" $'02002001 7 8\n02002001 1000007 11'
	kextcache -q -z "${fat[@]}" -mkext1 "$T/c.mkext" "$T/Extensions"
	expect_equal "$(judge "$T/c.mkext")" $'01008000 7 8\n01008000 1000007 11'
	# It notices a byte that differs.
	python3 -c "
data = bytearray(open('$T/a.mkext', 'rb').read())
data[60] ^= 1
open('$T/d.mkext', 'wb').write(data)"
	judge "$T/d.mkext" 2>/dev/null && fail "a byte is not judged"
	true
}

# The order in which a folder lists its kexts, their times and the number of threads do not show.
test_same_bytes_of_copies()
{
	python3 -B tests/model/prelink_make.py "$T" 6
	mkdir "$T/copy"
	local name
	for name in $(ls -A "$T/Extensions" | sort -r); do
		cp -R "$T/Extensions/$name" "$T/copy/$name"
		touch -d @1300000000 "$T/copy/$name" "$T/copy/$name/Contents/Info.plist"
	done
	local make=(kextcache -q -z)
	"${make[@]}" -j 1 -volume-root "$T/Extensions" -m "$T/1.mkext" "$T/Extensions"
	"${make[@]}" -j 2 -volume-root "$T/copy" -m "$T/2.mkext" "$T/copy"
	cmp "$T/1.mkext" "$T/2.mkext"
	"${make[@]}" -j 1 -volume-root "$T/Extensions" -c "$T/1.kernel" -K "$T/kernel" "$T/Extensions"
	"${make[@]}" -j 2 -volume-root "$T/copy" -c "$T/2.kernel" -K "$T/kernel" "$T/copy"
	cmp "$T/1.kernel" "$T/2.kernel"
	# Mode and owner are the writer's.
	(umask 077 && "${make[@]}" -m "$T/3.mkext" "$T/copy")
	expect_equal "$(stat -c '%a %u' "$T/3.mkext")" "600 $(id -u)"
	expect_equal "$(stat -c '%a %u' "$T/2.kernel")" "644 $(id -u)"
}

test_usage()
{
	plist_kext A
	expect_status 64 kextcache "$T/kexts"
	expect_text "$T/err" "No work to do; check options and try again."
	expect_status 64 kextcache -m "$T/a"
	expect_text "$T/err" "No kexts or directories specified."
	expect_status 64 kextcache -m "$T/a" -mkext1 "$T/b" "$T/kexts"
	expect_text "$T/err" "an output filename has already been set"
	expect_status 64 kextcache -f -m "$T/a" "$T/kexts"
	expect_status 64 kextcache -caches-only -U "$T"
	expect_status 64 kextcache -f -caches-only -u "$T"
	expect_status 64 kextcache -volume-root "$T" -k "$T/kexts"
	expect_status 64 kextcache -compression zip -m "$T/a" "$T/kexts"
	expect_status 64 kextcache -system-caches "$T/kexts"
	expect_text "$T/err" "Custom kexts and repository directories are not allowed"
	expect_status 64 kextcache -c "$T/a" -e
	expect_status 66 kextcache -u "$T/none"
	# Contradicting forms: said, and compressed wins.
	expect_status 0 kextcache -z -compressed -uncompressed -m "$T/a" "$T/kexts"
	expect_text "$T/err" "using -compressed"
	# A cluster, an argument glued to its end, -v with its level as the next word.
	expect_status 0 kextcache -zqv 6 -m"$T/b" "$T/kexts"
	[ -s "$T/b" ]
}

# ERA | STATUS | WHAT IS SAID (- for nothing certain) | ARGUMENTS. T is 10.4, SL 10.6, M 10.7 to
# 10.15. $K is a folder with a kext A, one named B whose list is broken, and X for x86_64 alone.
table()
{
	cat <<-'END'
		T|0|Put kexts|-h
		SL|0|Put kexts|-help
		M|0|Put kexts|--help
		T|64|No work to do; check options and try again.|$K
		T|64|an output filename has already been set|-m $T/o -mkext2 $T/p $K
		T|64|an output filename has already been set|-c $T/o -c $T/p $K
		T|64|No kexts or directories specified.|-m $T/o
		T|64|unknown CPU arch vax|-a vax -m $T/o $K
		T|0|-|-z -m $T/o $K/A.kext/
		T|0|-|-zt -m $T/o $K/A.kext
		T|0|-|-v 6 -z -m $T/o $K
		T|0|-|-F -z -m $T/o $K
		T|0|-|-z -l -n -s -L -N -S -m $T/o $K/Root.kext
		T|64|unrecognized|-y -m $T/o $K
		SL|0|-|-no-authentication -arch x86_64 -mkext $T/o $K/A.kext
		SL|0|-|-no-authenticate -bundle-id com.example.A -mkext1 $T/o $K
		SL|1|com.example.None|-z -b com.example.None -m $T/o $K
		SL|1|-|-z -m $T/o $T/none
		SL|2|doesn't support architecture 'arm64'; omitting from mkext.|-z -a arm64 -m $T/o $K/X.kext
		SL|3|B.kext|-z -m $T/o $K/B.kext
		SL|73|$T/none/o|-z -m $T/none/o $K
		SL|0|using -compressed|-z -compressed -uncompressed -m $T/o $K
		SL|64|requires an argument|-z $K -m
		M|64|-force and -caches-only|-f -caches-only -u $T
		M|64|-force and -caches-only|-f -m $T/o $K
		M|64|-force and -caches-only|-caches-only -u $T -U $T
		M|64|-Boot|-Boot -m $T/o $K
		M|64|-volume-root|-volume-root $T -k $K
		M|66|$T/none|-u $T/none
		M|66|$T/none|-U $T/none
		M|0|skipping|-u $T
		M|0|skipping|-Installer -Boot -U $T
		M|64|$T/none|-K $T/none -c $T/o $K
		M|64|Custom kexts and repository directories are not allowed|-system-caches $K
		M|64|Custom kexts and repository directories are not allowed|-c -b com.example.A
		M|66|$T/none|-uncompressed -c $T/none
	END
}

test_table_of_eras()
{
	plist_kext A
	plist_kext Root Root
	plist_kext B
	echo "<dict>" >"$T/kexts/B.kext/Contents/Info.plist"
	code_kext X
	local K=$T/kexts era status said arguments wrong=0 got
	while IFS='|' read -r era status said arguments; do
		got=0
		eval "kextcache $arguments" >"$T/out" 2>&1 </dev/null || got=$?
		[ "$said" = - ] && said=
		said=$(eval "echo \"$said\"")
		if [ "$got" != "$status" ] || ! grep -qF -- "$said" "$T/out"; then
			[ -z "$said" ] && [ "$got" = "$status" ] && continue
			echo "$era: kextcache $arguments: status $got, not $status '$said'"
			cat "$T/out"
			wrong=$((wrong + 1))
		fi
	done < <(table)
	expect_equal "$wrong" 0
}

test_full_disk()
{
	code_kext Foo
	echo old >"$T/a.mkext"
	(
		ulimit -f 1
		trap '' XFSZ
		kextcache -q -z -uncompressed -m "$T/a.mkext" "$T/kexts" 2>"$T/err"
	) && fail "a full disk was no failure"
	expect_text "$T/err" "$T/a.mkext: "
	expect_equal "$(cat "$T/a.mkext")" old
	expect_equal "$(find "$T" -maxdepth 1 -name '.a.mkext*')" ""
}

test_folder_that_changes()
{
	# Enough kexts for a change to come in between.
	local i
	for i in $(seq 200); do
		plist_kext "K$i"
	done
	touch "$T/go"
	python3 -c "
import os
while os.path.exists('$T/go'):
    os.utime('$T/kexts')
    open('$T/going', 'w').close()" &
	while [ ! -e "$T/going" ]; do :; done
	# On a busy machine the other process may not have come to it.
	local status=0 try
	for try in 1 2 3 4 5 6; do
		[ "$status" != 0 ] && break
		rm -f "$T/a.mkext"
		kextcache -q -z -m "$T/a.mkext" "$T/kexts" 2>"$T/err" || status=$?
	done
	rm "$T/go"
	wait
	expect_equal "$status" 4
	expect_text "$T/err" "Source directory has changed since starting"
	[ ! -e "$T/a.mkext" ]
}

test_loaded_kexts()
{
	dummy_kext "$T"
	mkdir "$T/kexts"
	mv "$T/DummySysctl.kext" "$T/kexts/"
	expect_status 1 kextcache -q -z -l -r -m "$T/a.mkext" "$T/kexts"
	kextload "$T/kexts/DummySysctl.kext" >/dev/null
	expect_status 0 kextcache -q -z -l -r -m "$T/a.mkext" "$T/kexts"
	expect_text "$T/a.mkext" MKXT
	expect_equal "$(names_of "$T/a.mkext")" com.osxbook.kext.DummySysctl
	kextunload -b com.osxbook.kext.DummySysctl >/dev/null
	expect_status 1 kextcache -q -z -l -r -m "$T/b.mkext" "$T/kexts"
}

cd "$ROOT"
# Each kext that was judged, with what came of it.
test_json()
{
	plist_kext A
	plist_kext Bad '' x.y
	plist_kext Old '' 1.0 com.example.Two
	plist_kext New '' 2.0 com.example.Two
	expect_status 3 kextcache -q -z -mkext1 "$T/a.mkext" --json "$T/kexts/Bad.kext" "$T/kexts"
	python3 - "$T/out" "$T/kexts" <<-'END'
		import json, os, sys
		whole = json.load(open(sys.argv[1]))
		assert whole["schema"] == "kextcache/1" and len(whole) == 2
		kexts = {os.path.basename(k["path"]): k for k in whole["kexts"]}
		assert {n: k["included"] for n, k in kexts.items()} == {
		    "A.kext": True, "Bad.kext": False, "Old.kext": False, "New.kext": True}, kexts
		assert kexts["A.kext"] == {"path": sys.argv[2] + "/A.kext", "version": "1.0",
		    "identifier": "com.example.A", "arch": "x86_64", "included": True, "findings": {}}
		assert kexts["Bad.kext"]["reason"] == "is not valid"
		assert "CFBundleVersion" in str(kexts["Bad.kext"]["findings"]["Validation Failures"])
	END
	expect_status 64 kextcache -z -m - --json "$T/kexts"
	expect_status 64 kextcache -k --json "$T/kexts"
}

# Only Tiger refused a kext for its package type; its tools knew no status but 1.
test_era_of_judgement()
{
	plist_kext A
	sed -i s/KEXT/BNDL/ "$T/kexts/A.kext/Contents/Info.plist"
	expect_status 0 kextcache -z -m "$T/a.mkext" "$T/kexts/A.kext"
	expect_status 1 kextcache -z -m "$T/a.mkext" --era tiger "$T/kexts/A.kext"
	expect_text "$T/err" 'is not valid'
}

run_tests
