#!/bin/bash
# as: owners
# Bundles as folders really hold them: what kextutil says of each kind of damage, by era, as
# lists and as JSON, and that the neighbours do not suffer. Numbers are those of the list of
# checks that any implementation of Darwin's tools must pass.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/bundle.inc"

test_good()	# 23
{
	dummy_kext "$T"
	expect_status 0 kextutil -n -t "$T/DummySysctl.kext"
	expect_text "$T/out" "appears to be loadable"
	expect_no_text "$T/err" "Diagnostics for"
}

test_every_problem_at_once()
{
	codeless Bad test.bad one "<key>OSBundleRequired</key><true/>
		<key>IOKitPersonalities</key><dict><key>P</key><dict>
		<key>IOClass</key><integer>1</integer></dict></dict>
		$(entries 1.0 test.nobody=1.0)"
	chmod 666 "$T/k/Bad.kext/Contents/Info.plist"
	judge 4 Bad
	cat >"$T/expected" <<-END
		Diagnostics for $T/k/Bad.kext:
		Validation Failures: 
		    Info.plist property has an illegal value: 
		        CFBundleVersion
		    Info.plist property is of an illegal type: 
		        OSBundleRequired
		        IOKitPersonalities.P.IOClass
		    Info.plist lacks a property: 
		        IOKitPersonalities.P.IOProviderClass

		Authentication Failures: 
		    Owner or permissions are wrong: 
		        $T/k/Bad.kext/Contents/Info.plist

		Dependency Resolution Failures: 
		    No kext found for these libraries: 
		        test.nobody

		Warnings: 
		    Personality has no CFBundleIdentifier: 
		        P
	END
	sed -n '/^Diagnostics for/,/^        P$/p' "$T/err" >"$T/found"
	diff "$T/expected" "$T/found" || fail "the lists differ"
}

test_eras()
{
	codeless Era test.era 1.100
	judge 0 Era
	judge 0 Era --era modern
	judge 4 Era --era snowleopard
	expect_text "$T/err" "Info.plist property has an illegal value: "
	judge 4 Era --era tiger
	expect_text "$T/err" '    "Validation failures" = {'
	expect_text "$T/err" '            "CFBundleVersion"'
	expect_status 64 kextutil -n --era leopard "$T/k/Era.kext"
	expect_status 64 kextutil --era tiger "$T/k/Era.kext"
}

test_package_type()	# 14
{
	codeless Type test.type 1.0
	sed -i s/KEXT/BNDL/ "$T/k/Type.kext/Contents/Info.plist"
	judge 0 Type
	expect_text "$T/err" "        CFBundlePackageType"
	judge 4 Type --era tiger
}

test_compatible_version()	# 15; we do say why
{
	codeless Compatible test.compatible 1.0 "$(entries x)"
	judge 4 Compatible
	expect_text "$T/err" OSBundleCompatibleVersion
}

test_real_numbers()	# 16
{
	codeless Real test.real 1.0 "<key>x</key><real>1.5</real>"
	expect_status 4 kextutil -n "$T/k/Real.kext"
	expect_text "$T/err" Info.plist
	expect_text "$T/err" real
}

test_only_incompatible()	# 17
{
	codeless Library test.library 2.0 "$(entries 1.5)"
	codeless User test.user 1.0 "$(entries 1.0 test.library=1.0)"
	judge 4 User
	expect_text "$T/err" "    Only incompatible kexts found for these libraries: "
	expect_text "$T/err" "needs test.library >= 1.0 compatible; found 2.0 whose"
	expect_text "$T/err" "whose compatible version is 1.5"
	codeless Library test.library 2.0
	judge 4 User
	expect_text "$T/err" "    Kexts found for these libraries lack OSBundleCompatibleVersion: "
}

test_circular()	# 19
{
	codeless A test.a 1.0 "$(entries 1.0 test.b=1.0)"
	codeless B test.b 1.0 "$(entries 1.0 test.c=1.0)"
	codeless C test.c 1.0 "$(entries 1.0 test.a=1.0)"
	judge 4 A
	expect_text "$T/err" "    Libraries that depend on themselves: "
	expect_text "$T/err" "test.a -> test.b -> test.c -> test.a"
}

