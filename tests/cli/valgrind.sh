#!/bin/bash
# The kernel under valgrind while C++ kexts live in it: no error in its code or theirs, and nothing
# lost. valgrind needs what the sandbox forbids.
. "$(dirname "$0")/lib.sh"

# The kernel_task that kextd starts is valgrind with ours.
watched_kernel()
{
	mkdir "$T/libexec"
	cat >"$T/libexec/kernel_task" <<-END
		#!/bin/sh
		exec valgrind --log-file=$T/valgrind --leak-check=full --show-leak-kinds=definite \\
			--errors-for-leak-kinds=definite $BUILD/libexec/kext/kernel_task "\$@"
	END
	chmod +x "$T/libexec/kernel_task"
	export KEXT_LIBEXECDIR=$T/libexec KEXT_DATADIR=$BUILD/share/kext
	kextd --sandbox off --idle 600
}

# errors N: what valgrind counts when the kernel has ended.
errors()
{
	kextd --shutdown
	for _ in {1..100}; do
		grep -q "ERROR SUMMARY" "$T/valgrind" && break
		sleep 0.1
	done
	grep -q "ERROR SUMMARY: $1 errors" "$T/valgrind" && return
	cat "$T/valgrind" >&2
	fail "valgrind does not count $1 errors"
}

sample()
{
	make -s -C "$ROOT/tests/kexts/$1" KEXT_CC="$BUILD/bin/kext-cc" OUT="$T" >&2 || fail "$1 does not build"
	expect_status 0 kextload "$T/$1.kext"
}

test_objects()
{
	watched_kernel
	sample Objects
	ksysctl -n debug.objects >"$T/xml"
	expect_text "$T/xml" "<key>shapes</key>"
	expect_status 0 kextunload "$T/Objects.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" "shapes left: 0"
	errors 0
}

test_libkern()
{
	watched_kernel
	sample LibkernTests
	kdmesg >"$T/log"
	expect_text "$T/log" "all checks have run"
	grep '^not ok' "$T/log" && fail "see above"
	expect_status 0 kextunload "$T/LibkernTests.kext"
	errors 0
}

# It does look into kexts' code.
test_a_mistake_is_seen()
{
	watched_kernel
	make_kext "$T" Bad test.bad 1.0 <<-'END'
		#include <IOKit/IOLib.h>
		#include <mach/mach_types.h>
		kern_return_t Bad_start(kmod_info_t *k, void *d)
		{
			volatile int *p = IOMalloc(64);
			IOFree((void *)p, 64);
			return p[1] == 1;
		}
		kern_return_t Bad_stop(kmod_info_t *k, void *d) { return 0; }
	END
	expect_status 0 kextload "$T/Bad.kext"
	errors 1
	expect_text "$T/valgrind" "Invalid read of size 4"
}

run_tests
