#!/bin/bash
# What the tools print, held against files that were checked by hand against what Darwin's
# print: tests/golden/NAME.txt has the output of test_NAME's command, stdout and then stderr.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/bundle.inc"

# golden NAME STATUS COMMAND…: in $T, whose name does not matter.
golden()
{
	local name=$1 status=$2
	shift 2
	cd "$T"
	expect_status "$status" "$@"
	{
		echo "\$ $*"
		cat out
		echo "--- stderr"
		cat err
	} | sed -e "s,$(realpath "$T")/,,g" -e "s,$T/,,g" >found
	diff -u "$ROOT/tests/golden/$name.txt" found || fail "$name differs"
}

# One finding or more for each group of a report but the boot level.
bad_kext()
{
	codeless Old test.old 3.0 "$(entries 2.5)"
	codeless Older test.old 1.5 "$(entries 1.0)"
	codeless Bad test.bad 1.0.0.0 "<key>OSBundleRequired</key><true/>
		<key>IOKitPersonalities</key><dict><key>P</key><dict>
		<key>IOClass</key><integer>1</integer></dict></dict>
		$(entries 1.0 test.nobody=1.0 test.old=2.0)"
	chmod 666 "$T/k/Bad.kext/Contents/Info.plist"
}

test_kextutil_report()
{
	bad_kext
	golden kextutil-report 4 kextutil -n -t -r k k/Bad.kext
}

test_kextutil_report_tiger()
{
	bad_kext
	golden kextutil-report-tiger 4 kextutil -n -t --era tiger -r k k/Bad.kext
}

test_kextutil_report_boot_level()
{
	codeless Safe test.safe 1.0 "<key>OSBundleRequired</key><string>Root</string>
		$(entries 1.0 test.needed=1.0)"
	codeless Needed test.needed 1.0 "$(entries 1.0)"
	golden kextutil-report-boot 5 kextutil -n -t -x -r k k/Safe.kext k/Needed.kext
}

test_kextutil_plist()
{
	bad_kext
	golden kextutil-plist 4 kextutil -n -t --plist -r k k/Bad.kext
	sed -e 1d -e '/^--- stderr/,$d' found | python3 -c 'import plistlib, sys
top = plistlib.loads(sys.stdin.buffer.read())
assert top["kexts"][0]["loadable"] is False and len(top["kexts"][0]["findings"]) == 4'
}

test_kextutil_json()
{
	bad_kext
	golden kextutil-json 4 kextutil -n -t --json -r k k/Bad.kext
	sed -e 1d -e '/^--- stderr/,$d' found | python3 -m json.tool >/dev/null
}

test_kextfind_report()
{
	bad_kext
	codeless Good test.good 1.0.2 '<key>OSBundleRequired</key><string>Root</string>'
	golden kextfind-report 0 kextfind -no-paths k -report -print -bundle-id -version \
		-library -valid -loadable -duplicate-id -property OSBundleRequired \
		-print-dependencies
}

uses()
{
	make_kext "$T" Uses test.uses 1.0 <<-'EOF'
		#include <mach/mach_types.h>
		#include <libkern/libkern.h>
		extern int nobody_has_this(void);
		kern_return_t Uses_start(kmod_info_t *k, void *d)
		{
			printf("%d", nobody_has_this());
			return 0;
		}
		kern_return_t Uses_stop(kmod_info_t *k, void *d) { return 0; }
	EOF
}

test_kextlibs_text()
{
	uses
	golden kextlibs-text 1 kextlibs -undef-symbols Uses.kext
}

test_kextlibs_xml()
{
	uses
	golden kextlibs-xml 1 kextlibs -xml Uses.kext
}

run_tests
