#!/bin/bash
# Caches of folders and volumes: when they are believed, when not, and what writes them.
# as: owners
. "$(dirname "$0")/lib.sh"

CACHES=System/Library/Caches/com.apple.kext.caches

# A root folder of our own with three kexts, one of them a plug-in.
make_root()
{
	export KEXT_ROOT=$T/root
	FOLDER=$KEXT_ROOT/Library/Extensions
	mkdir -p "$FOLDER"
	plist_kext "$FOLDER" A 1.0
	plist_kext "$FOLDER" B 2.0
	plist_kext "$FOLDER/B.kext/Contents/PlugIns" Inner 1.5
	CACHE=$KEXT_ROOT/$CACHES/Directories/Library/Extensions/KextIdentifiers.plist.gz
}

plist_kext()
{
	mkdir -p "$1/$2.kext/Contents"
	cat >"$1/$2.kext/Contents/Info.plist" <<-END
		<plist version="1.0"><dict>
		<key>CFBundleIdentifier</key><string>com.example.$2</string>
		<key>CFBundlePackageType</key><string>KEXT</string>
		<key>CFBundleVersion</key><string>$3</string>
		<key>OSBundleCompatibleVersion</key><string>1.0</string>
		</dict></plist>
	END
}

# found IDENTIFIER: the version that is found by it.
found()
{
	rm -f "$T/found.mkext"
	mkdir -p "$T/empty"
	kextcache -q -z -uncompressed -b "$1" -m "$T/found.mkext" "$T/empty" 2>"$T/err" || return 0
	grep -ao '<key>CFBundleVersion</key><string[^>]*>[0-9.]*' "$T/found.mkext" | sed 's/.*>//'
}

# Identifier caches alone: what is doubted is read, not looked up in another cache.
write_identifiers()
{
	kextcache -k "$FOLDER"
	rm "$FOLDER.kextcache"
}

test_content()
{
	make_root
	touch -d @1600000000 "$FOLDER"
	expect_status 0 kextcache -k "$FOLDER"
	expect_equal "$(stat -c '%a %Y' "$CACHE")" "644 1600000001"
	python3 - "$CACHE" "$(realpath "$FOLDER")" <<-'END'
		import gzip, plistlib, sys
		raw = open(sys.argv[1], "rb").read()
		assert raw[:4] == b"\x1f\x8b\x08\0" and raw[4:8] == bytes(4), "a time or a name"
		cache = plistlib.loads(gzip.decompress(raw))
		assert cache["OSKextIdentifierCacheBasePath"] == sys.argv[2]
		assert cache["OSKextIdentifierCacheVersion"] == 1
		rows = {(r["CFBundleIdentifier"], r["CFBundleVersion"], r["OSBundlePath"])
		        for r in cache["OSKextIdentifierCacheKextInfo"]}
		assert rows == {("com.example.A", "1.0", "A.kext"), ("com.example.B", "2.0", "B.kext"),
		                ("com.example.Inner", "1.5", "B.kext/Contents/PlugIns/Inner.kext")}, rows
	END
	cp "$CACHE" "$T/first"
	kextcache -k "$FOLDER"
	cmp "$CACHE" "$T/first"
}

# The identifier in the cache is another than in the kext: whoever believes the cache looks
# for that one. The stamp does not cover the cache itself, so this shows who is believed.
lie()
{
	python3 - "$CACHE" "$1" "$2" <<-'END'
		import gzip, os, sys
		path, old, new = sys.argv[1:]
		times = os.stat(path)
		data = gzip.decompress(open(path, "rb").read()).replace(b"\n", b"").replace(b"\t", b"")
		assert old.encode() in data
		with open(path, "wb") as file:
		    file.write(gzip.compress(data.replace(old.encode(), new.encode())))
		os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
	END
}

# believed: whether a cache without kext A hides it.
believed()
{
	if [ -z "$(found com.example.A)" ]; then echo yes; else echo no; fi
}

