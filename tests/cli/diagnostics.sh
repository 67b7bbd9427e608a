#!/bin/bash
# Every finding that Darwin's tools know, by the name of its constant, and a kext that has it:
# kextutil -n -t finds it and files it under its group.
#
# Three are not here. kOSKextDiagnosticStatFailureKey wants a file whose status cannot be read
# although it is open; kOSKextDiagnosticNotSignedKey is about code signatures, which nobody
# makes for this kernel; kOSKextDiagnosticNoFileKey is about kexts of archives, which
# kextutil does not take (the unit test of bundles has it).
# as: owners
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/bundle.inc"

# finds CLASS KEY [OPTION…]: among the findings about $T/k/X.kext.
finds()
{
	local class=$1 key=$2
	shift 2
	kextutil -n -t --json -r "$T/k" "$@" "$T/k/X.kext" >"$T/out" 2>"$T/err" || :
	python3 - "$T/out" "$class" "$key" <<-'EOF' || fail "$key was not found"
		import json, sys
		path, group, key = sys.argv[1:]
		found = [(d["class"], d.get("key")) for d in json.load(open(path))["diagnostics"]]
		if (group, key) not in found:
		    sys.exit("found only %s" % found)
	EOF
}

# Rows: group, constant without its prefix, options, entries of Info.plist besides identifier,
# version and type.
simple_rows()
{
	sed 's/^	*//' <<-'EOF'
		validation|BadPropertyListXMLKey||<key>x</key><real>1.5</real>
		validation|BadSystemPropertyKey||<key>OSKernelResource</key><true/><key>OSBundleLibraries</key><dict><key>a</key><string>1</string></dict>
		validation|PropertyIsIllegalTypeKey||<key>OSBundleRequired</key><true/>
		validation|PropertyIsIllegalValueKey||<key>OSBundleCompatibleVersion</key><string>x</string>
		validation|ExecutableMissingKey||<key>CFBundleExecutable</key><string>X</string>
		validation|SharedExecutableKextMissingKey||<key>OSBundleSharedExecutableIdentifier</key><string>nobody</string>
		validation|SharedExecutableAndExecutableKey||<key>OSBundleSharedExecutableIdentifier</key><string>a</string><key>CFBundleExecutable</key><string>X</string>
		validation|CompatibleVersionLaterThanVersionKey||<key>OSBundleCompatibleVersion</key><string>9.0</string>
		authentication|FileNotFoundKey||<key>CFBundleExecutable</key><string>X</string>
		warnings|TypeWarningKey||P(<key>IOProbeScore</key><string>1</string>)
		warnings|KernelComponentNotInterfaceKey||<key>OSKernelResource</key><true/><key>OSBundleIsInterface</key><false/>
		warnings|DeprecatedPropertyKey||<key>OSBundleDebugLevel</key><integer>1</integer>
		warnings|PersonalityHasNoBundleIdentifierKey||P()
		warnings|PersonalityNamesUnknownKextKey||P(<key>CFBundleIdentifier</key><string>nobody</string>)
		warnings|PersonalityNamesNonloadableKextKey||P(<key>CFBundleIdentifier</key><string>test.broken</string>)
		warnings|PersonalityNamesKextWithNoExecutableKey||P(<key>CFBundleIdentifier</key><string>test.plain</string>)
		warnings|PersonalityHasDifferentBundleIdentifierKey||P(<key>CFBundleIdentifier</key><string>test.plain</string>)
		warnings|NonuniqueIOResourcesMatchKey||P(<key>IOMatchCategory</key><string>other</string>)
		warnings|CodelessWithLibrariesKey||L(test.library=1.0)
		warnings|NoExplicitKernelDependencyKey|-arch i386|<key>CFBundleExecutable</key><string>X</string>L(test.library=1.0)
		warnings|DeclaresNoKPIsWarningKey||<key>CFBundleExecutable</key><string>X</string>L(test.library=1.0)
		warnings|DeclaresBothKernelAndKPIDependenciesKey|-arch i386|L(com.apple.kernel.mach=6.0 com.apple.kpi.mach=8.0)
		warnings|sDependencyNotOSBundleRequired||<key>OSBundleRequired</key><string>Root</string>L(test.library=1.0)
		dependencies|Unavailable||L(test.nobody=1.0)
		dependencies|NoCompatibleVersion||L(test.library=0.5)
		dependencies|CompatibleVersionUndeclared||L(test.plain=1.0)
		dependencies|IndirectDependencyUnresolvable||L(test.needy=1.0)
		dependencies|MultipleVersionsDetected||L(test.one=1.0 test.two=1.0)
		dependencies|CircularReference||L(test.circle=1.0)
		dependencies|RawAndComponentKernel|-arch i386|L(com.apple.kernel=6.0 com.apple.kernel.mach=6.0)
		dependencies|Invalid||L(test.invalid=1.0)
		dependencies|Inauthentic||L(test.open=1.0)
		dependencies|DeclaresNonKPIDependenciesKey||L(com.apple.kernel.mach=6.0)
		dependencies|NonAppleKextDeclaresPrivateKPIDependencyKey||L(com.apple.kpi.private=8.0)
		dependencies|RawKernelDependency||L(com.apple.kernel=6.0)
		dependencies|sInterfaceDependencyCount||<key>OSBundleIsInterface</key><true/>L(test.library=1.0 test.split=1.0)
		boot-level|IneligibleInSafeBoot|-x|
		boot-level|DependencyIneligibleInSafeBoot|-x|<key>OSBundleRequired</key><string>Root</string>L(test.library=1.0)
	EOF
}

