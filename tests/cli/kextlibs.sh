#!/bin/bash
# kextlibs: the libraries of a kext, against llvm-nm's reading of its undefined symbols.
. "$(dirname "$0")/lib.sh"

# plain_kext NAME ID VERSION SOURCE [LIBRARY=VERSION…]
plain_kext()
{
	local name=$1 id=$2 version=$3 source=$4
	shift 4
	make_kext "$T" "$name" "$id" "$version" "$@" <<-END
		#include <mach/mach_types.h>
		$source
		kern_return_t ${name}_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t ${name}_stop(kmod_info_t *k, void *d) { return 0; }
	END
}

test_text()
{
	dummy_kext "$T"
	expect_status 0 kextlibs "$T/DummySysctl.kext"
	expect_equal "$(cat "$T/out")" \
		$'    com.apple.kpi.bsd = 19.6.0\n    com.apple.kpi.libkern = 19.6.0'
	expect_text "$T/err" 'For all architectures:'
	expect_text "$T/err" '    0 symbols not found in any library kext'
	local wanted
	wanted=$(llvm-nm-14 -u "$T/DummySysctl.kext/Contents/MacOS/DummySysctl" | wc -l)
	expect_text "$T/err" "    $wanted symbols found in one library kext each"
	expect_status 0 kextlibs -c "$T/DummySysctl.kext"
	expect_text "$T/out" 'com.apple.kpi.bsd = 8.0.0'
	expect_status 0 kextlibs -compatible "$T/DummySysctl.kext"
	expect_text "$T/out" 'com.apple.kpi.bsd = 8.0.0'
}

# The fragment is what a kext needs to link.
test_xml_makes_it_link()
{
	dummy_kext "$T"
	local plist=$T/DummySysctl.kext/Contents/Info.plist
	kextlibs -xml "$T/DummySysctl.kext" >"$T/fragment" 2>/dev/null
	python3 - "$plist" "$T/fragment" <<-'END'
		import plistlib, sys
		info = plistlib.load(open(sys.argv[1], "rb"))
		text = '<plist version="1.0"><dict>%s</dict></plist>' % open(sys.argv[2]).read()
		libraries = plistlib.loads(text.encode())
		assert list(libraries) == ["OSBundleLibraries"], libraries
		info["OSBundleLibraries"] = {"com.apple.kpi.mach": "8.0"}
		plistlib.dump(info, open(sys.argv[1], "wb"))
		info.update(libraries)
		plistlib.dump(info, open(sys.argv[1] + ".good", "wb"))
	END
	expect_status 4 kextutil -n "$T/DummySysctl.kext"
	expect_text "$T/err" 'com.apple.kpi.bsd 19.6.0 exports it: add that to OSBundleLibraries.'
	mv "$plist.good" "$plist"
	expect_status 0 kextutil -n "$T/DummySysctl.kext"
}

test_json()
{
	dummy_kext "$T"
	expect_status 0 kextlibs --json "$T/DummySysctl.kext"
	llvm-nm-14 -u "$T/DummySysctl.kext/Contents/MacOS/DummySysctl" |
		awk '{print $NF}' >"$T/nm"
	python3 - "$T/out" "$T/nm" <<-'END'
		import json, sys
		found = json.load(open(sys.argv[1]))
		assert list(found)[0] == "schema" and found["schema"] == "kextlibs/1"
		assert found["identifier"] == "com.osxbook.kext.DummySysctl"
		(one,) = found["architectures"]
		assert one["arch"] == "x86_64"
		assert one["libraries"] == {"com.apple.kpi.bsd": "19.6.0",
		                            "com.apple.kpi.libkern": "19.6.0"}
		assert sorted(one["symbols"]) == sorted(open(sys.argv[2]).read().split())
		assert one["symbols"]["_printf"] == ["com.apple.kpi.libkern"]
	END
}

