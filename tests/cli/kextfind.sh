#!/bin/bash
# kextfind's query language, over kexts built here.
. "$(dirname "$0")/lib.sh"

# The folder searched: the sample, a library in two versions, a plug-in, a codeless kext.
fixture()
{
	F=$T/f
	mkdir "$F"
	dummy_kext "$F"
	local source='#include <IOKit/IOLib.h>
int lib_call(void);
int lib_call(void) { IOLog("x"); return 1; }
kern_return_t %s_start(kmod_info_t *k, void *d) { return 0; }
kern_return_t %s_stop(kmod_info_t *k, void *d) { return 0; }'
	# shellcheck disable=SC2059
	printf "$source" LibA LibA | make_kext "$F" LibA test.lib 1.0
	# shellcheck disable=SC2059
	printf "$source" LibB LibB | make_kext "$F" LibB test.lib 2.5.1
	mkdir -p "$F/LibB.kext/Contents/PlugIns/Code.kext/Contents"
	cat >"$F/LibB.kext/Contents/PlugIns/Code.kext/Contents/Info.plist" <<-'END'
		<plist version="1.0"><dict><key>CFBundleIdentifier</key><string>test.codeless</string>
		<key>CFBundlePackageType</key><string>KEXT</string><key>CFBundleVersion</key><string>3.0</string>
		<key>OSBundleRequired</key><string>Root</string>
		<key>Number</key><integer>17</integer><key>Flag</key><true/>
		<key>IOKitPersonalities</key><dict><key>One</key><dict><key>IOClass</key><string>Thing</string>
		<key>IOProviderClass</key><string>IOResources</string><key>CFBundleIdentifier</key><string>test.codeless</string></dict></dict>
		</dict></plist>
	END
}

# found EXPECTED QUERY…: names that the query prints, sorted, blank-separated.
found()
{
	local expected=$1
	shift
	expect_equal "$(kextfind -no-paths "$F" "$@" | sort | tr '\n' ' ' | sed 's/ $//')" "$expected"
}

test_predicates()
{
	fixture
	found "Code.kext DummySysctl.kext LibA.kext LibB.kext"
	found "LibA.kext LibB.kext" -bundle-id test.lib
	found "LibA.kext LibB.kext" -b -s -i TEST.L
	found "" -b TEST.LIB
	found "Code.kext LibA.kext LibB.kext" -b -s test.
	found "LibA.kext" -B LibA.kext
	found "LibA.kext LibB.kext" -duplicate-id
	found "Code.kext" -property Number 17
	found "Code.kext" -p Flag yes
	found "" -p Flag no
	found "Code.kext" -pe Flag
	found "Code.kext" -m IOClass Thing
	found "" -me IONoSuchKey
	found "DummySysctl.kext LibA.kext LibB.kext" -executable
	found "Code.kext" -nx
	found "Code.kext" -root
	found "" -console
	found "LibB.kext" -has-plugins
	found "Code.kext" -plugin
	found "LibA.kext LibB.kext" -library
	found "LibA.kext LibB.kext" -defines-symbol _lib_call
	found "LibA.kext LibB.kext" -references-symbol _IOLog
	found "DummySysctl.kext" -rsym _sysctl_register_oid
	found "DummySysctl.kext LibA.kext LibB.kext" -arch x86_64
	found "" -arch x86_64,arm64
	found "" -integrity correct
	found "" -kernel-resource
	found "" -loaded
	found "" -debug
}

test_versions()
{
	fixture
	found "LibB.kext" -version 2.5.1
	found "Code.kext LibB.kext" -version gt1.0
	found "DummySysctl.kext LibA.kext" -V le1.0
	found "Code.kext LibB.kext" -V 2-3
	found "Code.kext LibB.kext" -V ge2.5.1
	found "DummySysctl.kext" -V 1.0.0d1
	found "LibA.kext LibB.kext" -compatible-with-version 1.0
	found "LibB.kext" -compatible-with-version 2.0
}