test_believed_and_doubted()
{
	make_root
	touch -d @1600000000 "$FOLDER"
	write_identifiers
	expect_equal "$(found com.example.A) $(found com.example.Inner)" "1.0 1.5"
	lie com.example.A com.example.Z
	expect_equal "$(believed)" yes
	# What the cache names is another kext: noticed when it is opened, never served.
	expect_equal "$(found com.example.Z)" ""
	local good="touch -d @1600000001 $CACHE"
	touch -d @1600000002 "$CACHE"; expect_equal "$(believed)" no
	touch -d @1600000000 "$CACHE"; expect_equal "$(believed)" no
	$good; expect_equal "$(believed)" yes
	chmod 664 "$CACHE"; expect_equal "$(believed)" no
	chmod 600 "$CACHE"; expect_equal "$(believed)" no
	chmod 644 "$CACHE"; expect_equal "$(believed)" yes
	chmod g+w "$KEXT_ROOT/$CACHES"; expect_equal "$(believed)" no
	chmod g-w "$KEXT_ROOT/$CACHES"; expect_equal "$(believed)" yes
	mv "$CACHE" "$CACHE.x"; ln -s "$CACHE.x" "$CACHE"; expect_equal "$(believed)" no
	mv "$CACHE.x" "$CACHE"; expect_equal "$(believed)" yes
	if [ "$(id -u)" = 0 ]; then
		chown 1:0 "$CACHE"; expect_equal "$(believed)" no
		chown 0:1 "$CACHE"; expect_equal "$(believed)" no
		chown 0:0 "$CACHE"; expect_equal "$(believed)" yes
		chown 1:0 "$(dirname "$CACHE")"; expect_equal "$(believed)" no
	fi
}

test_changes_inside_of_kexts()
{
	make_root
	touch -d @1600000000 "$FOLDER"
	write_identifiers
	# None of these changes the folder's time.
	plist_kext "$FOLDER" A 1.1
	expect_equal "$(found com.example.A)" 1.1
	write_identifiers
	plist_kext "$FOLDER/B.kext/Contents/PlugIns" Second 3.0
	expect_equal "$(found com.example.Second)" 3.0
	write_identifiers
	rm -r "$FOLDER/B.kext/Contents/PlugIns/Inner.kext"
	expect_equal "$(found com.example.Inner)" ""
	write_identifiers
	plist_kext "$FOLDER/A.kext/Contents/PlugIns" Late 4.0
	expect_equal "$(found com.example.Late)" 4.0
	# This does.
	write_identifiers
	plist_kext "$FOLDER" New 5.0
	expect_equal "$(found com.example.New)" 5.0
}

test_damaged()
{
	make_root
	touch -d @1600000000 "$FOLDER"
	write_identifiers
	cp "$CACHE" "$T/good"
	damage()
	{
		python3 -c "
import gzip, sys
good = open('$T/good', 'rb').read()
text = gzip.decompress(good)
open('$CACHE', 'wb').write($1)"
		touch -d @1600000001 "$CACHE"
		expect_equal "$(found com.example.A)$(found com.example.Inner)" "1.01.5"
	}
	damage "b''"
	damage "good[:len(good) // 2]"
	damage "good + b'junk'"
	damage "good[:40] + b'\\xff' * 8 + good[48:]"
	damage "gzip.compress(text[:-40])"
	damage "gzip.compress(b'<plist><array></array></plist>')"
	damage "gzip.compress(b' ' * (80 << 20))"
	damage "gzip.compress(text.replace(b'A.kext', b'../A.k'))"
	damage "gzip.compress(text.replace(b'>A.kext', b'>/A.kext'))"
	damage "gzip.compress(text.replace(b'KextStamp', b'KextStomp'))"
	damage "gzip.compress(text.replace(b'CacheVersion</key>', b'CacheVersiom</key>'))"
	damage "gzip.compress(text.replace(b'/Library/Extensions</string>', b'/Library/Other</string>'))"
	damage "gzip.compress(b'<array>' * 100000)"
	damage "gzip.compress(text.replace(b'<array>', b'<array>' + b'<dict></dict>' * 70000))"
}

