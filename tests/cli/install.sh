#!/bin/bash
# make install: what is installed works where it is installed, without the checkout.
. "$(dirname "$0")/lib.sh"

test_installed_tree()
{
	make -s -C "$ROOT" BUILD="$BUILD" install DESTDIR="$T/image" PREFIX=/usr
	local prefix=$T/image/usr
	PATH=$prefix/bin:$prefix/sbin:/usr/bin:/bin
	make -s -C "$ROOT/tests/kexts/DummySysctl" KEXT_CC=kext-cc OUT="$T"
	expect_status 0 kextload "$T/DummySysctl.kext"
	pgrep -f "$prefix/sbin/kextd" >/dev/null || pgrep -x kextd >/dev/null || fail "whose kextd runs?"
	expect_equal "$(ksysctl -n debug.dummy)" 42
	expect_status 0 kextunload "$T/DummySysctl.kext"
	kextd --shutdown
	man -l "$prefix/share/man/man8/kextload.8" >/dev/null 2>&1 || mandoc "$prefix/share/man/man8/kextload.8" >/dev/null
	printf '#include <kext/client.h>\n#include <kext/ld.h>\nint main(void) { return kext_error_exit_status(0); }\n' >"$T/user.c"
	gcc -I"$prefix/include" "$T/user.c" -L"$prefix/lib" -lkext -Wl,-rpath,"$prefix/lib" -o "$T/user"
	"$T/user"
}

run_tests