test_operators()
{
	fixture
	found "Code.kext DummySysctl.kext" ! -library
	found "LibB.kext" -library -and -V gt2
	found "LibB.kext" -library -V gt2
	found "Code.kext LibA.kext" -B LibA.kext -or -nx
	found "Code.kext LibA.kext LibB.kext" -nx -or -library -V ge1
	found "LibB.kext" '(' -nx -or -library ')' -V 2.5.1
	found "" -not '(' -nx -or -x ')'
	local query
	for query in "( -x" "-x )" "-b" "-no-such" "-x -or" "! " "-report" "-exec true" "-report -echo x"; do
		# shellcheck disable=SC2086
		expect_status 64 kextfind "$F" $query
		[ -s "$T/err" ] || fail "'$query' said nothing"
	done
}

test_judgement()
{
	fixture
	found "Code.kext DummySysctl.kext LibA.kext LibB.kext" -valid -dependencies-met -authentic
	chmod o+w "$F/LibA.kext/Contents/Info.plist"
	found "LibA.kext" -inauthentic
	found "LibA.kext" -nonloadable
	sed -i 's/com.apple.kpi.mach/com.apple.kpi.none/' "$F/LibB.kext/Contents/Info.plist"
	found "LibB.kext" -nd
	kextfind "$F" -b test.lib -nd -print-diagnostics >"$T/out"
	expect_text "$T/out" com.apple.kpi.none
}

test_loaded()
{
	fixture
	kextload "$F/DummySysctl.kext"
	found "DummySysctl.kext" -loaded
}

test_commands()
{
	fixture
	expect_equal "$(kextfind "$F" -V 2.5.1 -print)" "$(realpath "$F")/LibB.kext"
	expect_equal "$(kextfind "$F" -V 2.5.1 -print0 | tr '\0' '!')" "$(realpath "$F")/LibB.kext!"
	expect_equal "$(kextfind -relative-paths "$F" -nx)" LibB.kext/Contents/PlugIns/Code.kext
	expect_equal "$(kextfind "$F" -nx -print-property Number)" "Number = 17"
	expect_equal "$(kextfind "$F" -nx -print-match-property IOClass)" "One: IOClass = Thing"
	expect_equal "$(kextfind "$F" -nx -echo hello -echo -n world)" "hello
world"
	expect_equal "$(kextfind -relative-paths "$F" -V 2.5.1 -px)" LibB.kext/Contents/MacOS/LibB
	expect_equal "$(kextfind "$F" -V 2.5.1 -pa)" x86_64
	expect_equal "$(kextfind -relative-paths "$F" -V 2.5.1 -print-plugins)" LibB.kext/Contents/PlugIns/Code.kext
	expect_equal "$(kextfind "$F" -V 2.5.1 -exec basename '{}' ';')" LibB.kext
	expect_equal "$(kextfind -no-paths "$F" -exec grep -q Number '{info-dictionary}' ';' -print)" Code.kext
	mkdir "$F/Old.kext"
	cp -R "$F/LibB.kext/Contents/PlugIns/Code.kext/Contents" "$F/Old.kext/Support Files"
	expect_equal "$(kextfind -relative-paths "$F" -B Old.kext -pid)" "Old.kext/Support Files/Info.plist"
	rm -r "$F/Old.kext"
	kextfind -no-paths "$F" -B DummySysctl.kext -print-dependencies | sort >"$T/out"
	expect_equal "$(tr '\n' ' ' <"$T/out")" "BSDKernel.kext Libkern.kext "
	expect_equal "$(kextfind -0 -no-paths "$F" -library | tr '\0' '!')" "LibB.kext!LibA.kext!"
}

test_reports()
{
	fixture
	kextfind -no-paths "$F" -b test.lib -report -bundle-id -version -print -library -arch x86_64 \
		-print-plugins -property Nope -symbol _IOLog -symbol _lib_call >"$T/out"
	printf '%s\n' \
		"bundle-id	version	print	library	arch x86_64	print-plugins	property Nope	symbol _IOLog	symbol _lib_call" \
		"test.lib	2.5.1	LibB.kext	yes	yes	1	<null>	references	defines" \
		"test.lib	1.0	LibA.kext	yes	yes	0	<null>	references	defines" >"$T/expected"
	diff "$T/expected" "$T/out"
	expect_equal "$(kextfind "$F" -nx -report -no-header -version)" 3.0
}

test_missing_folder()
{
	expect_status 71 kextfind "$T/none"
	expect_text "$T/err" "$T/none"
}