# What is added within the second of the folder's time is there, whatever that time says.
test_within_a_second()
{
	make_root
	touch -d @1600000000 "$FOLDER"
	write_identifiers
	plist_kext "$FOLDER" New 1.0
	touch -d @1600000000.5 "$FOLDER"
	expect_equal "$(found com.example.New)" 1.0
	write_identifiers
	plist_kext "$FOLDER" Newer 1.0
	touch -d @1600000000.5 "$FOLDER"
	expect_equal "$(found com.example.Newer)" 1.0
}

test_beside_the_folder()
{
	make_root
	python3 - "$FOLDER/A.kext/Contents/Info.plist" <<-'END'
		import sys
		text = open(sys.argv[1]).read()
		more = "<key>OSBundleRequired</key><string>Root</string><key>Other</key><string>x</string>"
		open(sys.argv[1], "w").write(text.replace("<dict>", "<dict>" + more, 1))
	END
	expect_status 0 kextcache -k "$FOLDER"
	rm "$CACHE"
	CACHE=$FOLDER.kextcache
	expect_equal "$(stat -c '%a %Y' "$CACHE")" "644 $(($(stat -c %Z "$FOLDER") + 1))"
	python3 - "$CACHE" "$(realpath "$FOLDER")" <<-'END'
		import gzip, plistlib, sys
		cache = plistlib.loads(gzip.decompress(open(sys.argv[1], "rb").read()))
		assert cache["KextCacheVersion"] == 1 and cache["ScansForKexts"] is True
		assert cache["RepositoryPath"] == sys.argv[2]
		a, b = cache["Kexts"]
		assert (a["bundlePathInRepository"], b["bundlePathInRepository"]) == ("A.kext", "B.kext")
		assert a["infoDictionary"] == {"CFBundleIdentifier": "com.example.A", "CFBundleVersion": "1.0",
		    "OSBundleRequired": "Root", "OSBundleCompatibleVersion": "1.0"}, a
		inner, = b["plugins"]
		assert inner["bundlePathInRepository"] == "B.kext/Contents/PlugIns/Inner.kext"
		assert inner["infoDictionary"]["CFBundleVersion"] == "1.5" and a["plugins"] == []
	END
	expect_equal "$(found com.example.A) $(found com.example.Inner)" "1.0 1.5"
	lie com.example.A com.example.Z
	expect_equal "$(believed)" yes
	# Later than the folder's change of status is late enough; that very time is not.
	touch -d "@$(($(stat -c %Z "$FOLDER") + 1000))" "$CACHE"; expect_equal "$(believed)" yes
	touch -d "$(stat -c %z "$FOLDER")" "$CACHE"; expect_equal "$(believed)" no
	touch -d "@$(($(stat -c %Z "$FOLDER") + 1))" "$CACHE"; expect_equal "$(believed)" yes
	chmod 664 "$CACHE"; expect_equal "$(believed)" no
	chmod 644 "$CACHE"; expect_equal "$(believed)" yes
	chmod g+w "$(dirname "$FOLDER")"; expect_equal "$(believed)" no
	chmod g-w "$(dirname "$FOLDER")"; expect_equal "$(believed)" yes
	local change
	for change in "KextCacheVersion</key><integer>1:KextCacheVersion</key><integer>2" \
		"<key>ScansForKexts</key><true/>:<key>ScansForKexts</key><false/>" \
		"/Library/Extensions</string>:/Library/Other</string>" \
		">B.kext/Contents/PlugIns/Inner:>B.kext/../B.kext/Contents/PlugIns/Inner"; do
		cp -p "$CACHE" "$T/good"
		lie "${change%%:*}" "${change#*:}"
		expect_equal "$(believed)" no
		cp -p "$T/good" "$CACHE"
	done
	expect_equal "$(believed)" yes
	# A change of the folder's mode is one of its status.
	chmod 750 "$FOLDER"
	touch -d "@$(($(stat -c %Z "$FOLDER") + 1))" "$CACHE"; expect_equal "$(believed)" no
	# A folder above which nobody may write goes without; so does what lies beside it.
	expect_status 70 kextcache -k "$T/none" "$FOLDER"
	[ "$(stat -c %Z "$CACHE")" -ge "$(stat -c %Z "$FOLDER")" ]
}