# Who may be needed.
neighbours()
{
	codeless Plain test.plain 1.0
	codeless Broken test.broken x
	codeless Library test.library 1.0 "$(entries 1.0)"
	codeless Needy test.needy 1.0 "$(entries 1.0 test.nobody=1.0)"
	codeless Old test.split 1.0 "$(entries 1.0)"
	codeless New test.split 2.0 "$(entries 2.0)"
	codeless One test.one 1.0 "$(entries 1.0 test.split=1.0)"
	codeless Two test.two 1.0 "$(entries 1.0 test.split=2.0)"
	codeless Circle test.circle 1.0 "$(entries 1.0 test.x=1.0)"
	codeless Invalid test.invalid 1.0 "$(entries 1.0)<key>OSBundleRequired</key><true/>"
	codeless Open test.open 1.0 "$(entries 1.0)"
	chmod 666 "$T/k/Open.kext/Contents/Info.plist"
}

# expand TEXT: L(…) as OSBundleLibraries and P(…) as a personality with more entries.
expand()
{
	local text=$1 inner
	case $text in
	*'L('*)
		inner=${text#*L(}
		text=${text%%L(*}$(entries 1.0 ${inner%)} | grep -v OSBundleCompatible)
		;;
	'P('*)
		inner=${text#P(}
		text="<key>IOKitPersonalities</key><dict><key>P</key><dict>
			<key>IOClass</key><string>c</string>
			<key>IOProviderClass</key><string>IOResources</string>
			${inner%)}</dict></dict>"
		;;
	esac
	echo "$text"
}

constant()
{
	case $1 in
	*Key | RawKernelDependency | *InSafeBoot | sDependency* | sInterface*)
		echo "kOSKextDiagnostic$1"
		;;
	*) echo "kOSKextDependency$1" ;;
	esac
}

# simple CONSTANT CLASS: its row.
simple()
{
	local class name options more
	IFS='|' read -r class name options more < <(simple_rows | grep -F "$2|$1|")
	neighbours
	more=$(expand "$more")
	# A kext that others need in a circle is a library.
	[ "$name" != CircularReference ] ||
		more+='<key>OSBundleCompatibleVersion</key><string>1.0</string>'
	codeless X test.x 1.0 "$more"
	# shellcheck disable=SC2086
	finds "$class" "$(constant "$name")" $options
}

while IFS='|' read -r class name options more; do
	eval "test_${class//-/_}_$name() { simple $name $class; }"
done < <(simple_rows)

diagnostic()
{
	finds "$1" "kOSKextDiagnostic$2" "${@:3}"
}

# A path longer than the system's limit, which relative names can reach.
test_validation_URLConversionKey()
{
	local part=$(printf '%0200d' 0) i
	codeless X test.x 1.0
	cd "$T"
	for i in {1..25}; do
		mkdir "$part"
		cd -P "$part" 2>/dev/null || cd "$part"
	done
	cp -R "$T/k/X.kext" .
	kextutil -n --json X.kext >"$T/out" || :
	expect_text "$T/out" kOSKextDiagnosticURLConversionKey
	cd /
}