test_kernel_components()	# 20
{
	codeless Mach test.mach 1.0 "$(entries 1.0 com.apple.kernel.mach=6.0)"
	judge 4 Mach
	expect_text "$T/err" "    64-bit kexts must use the KPIs: "
}

test_safe_boot()
{
	codeless Safe test.safe 1.0 "<key>OSBundleRequired</key><string>Safe Boot</string>
		$(entries 1.0 test.needed=1.0)"
	codeless Needed test.needed 1.0 "$(entries 1.0)"
	judge 5 Safe -x
	expect_text "$T/err" "    Libraries that are not eligible in a safe boot: "
	judge 5 Needed -x
	expect_text "$T/err" "    Not eligible in a safe boot: "
	codeless Needed test.needed 1.0 "<key>OSBundleRequired</key><string>Root</string>
		$(entries 1.0)"
	judge 0 Safe -x
}

test_json()
{
	codeless Good test.good 1.0
	codeless Bad test.bad 1.0 "$(entries 1.0 test.nobody=1.0)"
	expect_status 4 kextutil -n --json "$T/k/Good.kext" "$T/k/Bad.kext"
	python3 - "$T/out" <<-'END'
		import json, sys
		report = json.load(open(sys.argv[1]))
		assert list(report) == ["schema", "diagnostics", "kexts"] and report["schema"] == "kextutil/1"
		good, bad = report["kexts"]
		assert good["identifier"] == "test.good" and good["loadable"] is True and good["findings"] == {}
		assert bad["loadable"] is False and "dependency" in bad["error"]
		(group, lists), = bad["findings"].items()
		assert group == "Dependency Resolution Failures" and list(lists.values()) == [["test.nobody"]]
		found = [d for d in report["diagnostics"] if d["slug"] == "dependency.missing"]
		assert found and found[0]["key"] == "kOSKextDependencyUnavailable" and found[0]["class"] == "dependencies"
	END
	expect_status 64 kextutil --json "$T/k/Good.kext"
}

# What Finder and archivers leave inside of kexts, and texts in other languages: Darwin reads
# properties from Info.plist alone, and so the copyright in English.lproj opens no door.
test_droppings_inside()
{
	local contents=$T/k/com.apple.x.kext/Contents file
	codeless com.apple.x com.apple.x 1.0 "$(entries 1.0 com.apple.kpi.private=8.0)"
	mkdir -p "$contents/Resources/English.lproj" "$contents/PlugIns/__MACOSX" \
		"$T/k/com.apple.x.kext/__MACOSX"
	python3 -c 'import sys
text = "NSHumanReadableCopyright = \"Copyright \u00a9 2020 Apple Inc. All rights reserved.\";"
open(sys.argv[1], "wb").write(text.encode("utf-16"))' \
		"$contents/Resources/English.lproj/InfoPlist.strings"
	for file in ._Info.plist .DS_Store PlugIns/._Inner.kext PlugIns/.DS_Store; do
		printf '\0\5\26\7' >"$contents/$file"
	done
	ln -s nowhere "$contents/PlugIns/Gone.kext"
	judge 4 com.apple.x
	expect_text "$T/err" '    com.apple.kpi.private is for Apple'
	expect_no_text "$T/err" 'Validation Failures'
	sed -i 's,<key>OSBundleCompat,<key>NSHumanReadableCopyright</key>\
		<string>Copyright © 2020 Apple Inc. All rights reserved.</string>&,' \
		"$contents/Info.plist"
	judge 0 com.apple.x
}

# A property for one CPU overrides the general one for it alone, where Darwin has such: not of
# the bundle's own keys, and not inside of personalities.
test_properties_of_one_cpu()
{
	codeless Cpu test.cpu 1.0 '<key>OSBundleCompatibleVersion_arm64</key><string>x</string>
		<key>CFBundleVersion_x86_64</key><string>x</string>
		<key>IOKitPersonalities</key><dict><key>P</key><dict>
		<key>CFBundleIdentifier</key><string>test.cpu</string>
		<key>IOClass</key><string>c</string><key>IOClass_x86_64</key><true/>
		<key>IOProviderClass</key><string>d</string></dict></dict>'
	judge 0 Cpu -e -arch x86_64
	judge 0 Cpu -e -arch i386
	judge 4 Cpu -e -arch arm64
	expect_text "$T/err" '        OSBundleCompatibleVersion_arm64'
	codeless Cpu test.cpu 1.0 '<key>OSBundleRequired</key><string>Root</string>
		<key>OSBundleRequired_i386</key><string>Never</string>'
	judge 0 Cpu -e -x -arch x86_64
	judge 5 Cpu -e -x -arch i386
}