# Every command knows kexts by the cache: one that hides a library hides it from each.
test_every_command_reads_it()
{
	make_root
	local name
	for name in Lib User; do
		make_kext "$T" $name com.example.$name 1.0 com.example.Lib=1.0 <<-END
			#include <mach/mach_types.h>
			$([ $name = Lib ] && echo 'int lib_value(void) { return 7; }')
			$([ $name = User ] && echo 'int lib_value(void);')
			kern_return_t ${name}_start(kmod_info_t *k, void *d) { return lib_value() - 7; }
			kern_return_t ${name}_stop(kmod_info_t *k, void *d) { return 0; }
		END
	done
	sed -i 's,<key>com.example.Lib</key><string>1.0</string>,,' "$T/Lib.kext/Contents/Info.plist"
	mv "$T/Lib.kext" "$FOLDER/"
	knows()
	{
		kextutil -n "$T/User.kext" >"$T/out" 2>&1 && echo kextutil
		kextload "$T/User.kext" >"$T/out" 2>&1 && echo kextload
		kextload -b com.example.Lib >"$T/out" 2>&1 && echo kextd
		kextd --shutdown >/dev/null 2>&1
		kextlibs "$T/User.kext" 2>/dev/null | grep -q com.example.Lib && echo kextlibs
		kextfind -b com.example.Lib 2>/dev/null | grep -q Lib.kext && echo kextfind
		[ -z "$(found com.example.Lib)" ] || echo kextcache
	}
	local all="kextutil kextload kextd kextlibs kextfind kextcache"
	expect_equal "$(knows | xargs)" "$all"
	write_identifiers
	expect_equal "$(knows | xargs)" "$all"
	lie com.example.Lib com.example.Lix
	expect_equal "$(knows | xargs)" ""
	rm "$CACHE"
	kextcache -k "$FOLDER"
	rm "$CACHE"
	CACHE=$FOLDER.kextcache
	expect_equal "$(knows | xargs)" "$all"
	lie com.example.Lib com.example.Lix
	expect_equal "$(knows | xargs)" ""
	chmod 600 "$CACHE"
	expect_equal "$(knows | xargs)" "$all"
}

# Whoever writes last, there is one whole cache, and nothing is left over.
test_many_writers()
{
	make_root
	local i pids=""
	for i in $(seq 30); do
		plist_kext "$FOLDER" "K$i" 1.0
	done
	for i in 1 2 3 4; do
		(for _ in 1 2 3 4 5; do kextcache -k "$FOLDER"; done) &
		pids="$pids $!"
	done
	while [ -n "$(jobs -r)" ]; do
		expect_equal "$(found com.example.K7)" 1.0
	done
	for i in $pids; do
		wait "$i"
	done
	gzip -t <"$CACHE"
	gzip -t <"$FOLDER.kextcache"
	expect_equal "$(ls -A "$(dirname "$CACHE")")" KextIdentifiers.plist.gz
	expect_equal "$(ls -A "$(dirname "$FOLDER")")" "$(printf 'Extensions\nExtensions.kextcache')"
	lie com.example.A com.example.Z
	rm "$FOLDER.kextcache"
	expect_equal "$(believed)" yes
}

