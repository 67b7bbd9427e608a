#!/bin/bash
# as: owners
# kextutil --run: one life of a kext in a kernel of its own, and nothing left behind.
. "$(dirname "$0")/lib.sh"

# alone COMMAND…: nothing of ours is there afterwards, and the ordinary kextd was not asked.
alone()
{
	mkdir -p "$T/tmp"
	TMPDIR=$T/tmp expect_status "$@"
	expect_equal "$(ls -A "$T/tmp")" ""
	[ ! -e "$T/run" ] || fail "the ordinary instance was started"
}

# kext NAME 'body of start' ['body of stop']
kext()
{
	printf '#include <IOKit/IOLib.h>\n#include <IOKit/IOLocks.h>\n#include <mach/mach_types.h>\n%s\n%s\n' \
		"kern_return_t $1_start(kmod_info_t *k, void *d) { $2; return 0; }" \
		"kern_return_t $1_stop(kmod_info_t *k, void *d) { ${3:-}; return 0; }" |
		make_kext "$T" "$1" "test.$1" 1.0
}

test_a_good_kext()
{
	dummy_kext "$T"
	alone 0 kextutil --run --timeout 20 --sysctl debug.dummy=7 "$T/DummySysctl.kext"
	alone 71 kextutil --run --sysctl debug.dummy=x "$T/DummySysctl.kext"
	alone 71 kextutil --run --sysctl no.such=1 "$T/DummySysctl.kext"
}

test_findings()
{
	kext Leaks 'IOMalloc(100)'
	alone 65 kextutil --run --json "$T/Leaks.kext"
	python3 - "$T/out" <<-'END'
		import json, sys
		top = json.load(open(sys.argv[1]))
		assert top["schema"] == "kextutil-run/1" and top["status"] == 65 and "report" not in top, top
		assert any("test.Leaks leaked 1 block(s), 100 byte(s)" in f for f in top["findings"]), top
	END
	kext Twice 'void *p = IOMalloc(64); IOFree(p, 64); IOFree(p, 64)'
	alone 65 kextutil --run "$T/Twice.kext"
	expect_text "$T/err" "bad IOFree of"
	kext Wrong 'void *p = IOMalloc(64); IOFree(p, 32)'
	alone 65 kextutil --run "$T/Wrong.kext"
	expect_text "$T/err" "bad IOFree size 0x20 should be 0x40"
	alone 70 kextutil --run --boot-args -kheap_strict "$T/Wrong.kext"
	expect_text "$T/err" "Wrong_start"
}

test_ends_badly()
{
	kext Null '*(volatile int *)d = 1'
	alone 70 kextutil --run --json "$T/Null.kext"
	python3 - "$T/out" <<-'END'
		import json, sys
		top = json.load(open(sys.argv[1]))
		assert top["status"] == 70 and "Null_start" in top["report"], top
	END
	kext Refuses 'return 5'
	alone 71 kextutil --run "$T/Refuses.kext"
	kext Stays '' 'return 5'
	alone 71 kextutil --run "$T/Stays.kext"
	kext Endless 'for (volatile int i = 0;; i++) ;'
	alone 75 kextutil --run --timeout 1 "$T/Endless.kext"
	alone 64 kextutil --run -n "$T/Null.kext"
	alone 64 kextutil --sysctl a=b "$T/Null.kext"
}

run_tests