# bad_neighbours: everything in $T/k that is no kext, or a damaged one.
bad_neighbours()
{
	mkdir -p "$T/k"
	mkfifo "$T/k/Pipe.kext"
	ln -s /dev/zero "$T/k/Device.kext"
	ln -s nowhere "$T/k/Gone.kext"
	ln -s Loop.kext "$T/k/Loop.kext"
	mkdir -p "$T/k/Empty.kext" "$T/k/PipeInside.kext/Contents" "$T/k/__MACOSX/Good.kext" \
		"$T/k/LinkInside.kext/Contents"
	mkfifo "$T/k/PipeInside.kext/Contents/Info.plist"
	ln -s /dev/zero "$T/k/LinkInside.kext/Contents/Info.plist"
	: >"$T/k/.DS_Store"
	printf '\0\5\26\7' >"$T/k/._Good.kext"
	codeless Huge test.huge 1.0
	truncate -s 64M "$T/k/Huge.kext/Contents/Info.plist"
	codeless Deep test.deep 1.0
	python3 -c 'print("<array>" * 100000)' >"$T/k/Deep.kext/Contents/Info.plist"
	codeless Long "test.$(printf '%0100d' 0)" 1.0
	codeless $'\xff\xfe' test.bytes 1.0 "$(entries 1.0)"
}

test_neighbours()
{
	bad_neighbours
	codeless Good test.good 1.0 "$(entries 1.0 test.bytes=1.0)"
	judge 0 Good
	expect_no_text "$T/err" "Diagnostics for"
}

test_named_one_by_one()
{
	local name status text
	bad_neighbours
	while read -r status name text; do
		expect_status "$status" kextutil -n "$T/k/$name.kext"
		expect_text "$T/err" "$text"
		expect_text "$T/err" "$name.kext has problems"
	done <<-'END'
		1 Pipe not a folder
		1 Device not a folder
		1 Gone No such file
		1 Empty Info.plist
		4 PipeInside must be a regular file
		4 LinkInside symbolic link
		4 Huge larger than
		4 Deep nesting
		4 Long shorter than 64
	END
}

test_without_permission()
{
	codeless Closed test.closed 1.0
	codeless Good test.good 1.0
	chmod 0 "$T/k/Closed.kext"
	judge 0 Good
	if [ "$(id -u)" != 0 ]; then
		kextutil -n "$T/k/Closed.kext" 2>"$T/err" && fail "read without permission"
		expect_text "$T/err" "Permission denied"
	fi
	chmod 755 "$T/k/Closed.kext"
}

# Tiger's tools read Info.plist as all programs do; since then I/O Kit's parser reads it,
# which knows XML only. Who only looks for kexts finds it all the same.
test_binary_property_list()
{
	mkdir -p "$T/k/Binary.kext/Contents"
	python3 - "$T/k/Binary.kext/Contents/Info.plist" <<-'EOF'
		import plistlib, sys
		plistlib.dump({"CFBundleIdentifier": "test.binary", "CFBundleVersion": "1.0",
		               "CFBundlePackageType": "KEXT"}, open(sys.argv[1], "wb"), fmt=plistlib.FMT_BINARY)
	EOF
	local era
	for era in modern snowleopard; do
		judge 4 Binary --era $era
		expect_text "$T/err" '    Info.plist cannot be parsed: '
		expect_text "$T/err" 'convert it to XML'
	done
	judge 0 Binary --era tiger
	expect_status 71 kextload "$T/k/Binary.kext"
	expect_text "$T/err" 'is a binary property list'
	expect_text <(kextfind "$T/k" -bundle-id test.binary -invalid) Binary.kext
}