test_not_written()
{
	make_root
	mkdir -p "$FOLDER/Broken.kext/Contents"
	echo "<dict>" >"$FOLDER/Broken.kext/Contents/Info.plist"
	expect_status 70 kextcache -k "$FOLDER"
	expect_text "$T/err" "no cache is written: a kext in it is broken"
	rm -r "$FOLDER/Broken.kext"
	ln -s A.kext "$FOLDER/Link.kext"
	expect_status 70 kextcache -k "$FOLDER"
	expect_text "$T/err" "no cache is written: a symbolic link is in it"
	rm "$FOLDER/Link.kext"
	mkdir -p "$KEXT_ROOT/System/Library"
	echo file >"$KEXT_ROOT/System/Library/Caches"
	expect_status 70 kextcache -k "$FOLDER"
	expect_text "$T/err" "cannot be written"
	rm "$KEXT_ROOT/System/Library/Caches" "$FOLDER.kextcache"
	(
		ulimit -f 0
		trap '' XFSZ
		kextcache -k "$FOLDER" 2>/dev/null
	) && fail "a full disk was no failure"
	expect_equal "$(find "$KEXT_ROOT" -type f ! -name Info.plist)" ""
	expect_status 70 kextcache -k "$T/none"
}

test_system_caches()
{
	make_root
	python3 - "$FOLDER/A.kext/Contents/Info.plist" <<-'END'
		import sys
		text = open(sys.argv[1]).read()
		more = ("<key>IOKitPersonalities</key><dict><key>P</key><dict><key>IOClass</key>"
		    "<string>Foo</string></dict></dict>")
		open(sys.argv[1], "w").write(text.replace("<dict>", "<dict>" + more, 1))
	END
	mkdir -p "$KEXT_ROOT/System/Library/Extensions/H.kext"
	sed 's,<dict>,<dict><key>OSBundleHelper</key><dict><key>x</key><string>y</string></dict>,
		s,example.A,example.H,' "$FOLDER/A.kext/Contents/Info.plist" \
		>"$KEXT_ROOT/System/Library/Extensions/H.kext/Info.plist"
	sed -i 's,<key>IOKitP.*</dict></dict>,,' "$KEXT_ROOT/System/Library/Extensions/H.kext/Info.plist"
	touch -d @1500000000 "$KEXT_ROOT/System/Library/Extensions"
	touch -d @1600000000 "$FOLDER"
	expect_status 0 kextcache -system-caches
	python3 - "$KEXT_ROOT" "$KEXT_ROOT/$CACHES/Startup/KextPropertyValues_" <<-'END'
		import gzip, os, plistlib, sys
		rows = {}
		for key in "OSBundleHelper", "PGO":
		    path = sys.argv[2] + key + "_x86_64.plist.gz"
		    assert os.stat(path).st_mtime == 1600000001, path
		    rows[key] = plistlib.loads(gzip.open(path).read())
		assert rows == {"PGO": [], "OSBundleHelper": [{"Data": {"x": "y"},
		    "CFBundleIdentifier": "com.example.H", "CFBundleVersion": "1.0", "OSBundlePath":
		    os.path.realpath(sys.argv[1]) + "/System/Library/Extensions/H.kext"}]}, rows
	END
	[ -f "$CACHE" ]
	expect_equal "$(gzip -dc "$KEXT_ROOT/$CACHES/Startup/IOKitPersonalities_x86_64.ioplist.gz" |
		tr '\0' '!')" "<array><dict><key>IOClass</key><string>Foo</string>\
<key>CFBundleIdentifier</key><string>com.example.A</string></dict></array>!"
}

# A volume with a description of its cache.
make_volume()
{
	V=$T/volume
	python3 -B "$ROOT/tests/model/prelink_make.py" "$V" 2
	[ "$(id -u)" != 0 ] || chown -R 0:0 "$V"
	mkdir -p "$V/usr/standalone" "$V/System"
	cat >"$V/usr/standalone/bootcaches.plist" <<-END
		<plist version="1.0"><dict><key>PostBootPaths</key><dict>
		<key>Kernelcache v1.3</key><dict>
		<key>ExtensionsDir</key><array><string>/Extensions</string><string>/None</string></array>
		<key>Path</key><string>/System/prelinkedkernel</string>
		<key>KernelPath</key><string>/kernel</string>
		<key>Archs</key><array><string>x86_64</string></array>
		<key>Preferred Compression</key><string>lzss</string>
		</dict></dict></dict></plist>
	END
}