test_validation_FileNotFoundKey()
{
	mkdir "$T/k"
	diagnostic validation FileNotFoundKey
}

test_validation_FileAccessKey()
{
	mkdir -p "$T/k/X.kext/Contents"
	mkfifo "$T/k/X.kext/Contents/Info.plist"
	diagnostic validation FileAccessKey
}

test_validation_NotABundleKey()
{
	mkdir -p "$T/k/X.kext"
	diagnostic validation NotABundleKey
}

test_validation_MissingPropertyKey()
{
	codeless X test.x 1.0
	sed -i /CFBundleVersion/d "$T/k/X.kext/Contents/Info.plist"
	diagnostic validation MissingPropertyKey
}

test_validation_IdentifierOrVersionTooLongKey()
{
	codeless X "$(printf '%064d' 1)" 1.0
	diagnostic validation IdentifierOrVersionTooLongKey
}

# with_code: $T/k/X.kext with an executable.
with_code()
{
	mkdir "$T/k"
	dummy_kext "$T/k"
	mv "$T/k/DummySysctl.kext" "$T/k/X.kext"
}

test_validation_ExecutableBadKey()
{
	with_code
	echo text >"$T/k/X.kext/Contents/MacOS/DummySysctl"
	diagnostic validation ExecutableBadKey
}

test_warnings_ExecutableArchNotFoundKey()
{
	with_code
	diagnostic warnings ExecutableArchNotFoundKey -arch arm64
}

# Kernel libraries of before 6.0 took a kext's name and version out of its code.
test_warnings_BundleIdentifierMismatchKey()
{
	with_code
	sed -i -e s/com.osxbook.kext.DummySysctl/test.x/ -e s/1.0.0d1/2.0/ -e 's/>8.0.0</>1.1</' \
		-e s/com.apple.kpi.libkern/com.apple.kernel.mach/ "$T/k/X.kext/Contents/Info.plist"
	diagnostic warnings BundleIdentifierMismatchKey
	diagnostic warnings BundleVersionMismatchKey
}

test_authentication_OwnerPermissionKey()
{
	codeless X test.x 1.0
	chmod 666 "$T/k/X.kext/Contents/Info.plist"
	diagnostic authentication OwnerPermissionKey
}

# Root may read everything, unless it lays that down.
test_authentication_FileAccessKey()
{
	codeless X test.x 1.0
	mkdir "$T/k/X.kext/Contents/Resources"
	chmod 0 "$T/k/X.kext/Contents/Resources"
	kextutil()
	{
		if [ "$(id -u)" = 0 ]; then
			setpriv --bounding-set -dac_override,-dac_read_search kextutil "$@"
		else
			command kextutil "$@"
		fi
	}
	diagnostic authentication FileAccessKey
	chmod 755 "$T/k/X.kext/Contents/Resources"
}

test_warnings_SymlinkKey()
{
	codeless X test.x 1.0 '<key>OSBundleRequired</key><string>Root</string>'
	ln -s Info.plist "$T/k/X.kext/Contents/Link"
	diagnostic warnings SymlinkKey
}

# loaded: test.loaded 1.0 runs.
loaded()
{
	make_kext "$T" Lib test.loaded 1.0 <<-'EOF'
		#include <mach/mach_types.h>
		kern_return_t Lib_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t Lib_stop(kmod_info_t *k, void *d) { return 0; }
	EOF
	[ "$1" = library ] || sed -i /OSBundleCompatible/d "$T/Lib.kext/Contents/Info.plist"
	kextload "$T/Lib.kext"
	codeless Lib test.loaded 2.0 "$(entries 1.0)"
	codeless X test.x 1.0 "$(entries 1.0 test.loaded=2.0)"
}

test_dependencies_LoadedIsIncompatible()
{
	loaded library
	finds dependencies kOSKextDependencyLoadedIsIncompatible -A
}

test_dependencies_LoadedCompatibleVersionUndeclared()
{
	loaded plain
	finds dependencies kOSKextDependencyLoadedCompatibleVersionUndeclared -A
}

run_tests