# json PYTHON: an expression over the document j that holds.
json()
{
	python3 -c 'import json, sys
j = json.load(open(sys.argv[1]))
assert eval(sys.argv[2]), j' "$T/out" "$1"
}

test_json()
{
	fixture
	expect_status 0 kextfind --json -no-paths "$F" -b test.lib
	json 'j == {"schema": "kextfind/1", "kexts": [
		{"path": "LibB.kext", "identifier": "test.lib", "version": "2.5.1"},
		{"path": "LibA.kext", "identifier": "test.lib", "version": "1.0"}]}'
	expect_status 0 kextfind --json "$F" -root -report -bundle-name -library \
		-property Number -property None
	json 'j["kexts"][0]["path"].endswith("/f/LibB.kext/Contents/PlugIns/Code.kext")'
	json 'j["kexts"][0]["report"] == {"bundle-name": "Code.kext", "library": False,
		"property Number": "17", "property None": "<null>"}'
	expect_status 0 kextfind -json "$F" -b no.such
	json 'j["kexts"] == []'
	expect_status 64 kextfind --json "$F" -print
	expect_equal "$(cat "$T/out")" ''
	expect_text "$T/err" 'does not go with commands'
}

# Only Tiger refused a kext for its package type.
test_era()
{
	fixture
	sed -i s/KEXT/BNDL/ "$F/LibA.kext/Contents/Info.plist"
	found "" -invalid
	expect_equal "$(kextfind -no-paths --era tiger "$F" -invalid)" LibA.kext
	expect_status 64 kextfind --era lion "$F"
}

# What cannot be read is told, and the rest found; what only looks like kexts is no news.
test_broken_neighbours()
{
	fixture
	mkdir -p "$F/Cut.kext/Contents" "$F/__MACOSX/LibA.kext"
	echo '<plist><dict>' >"$F/Cut.kext/Contents/Info.plist"
	expect_status 71 kextfind -no-paths "$F" -b test.lib
	expect_equal "$(tr '\n' ' ' <"$T/out")" 'LibB.kext LibA.kext '
	expect_text "$T/err" 'Cut.kext/Contents/Info.plist: line 2'
	expect_status 71 kextfind "$F/Cut.kext"
	expect_equal "$(grep -c Cut.kext "$T/err")" 1
	rm -r "$F/Cut.kext"
	ln -s nowhere "$F/Gone.kext"
	mkfifo "$F/Pipe.kext"
	: >"$F/._LibA.kext"
	: >"$F/.DS_Store"
	expect_status 0 kextfind -no-paths "$F" -b test.lib
	expect_equal "$(cat "$T/err")" ''
}

# Options are taken as by all other commands; what is also a predicate begins the query.
test_options()
{
	fixture
	local word expected='LibB.kext LibA.kext '
	for word in -is0 -nul; do
		expect_equal "$(kextfind --color=never -no-paths -is $word "$F" -b TEST.L | tr '\0' ' ')" "$expected"
	done
	expect_equal "$(kextfind -no-p -sub -f "$F" -b st.l | tr '\n' ' ')" "$expected"
	expect_equal "$(kextfind -no-p -search-item="$F" -b test.lib | tr '\n' ' ')" "$expected"
	mkdir -p "$T/root/Library/Extensions"
	cp -R "$F/LibB.kext" "$T/root/Library/Extensions"
	expect_equal "$(kextfind --root="$T/root" -no-paths -version gt2.5 -B -s LibB)" LibB.kext
	expect_equal "$(kextfind --root "$T/root" -no-paths -root -B -s Code)" Code.kext
	expect_equal "$(KEXT_ROOT=$T/root kextfind -no-paths -root -B -s Code)" Code.kext
	expect_status 64 kextfind -se "$F"
}

test_set_arch_and_what_is_ignored()
{
	fixture
	sed -i 's/OSBundleRequired/OSBundleRequired_i386/' \
		"$F/LibB.kext/Contents/PlugIns/Code.kext/Contents/Info.plist"
	found "" -root
	expect_equal "$(kextfind -set-arch i386 -no-paths "$F" -root)" Code.kext
	expect_equal "$(kextfind -meek -picky -no-paths "$F" -nx)" Code.kext
	expect_status 64 kextfind -set-arch vax "$F"
}

run_tests
