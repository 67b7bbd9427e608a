#!/bin/bash
# gdb on the kernel knows the symbols of kexts: of those loaded before it came, and of those
# loaded after.
. "$(dirname "$0")/lib.sh"

numbers_kext()
{
	KEXT_LANGUAGE=cpp make_kext "$T" Numbers test.numbers 1.0 <<-'END'
		#include <mach/mach_types.h>
		struct Number { __attribute__((noinline)) static int twice(volatile int *n) { return *n * 2; } };
		extern "C" { int numbers_data = 21; }
		extern "C" kern_return_t Numbers_start(kmod_info_t *k, void *d) { return Number::twice(&numbers_data) - 42; }
		extern "C" kern_return_t Numbers_stop(kmod_info_t *k, void *d) { return 0; }
	END
}

# the_kernel: its process id; what a debugger may reach runs without the sandbox.
the_kernel()
{
	kextd --sandbox off --idle 600
	kdmesg >"$T/log"	# waits for it
	kextd --status | sed -n 's/^Kernel Process: //p'
}

attach()
{
	gdb -nx -batch -p "$1" -ex 'set confirm off' "${@:2}"
}

test_symbols_of_a_loaded_kext()
{
	numbers_kext
	local kernel at
	kernel=$(the_kernel)
	expect_status 0 kextload "$T/Numbers.kext"
	# Where the linker put it, from kextstat and the kext's own symbol table.
	at=$(kextstat -l -b test.numbers | awk '{ print $3 }')
	at=$((at + 0x$(llvm-nm-14 "$T/Numbers.kext/Contents/MacOS/Numbers" |
		awk '/ _Numbers_stop$/ { print $1 }')))
	attach "$kernel" -ex "info symbol $at" -ex 'print (int)numbers_data' \
		-ex 'break Number::twice' >"$T/out" 2>"$T/err"
	expect_text "$T/out" "Numbers_stop in section .text"
	expect_text "$T/out" '$1 = 21'
	expect_text "$T/out" "Breakpoint 1 at 0x"
	expect_status 0 kextunload -b test.numbers
	attach "$kernel" -ex "info symbol $at" >"$T/out" 2>&1
	expect_text "$T/out" "No symbol matches"
}

test_breakpoint_in_a_kext_to_come()
{
	numbers_kext
	local kernel i debugger
	kernel=$(the_kernel)
	attach "$kernel" -ex 'set breakpoint pending on' -ex 'break Numbers_start' \
		-ex 'echo ready\n' -ex continue -ex 'backtrace 3' -ex 'info symbol $pc' \
		>"$T/gdb" 2>&1 &
	debugger=$!
	for i in {1..100}; do
		grep -q '^ready' "$T/gdb" && break
		sleep 0.1
	done
	expect_status 0 kextload --timeout 60 "$T/Numbers.kext"
	wait "$debugger"
	expect_text "$T/gdb" "Breakpoint 1, 0x"
	expect_text "$T/gdb" "in Numbers_start ()"
	expect_text "$T/gdb" "Numbers_start + "
	grep -q "^#2 .*kmod_start" "$T/gdb" || { cat "$T/gdb" >&2; fail "who called it?"; }
	expect_status 0 kextunload -b test.numbers
}

run_tests