test_undefined_and_multiple()
{
	plain_kext LibA test.liba 1.3 'int twice(void) { return 1; } int once(void) { return 2; }'
	plain_kext LibB test.libb 2.0 'int twice(void) { return 3; }'
	plain_kext User test.user 1.0 'int twice(void), once(void), never(void);
		int use(void) { return once() + never(); }'
	mkdir "$T/libs"
	mv "$T/LibA.kext" "$T/LibB.kext" "$T/libs"
	expect_status 1 kextlibs -undef-symbols -r "$T/libs" "$T/User.kext"
	expect_equal "$(cat "$T/out")" '    test.liba = 1.3'
	expect_text "$T/err" $'    1 symbol not found in any library kext:\n\t_never'
	plain_kext User test.user 1.0 'int twice(void), once(void), never(void);
		int use(void) { return once() + never() + twice(); }'
	expect_status 2 kextlibs -multdef-symbols -r "$T/libs" "$T/User.kext"
	expect_equal "$(cat "$T/out")" $'    test.liba = 1.3\n    test.libb = 2.0'
	expect_text "$T/err" '    1 symbol found in more than one library kext:'
	expect_text "$T/err" $'    _twice: in\n        test.liba (1.3)\n        test.libb (2.0)'
	expect_no_text "$T/err" '_never'
	expect_status 2 kextlibs -all-symbols -r "$T/libs" "$T/User.kext"
	expect_text "$T/err" '    _once in test.liba (1.3)'
	expect_text "$T/err" '_never'
}