test_volumes()
{
	make_volume
	local cache=$V/System/prelinkedkernel
	touch -d @1500000000 "$V/Extensions"
	touch -d @1400000000 "$V/kernel"
	expect_status 0 kextcache -u "$V"
	expect_equal "$(stat -c %Y "$cache")" 1500000001
	python3 -B "$ROOT/tests/model/prelink.py" "$cache" "$V/kernel" "$V/Extensions" \
		--volume "$(realpath "$V")" >"$T/list"
	expect_text "$T/list" Driver0
	expect_no_text "$T/list" Driver1
	# Up to date: left alone. Any other time: made anew, which -U reports.
	local before
	before=$(stat -c %i "$cache")
	expect_status 0 kextcache -v -U "$V"
	expect_text "$T/err" "up to date"
	expect_equal "$(stat -c %i "$cache")" "$before"
	touch -d @1500000000 "$cache"
	expect_status 72 kextcache -U "$V"
	expect_equal "$(stat -c %Y "$cache")" 1500000001
	touch -d @1500000002 "$V/kernel"
	expect_status 72 kextcache -U "$V"
	expect_equal "$(stat -c %Y "$cache")" 1500000003
	# -i makes all caches of the folders stale, wherever they are.
	[ "$(id -u)" = 0 ] || expect_status 77 kextcache -i "$V"
	before=$(date +%s)
	KEXT_ROOT=$T/other expect_status 0 kextcache -i "$V"
	[ "$(stat -c %Y "$V/Extensions")" -ge "$before" ] || fail "-i left the folder's time"
	expect_equal "$(stat -c %Y "$cache")" "$(($(stat -c %Y "$V/Extensions") + 1))"
	rm "$V/kernel"
	expect_status 0 kextcache -u "$V"
	expect_text "$T/err" "nothing to rebuild"
	rm "$V/usr/standalone/bootcaches.plist"
	expect_status 0 kextcache -u "$V"
	expect_text "$T/err" "skipping"
}

test_volume_choices()
{
	make_volume
	local cache=$V/System/prelinkedkernel
	expect_status 0 kextcache -u "$V"
	grep -qa "complzss" "$cache"
	expect_status 64 kextcache -f -U "$V"
	expect_status 64 kextcache -f -u "$V" -U "$V"
	expect_status 64 kextcache -Boot "$V"
	local before
	before=$(stat -c %i "$cache")
	expect_status 0 kextcache -f -u "$V"
	[ "$(stat -c %i "$cache")" != "$before" ] || fail "-f left it"
	# An installer's volume, which has this file, is started from over the network, too.
	mkdir "$V/etc"
	touch "$V/etc/rc.cdrom"
	sed -i 's,lzss,lzvn,' "$V/usr/standalone/bootcaches.plist"
	mkdir "$V/Extensions/Net.kext"
	sed 's,<string>Console,<string>Network-Root,; s/com.example.Bare/com.example.Net/' \
		"$V/Extensions/Bare.kext/Contents/Info.plist" >"$V/Extensions/Net.kext/Info.plist"
	touch -d @1500000000 "$V/Extensions"
	touch -d @1400000000 "$V/kernel"
	expect_status 72 kextcache -Boot -U "$V"
	grep -qa "complzvn" "$cache"
	expect_status 0 mkextunpack -l "$cache"
	expect_text "$T/out" com.example.Net
	rm -r "$V/etc"
	expect_status 0 kextcache -f -u "$V"
	expect_status 0 mkextunpack -l "$cache"
	expect_no_text "$T/out" com.example.Net
	# The volume's kernel and form serve -c, too.
	expect_status 0 kextcache -v -volume-root "$V" -c "$T/pk" "$V/Extensions"
	grep -qa "complzvn" "$T/pk"
	expect_text "$T/err" "Created prelinked kernel \"$T/pk\""
	expect_no_text "$T/err" "using"
	expect_status 0 kextcache -v -compression lzss -K "$V/kernel" -c "$T/pk" "$V/Extensions"
	grep -qa "complzss" "$T/pk"
	expect_text "$T/err" "Created prelinked kernel using \"$V/kernel\""
}