# One run names all that is wrong, whichever key it is.
test_every_wrong_key_at_once()
{
	codeless Wrong test.wrong 1.0.0.0 '<key>OSBundleCompatibleVersion</key><true/>
		<key>OSBundleRequired</key><string>Never</string>
		<key>OSBundleLibraries</key><dict><key>a.b</key><integer>1</integer></dict>
		<key>IOKitPersonalities</key><dict><key>One</key><dict/></dict>'
	sed -i '/CFBundleIdentifier/d; /CFBundlePackageType/d' "$T/k/Wrong.kext/Contents/Info.plist"
	local key
	judge 4 Wrong
	for key in CFBundleIdentifier CFBundlePackageType CFBundleVersion \
		OSBundleCompatibleVersion OSBundleRequired OSBundleLibraries.a.b \
		IOKitPersonalities.One.IOClass IOKitPersonalities.One.IOProviderClass; do
		expect_text "$T/err" "        $key"
	done
	expect_text <(kextfind "$T/k" -invalid) Wrong.kext
	expect_status 71 kextload "$T/k/Wrong.kext"
}

# On a Mac the one name would have done for the other.
test_executable_in_another_case()
{
	dummy_kext "$T"
	mv "$T/DummySysctl.kext/Contents/MacOS/DummySysctl" "$T/DummySysctl.kext/Contents/MacOS/dummysysctl"
	expect_status 4 kextutil -n "$T/DummySysctl.kext"
	expect_text "$T/err" 'names Contents/MacOS/DummySysctl, which does not exist'
	expect_text "$T/err" 'rename dummysysctl, which differs in case only'
	rm "$T/DummySysctl.kext/Contents/MacOS/dummysysctl"
	expect_status 4 kextutil -n "$T/DummySysctl.kext"
	expect_text "$T/err" 'put the executable there'
}

# By links to its folder, with blanks and slashes behind, from inside of it.
test_ways_to_name_a_kext()
{
	mkdir "$T/With Blank"
	dummy_kext "$T/With Blank"
	ln -s "With Blank" "$T/link"
	cd "$T"
	local name
	for name in link/DummySysctl.kext "With Blank/DummySysctl.kext//" ./link/../link/DummySysctl.kext \
		link/DummySysctl.kext/Contents/.. "$T/link/DummySysctl.kext/."; do
		expect_status 0 kextutil -n "$name"
		expect_status 0 kextload "$name"
		expect_status 0 kextunload "$name"
	done
	cd "link/DummySysctl.kext"
	expect_status 0 kextutil -nt .
	expect_status 0 kextload .
	expect_status 0 kextunload .
	cd Contents
	expect_status 0 kextload ..
	expect_status 0 kextunload ..
	expect_status 1 kextutil -n .
	expect_text "$T/err" 'does not end in .kext'
}

# Judged as any other; a request to kextd is a property list and cannot tell its path.
test_name_that_is_no_utf8()
{
	mkdir "$T/k"
	dummy_kext "$T/k"
	local name=$'\xff\xfe.kext'
	cd "$T/k"
	mv DummySysctl.kext "$name"
	expect_status 0 kextutil -nt "$name"
	expect_status 71 kextload "$name"
	expect_text "$T/err" 'the path is not UTF-8'
	# From a folder it is found, and shown with a mark for what cannot be.
	expect_status 0 kextload -r "$T/k" -b com.osxbook.kext.DummySysctl
	expect_text <(kextstat -o path -l -b com.osxbook.kext.DummySysctl) $'\xef\xbf\xbd\xef\xbf\xbd.kext'
	expect_status 0 kextunload "$name"
	mkdir $'\xff'
	expect_status 71 kextload -r $'\xff' -b com.osxbook.kext.DummySysctl
	expect_text "$T/err" 'the path is not UTF-8'
}

# Every test reads the executable and fails for the same; that is said once.
test_no_message_comes_twice()
{
	dummy_kext "$T"
	mv "$T/DummySysctl.kext/Contents/MacOS/DummySysctl" "$T/DummySysctl.kext/Contents"
	ln -s ../DummySysctl "$T/DummySysctl.kext/Contents/MacOS"
	expect_status 4 kextutil -nt "$T/DummySysctl.kext"
	expect_equal "$(grep -c 'is or lies behind a symbolic link' "$T/err")" 1
}

run_tests