# Of several versions the newest counts; what is no library does not.
test_newest_version()
{
	mkdir "$T/libs"
	plain_kext Lib test.lib 1.0 'int value(void) { return 1; }'
	mv "$T/Lib.kext" "$T/libs/Old.kext"
	plain_kext Lib test.lib 3.0 'int value(void) { return 1; }'
	mv "$T/Lib.kext" "$T/libs/New.kext"
	plain_kext User test.user 1.0 'int value(void); int use(void) { return value(); }'
	expect_status 0 kextlibs -r "$T/libs" "$T/User.kext"
	expect_equal "$(cat "$T/out")" '    test.lib = 3.0'
	sed -i '/OSBundleCompatibleVersion/d' "$T"/libs/*.kext/Contents/Info.plist
	expect_status 1 kextlibs -r "$T/libs" "$T/User.kext"
	expect_text "$T/out" '    No libraries found.'
}

test_restricted_kpis()
{
	local private unsupported
	private=$(llvm-nm-14 -j "$BUILD"/share/kext/System.kext/PlugIns/Private.kext/Private |
		grep '^_[a-z]' | head -1)
	unsupported=$(llvm-nm-14 -j \
		"$BUILD"/share/kext/System.kext/PlugIns/Unsupported.kext/Unsupported |
		grep '^_[a-z]' | head -1)
	plain_kext User test.user 1.0 "void ${private#_}(void), ${unsupported#_}(void);
		void use(void) { ${private#_}(); ${unsupported#_}(); }"
	expect_status 1 kextlibs -undef-symbols "$T/User.kext"
	expect_text "$T/err" "$private"
	expect_text "$T/err" "$unsupported"
	expect_status 1 kextlibs -undef-symbols -unsupported "$T/User.kext"
	expect_text "$T/out" 'com.apple.kpi.unsupported'
	expect_no_text "$T/out" 'com.apple.kpi.private'
	kextutil -n "$T/User.kext" 2>"$T/err" && fail "private linked"
	expect_text "$T/err" 'Only com.apple.kpi.private exports it'
}

# What our kernel only traps is said, and changes no status.
test_gaps_of_the_kernel()
{
	local gap
	gap=$(python3 - "$BUILD/share/kext/mach_kernel" "$ROOT/lib/sdk/exports" <<-'END'
		import struct, sys
		data = open(sys.argv[1], "rb").read()
		listed = open(sys.argv[2] + "/com.apple.kpi.bsd.exports").read().split()
		at, trap, names = 32, None, {}
		for _ in range(struct.unpack_from("<I", data, 16)[0]):
		    command, size = struct.unpack_from("<2I", data, at)
		    if command == 0x19 and data[at + 8:at + 14] == b"__TRAP":
		        trap = struct.unpack_from("<2Q", data, at + 24)
		    if command == 2:
		        symbols, count, strings, _ = struct.unpack_from("<4I", data, at + 8)
		    at += size
		for i in range(count):
		    strx, _, _, _, value = struct.unpack_from("<IBBHQ", data, symbols + 16 * i)
		    start = strings + strx
		    names[data[start:data.index(0, start)].decode()] = value
		print([n for n in listed if trap[0] <= names.get(n, 0) < sum(trap)][0])
	END
	)
	plain_kext User test.user 1.0 "void ${gap#_}(void); void use(void) { ${gap#_}(); }"
	expect_status 0 kextlibs "$T/User.kext"
	expect_text "$T/err" $'    1 symbol not implemented by this kernel:\n\t'"$gap"
	expect_status 4 kextutil -n "$T/User.kext"
	expect_text "$T/err" "$gap is not implemented by this kernel"
	expect_status 0 kextutil -n -allow-missing "$T/User.kext"
	expect_text "$T/err" 'refers in 1 places to functions that this kernel does not implement'
}

test_architectures()
{
	python3 "$ROOT/tests/model/system.py" build arm64 "$T/s"
	# A pad of an older SDK: only the linker's patching would settle it.
	expect_status 1 kextlibs -undef-symbols -r "$T/s/kexts" "$T/s/kexts/K10.kext"
	expect_text "$T/err" $'library kext:\n\t__ZN9IOService20_RESERVEDIOService0Ev'
	expect_equal "$(cat "$T/out")" "    com.apple.kpi.libkern = 18.7.0
    test.level0.kext0 = 1.2
    test.level0.kext1 = 1.2"
	python3 "$ROOT/tests/model/system.py" build x86_64 "$T/x"
	llvm-lipo-14 -create "$T/s/kexts/K10.kext/K" "$T/x/kexts/K20.kext/K" -output "$T/fat"
	cp "$T/fat" "$T/s/kexts/K10.kext/K"
	kextlibs -xml -r "$T/s/kexts" "$T/s/kexts/K10.kext" >"$T/xml" 2>"$T/err" || :
	expect_text "$T/xml" '<key>OSBundleLibraries_arm64</key>'
	expect_text "$T/xml" '<key>OSBundleLibraries_x86_64</key>'
	expect_text "$T/err" 'For arm64:'
	expect_status 1 kextlibs -arch arm64 -xml -r "$T/s/kexts" "$T/s/kexts/K10.kext"
	expect_text "$T/out" '<key>OSBundleLibraries</key>'
	expect_status 64 kextlibs -arch vax "$T/s/kexts/K10.kext"
}

test_codeless_and_errors()
{
	mkdir -p "$T/Plain.kext"
	cat >"$T/Plain.kext/Info.plist" <<-'END'
		<plist version="1.0"><dict><key>CFBundleIdentifier</key><string>a.b</string>
		<key>CFBundleVersion</key><string>1.0</string>
		<key>CFBundlePackageType</key><string>KEXT</string></dict></plist>
	END
	expect_status 0 kextlibs "$T/Plain.kext"
	expect_text "$T/err" 'has no executable'
	expect_equal "$(cat "$T/out")" ''
	expect_status 0 kextlibs -json "$T/Plain.kext"
	python3 -c 'import json, sys
assert json.load(sys.stdin) == {"schema": "kextlibs/1", "identifier": "a.b",
                                "architectures": []}' <"$T/out"
	# Tiger read Info.plist with an entity that the kernel does not know.
	sed -i 's/a\.b/a\&#46;b/' "$T/Plain.kext/Info.plist"
	expect_status 71 kextlibs "$T/Plain.kext"
	expect_status 0 kextlibs --era tiger -json "$T/Plain.kext"
	expect_text "$T/out" '"identifier": "a.b"'
	expect_status 0 kextlibs --era tiger -v 3 -verbose=4 "$T/Plain.kext"
	expect_status 64 kextlibs -verbose=7 "$T/Plain.kext"
	expect_status 64 kextlibs
	expect_status 64 kextlibs "$T/Plain.kext" "$T/Plain.kext"
	expect_status 64 kextlibs -xml -json "$T/Plain.kext"
	expect_status 71 kextlibs "$T/none.kext"
	expect_equal "$(cat "$T/err")" \
		"kextlibs: $T/none.kext: cannot be opened: No such file or directory"
	expect_status 0 kextlibs -h
}

test_non_kpi()
{
	mkdir "$T/libs"
	plain_kext Lib com.apple.kernel.test 6.0 'int value(void) { return 1; }'
	mv "$T/Lib.kext" "$T/libs"
	plain_kext User test.user 1.0 'int value(void); int use(void) { return value(); }'
	expect_status 1 kextlibs -r "$T/libs" "$T/User.kext"
	expect_status 0 kextlibs -non-kpi -r "$T/libs" "$T/User.kext"
	expect_equal "$(cat "$T/out")" '    com.apple.kernel.test = 6.0'
}

test_onedef_symbols()
{
	dummy_kext "$T"
	expect_status 0 kextlibs -onedef-symbols "$T/DummySysctl.kext"
	expect_text "$T/err" '    _sysctl_register_oid in com.apple.kpi.bsd'
	expect_status 0 kextlibs -undef-symbols "$T/DummySysctl.kext"
	expect_no_text "$T/err" _sysctl_register_oid
}

run_tests