# The system runs from this one: caches of its folders follow.
test_volume_of_the_system()
{
	make_volume
	export KEXT_ROOT=$V
	expect_status 0 kextcache -u /
	[ -f "$V/System/prelinkedkernel" ]
	[ -f "$V/$CACHES/Directories/Extensions/KextIdentifiers.plist.gz" ]
}

test_volume_that_lies()
{
	make_volume
	local plist=$V/usr/standalone/bootcaches.plist
	sed -i 's,/System/prelinkedkernel,/../../escaped,' "$plist"
	expect_status 65 kextcache -u "$V"
	expect_equal "$(find "$T" -name escaped)" ""
	sed -i 's,/../../escaped,/System/..,' "$plist"
	expect_status 65 kextcache -u "$V"
	# Nor by a symbolic link, of the file or of a folder above it.
	sed -i 's,/System/\.\.,/System/prelinkedkernel,' "$plist"
	mkdir "$T/outside"
	mv "$V/System" "$V/Moved"
	ln -s "$T/outside" "$V/System"
	expect_status 65 kextcache -u "$V"
	rm "$V/System"
	mv "$V/Moved" "$V/System"
	ln -s "$T/outside/file" "$V/System/prelinkedkernel"
	kextcache -u "$V" 2>/dev/null || :
	expect_equal "$(ls "$T/outside")" ""
	rm -f "$V/System/prelinkedkernel"
	mv "$V/kernel" "$T/kernel"
	ln -s "$T/kernel" "$V/kernel"
	expect_status 0 kextcache -u "$V"
	expect_text "$T/err" "has no kernel"
	echo "<dict>" >"$plist"
	expect_status 65 kextcache -u "$V"
	expect_text "$T/err" "bootcaches.plist"
}

test_system_kernel()
{
	export KEXT_ROOT=$T/root
	python3 -B "$ROOT/tests/model/prelink_make.py" "$T/made" 1
	mkdir -p "$KEXT_ROOT/System/Library/Kernels" "$KEXT_ROOT/System/Library/PrelinkedKernels"
	cp "$T/made/kernel" "$KEXT_ROOT/System/Library/Kernels/kernel"
	cp -R "$T/made/Extensions" "$KEXT_ROOT/System/Library/Extensions"
	[ "$(id -u)" != 0 ] || chown -R 0:0 "$KEXT_ROOT"
	expect_status 0 kextcache -c
	local made=$KEXT_ROOT/System/Library/PrelinkedKernels/prelinkedkernel
	python3 -B "$ROOT/tests/model/prelink.py" "$made" "$T/made/kernel" \
		"$KEXT_ROOT/System/Library/Extensions" >"$T/list"
	expect_text "$T/list" com.example.Driver0
	rm "$made"
	# The folders that are used in any case may be named; others may not.
	mkdir -p "$KEXT_ROOT/$CACHES/Startup"
	expect_status 0 kextcache -system-prelinked-kernel "$KEXT_ROOT/System/Library/../Library/Extensions"
	rm "$made"
	expect_status 0 kextcache -e "$KEXT_ROOT/System/Library/../Library/Extensions"
	[ -f "$made" ]
	expect_equal "$(readlink "$KEXT_ROOT/$CACHES/Startup/kernelcache")" \
		../../../PrelinkedKernels/prelinkedkernel
	[ "$KEXT_ROOT/$CACHES/Startup/kernelcache" -ef "$made" ]
	expect_status 64 kextcache -e "$T/made/Extensions"
	expect_text "$T/err" "Custom kexts and repository directories are not allowed"
	expect_status 64 kextcache -b com.example.Driver0 -c
	# kernel.development goes into prelinkedkernel.development.
	cp "$T/made/kernel" "$KEXT_ROOT/System/Library/Kernels/kernel.development"
	expect_status 0 kextcache -K "$KEXT_ROOT/System/Library/Kernels/kernel.development" -c
	[ -f "$made.development" ]
}

run_tests
