#!/bin/bash
# as: owners
# Kexts that mean harm, or know no better: the daemon survives, what there is to say names
# the culprit, and the next load works.
. "$(dirname "$0")/lib.sh"

# still_usable: the same daemon serves, and the sample loads and unloads.
still_usable()
{
	mkdir -p "$T/good"
	[ -d "$T/good/DummySysctl.kext" ] || dummy_kext "$T/good"
	expect_status 0 kextload "$T/good/DummySysctl.kext"
	expect_status 0 kextunload -b com.osxbook.kext.DummySysctl
	kextd --status >"$T/status"
	expect_equal "$(grep -i '^process:' "$T/status")" "$daemon"
}

# begin: notes which daemon it is that has to survive.
begin()
{
	kextd --idle 600
	kextd --status >"$T/status"
	daemon=$(grep -i '^process:' "$T/status")
	[ -n "$daemon" ] || fail "the status names no process"
}

# dies STATUS COMMAND…: that exit status, with a report in $report.
dies()
{
	expect_status "$@"
	report=$(grep -oE '/[^ ]*/reports?/[^ ]+[^ .,:;)]' "$T/err" | head -1)
	[ -f "$report" ] || { cat "$T/err" >&2; fail "stderr names no report"; }
}

# culprit TEXT…: the backtrace of the report, not only its list of kexts, holds each.
culprit()
{
	local text
	sed -n '/^Backtrace/,/^Loaded kexts/p' "$report" >"$T/backtrace"
	for text; do
		grep -qF -- "$text" "$T/backtrace" && continue
		cat "$report" >&2
		fail "the backtrace does not name $text"
	done
}

test_stack_thrown_away()
{
	begin
	make_kext "$T" Stack test.stack 1.0 <<-'END'
		#include <mach/mach_types.h>
		kern_return_t Stack_start(kmod_info_t *k, void *d)
		{
			__asm__ volatile("xorl %%esp, %%esp\n\tpushq %%rax" ::: "memory");
			return 0;
		}
		kern_return_t Stack_stop(kmod_info_t *k, void *d) { return 0; }
	END
	dies 70 kextload "$T/Stack.kext"
	culprit test.stack Stack_start
	still_usable
}

test_stack_used_up()
{
	begin
	make_kext "$T" Deep test.deep 1.0 <<-'END'
		#include <mach/mach_types.h>
		__attribute__((noinline)) static int deeper(volatile char *above)
		{
			volatile char here[512];
			here[0] = above[0];
			return deeper(here) + here[0];
		}
		kern_return_t Deep_start(kmod_info_t *k, void *d)
		{
			char none = 0;
			return deeper(&none);
		}
		kern_return_t Deep_stop(kmod_info_t *k, void *d) { return 0; }
	END
	dies 70 kextload "$T/Deep.kext"
	culprit test.deep deeper
	still_usable
}

test_constructor_loops()
{
	begin
	make_kext "$T" Loop test.loop 1.0 <<-'END'
		#include <mach/mach_types.h>
		__attribute__((constructor)) static void endless(void)
		{
			for (volatile int i = 0;; i++)
				;
		}
		kern_return_t Loop_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t Loop_stop(kmod_info_t *k, void *d) { return 0; }
	END
	dies 75 kextload --timeout 1 "$T/Loop.kext"
	expect_text "$report" test.loop
	expect_text "$report" endless
	still_usable
}

test_thread_outlives_it()
{
	begin
	make_kext "$T" Thread test.thread 1.0 <<-'END'
		#include <kern/thread.h>
		#include <mach/mach_types.h>
		static void lives_on(void *argument, wait_result_t why)
		{
			for (volatile int i = 0;; i++)
				;
		}
		kern_return_t Thread_start(kmod_info_t *k, void *d)
		{
			thread_t thread;
			return kernel_thread_start(lives_on, 0, &thread);
		}
		kern_return_t Thread_stop(kmod_info_t *k, void *d) { return 0; }
	END
	expect_status 0 kextload "$T/Thread.kext"
	# The unload may be answered before its thread trips over the code that is gone.
	kextunload -b test.thread >"$T/out" 2>"$T/err" || :
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		report=$(find "$T/state/reports" -name '[!.]*' -type f 2>/dev/null | head -1)
		[ -z "$report" ] || break
		sleep 0.3
	done
	[ -n "$report" ] || fail "no report"
	expect_text "$report" test.thread
	still_usable
}

test_frees_what_it_does_not_own()
{
	begin
	make_kext "$T" Free test.free 1.0 <<-'END'
		#include <IOKit/IOLib.h>
		#include <mach/mach_types.h>
		kern_return_t Free_start(kmod_info_t *k, void *d)
		{
			static char own[64];
			void *block = IOMalloc(64);
			IOFree(block, 64);
			IOFree(block, 64);
			IOFree(own, 64);
			IOFree((void *)k, 64);
			return 0;
		}
		kern_return_t Free_stop(kmod_info_t *k, void *d) { return 0; }
	END
	expect_status 0 kextload "$T/Free.kext"
	kdmesg >"$T/log"
	expect_equal "$(grep -c 'bad IOFree of .*called by test.free' "$T/log")" 3
	expect_status 0 kextunload -b test.free
	still_usable
}

test_calls_a_pure_virtual()
{
	begin
	KEXT_LANGUAGE=cpp make_kext "$T" Pure test.pure 1.0 <<-'END'
		#include <mach/mach_types.h>
		struct Base {
			Base() { early(); }
			__attribute__((noinline)) void early() { method(); }
			virtual void method() = 0;
		};
		struct Derived : Base { void method() {} };
		extern "C" kern_return_t Pure_start(kmod_info_t *k, void *d)
		{
			Derived derived;
			derived.early();
			return 0;
		}
		extern "C" kern_return_t Pure_stop(kmod_info_t *k, void *d) { return 0; }
	END
	dies 70 kextload "$T/Pure.kext"
	expect_text "$report" "a pure virtual method was called"
	culprit test.pure "Base::early()" Pure_start
	still_usable
}

# classy NAME: a kext with a class Rival.
classy()
{
	KEXT_LANGUAGE=cpp make_kext "$T" "$1" "test.$1" 1.0 <<-END
		#include <libkern/c++/OSObject.h>
		#include <mach/mach_types.h>
		class Rival : public OSObject { OSDeclareDefaultStructors(Rival) };
		OSDefineMetaClassAndStructors(Rival, OSObject)
		extern "C" kern_return_t $1_start(kmod_info_t *k, void *d) { return 0; }
		extern "C" kern_return_t $1_stop(kmod_info_t *k, void *d) { return 0; }
	END
}

test_registers_a_class_that_exists()
{
	begin
	classy First
	classy Second
	expect_status 0 kextload "$T/First.kext"
	expect_status 71 kextload "$T/Second.kext"
	kdmesg | grep Rival >"$T/log" || fail "the log does not name the class"
	expect_text "$T/log" test.First
	expect_text "$T/log" test.Second
	kextstat -l >"$T/rows"
	expect_text "$T/rows" test.First
	expect_no_text "$T/rows" test.Second
	expect_status 0 kextunload -b test.First
	expect_status 0 kextload "$T/Second.kext"	# nothing was left of the first try
	still_usable
}

test_unloads_itself()
{
	begin
	make_kext "$T" Self test.self 1.0 <<-'END'
		#include <mach/mach_types.h>
		extern uint32_t OSKextGetCurrentLoadTag(void);
		extern int OSKextReleaseKextWithLoadTag(uint32_t);
		kern_return_t Self_start(kmod_info_t *k, void *d)
		{
			for (int i = 0; i < 5; i++)
				OSKextReleaseKextWithLoadTag(OSKextGetCurrentLoadTag());
			return 0;
		}
		kern_return_t Self_stop(kmod_info_t *k, void *d) { return k->stop(k, d); }
	END
	expect_status 0 kextload "$T/Self.kext"
	kextstat -l -b test.self >"$T/rows"
	expect_equal "$(wc -l <"$T/rows")" 1
	dies 70 kextunload -b test.self	# its stop routine calls itself without end
	culprit test.self Self_stop
	still_usable
}

test_returns_with_a_lock_held()
{
	begin
	make_kext "$T" Lock test.lock 1.0 <<-'END'
		#include <IOKit/IOLib.h>
		#include <IOKit/IOLocks.h>
		#include <mach/mach_types.h>
		#include <kern/thread.h>
		static IOLock *lock;
		static volatile int has_lock;
		kern_return_t Lock_start(kmod_info_t *k, void *d)
		{
			lock = IOLockAlloc();
			IOLockLock(lock);
			return 0;
		}
		/* A thread of its own: stop may run on the very thread that start ran on. */
		static void take(void *parameter, wait_result_t result)
		{
			IOLockLock(lock);
			has_lock = 1;
		}
		kern_return_t Lock_stop(kmod_info_t *k, void *d)
		{
			thread_t thread;
			kernel_thread_start(take, 0, &thread);
			while (!has_lock)
				IOSleep(10);
			return 0;
		}
	END
	expect_status 0 kextload "$T/Lock.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" \
		"test.lock: its start routine left locks unbalanced: mutexes +1, spin locks +0"
	dies 75 kextunload --timeout 1 -b test.lock
	expect_text "$report" test.lock
	expect_text "$report" Lock_stop
	still_usable
	kdmesg >"$T/log"	# of a fresh kernel
	expect_no_text "$T/log" unbalanced
	kextd --shutdown
	KEXT_BOOTARGS=lock_check=0 expect_status 0 kextload "$T/Lock.kext"
	kdmesg >"$T/log"
	expect_no_text "$T/log" unbalanced
}

test_returns_with_a_spin_lock_held()
{
	begin
	make_kext "$T" Spin test.spin 1.0 <<-'END'
		#include <IOKit/IOLib.h>
		#include <IOKit/IOLocks.h>
		#include <mach/mach_types.h>
		static IOSimpleLock *lock;
		kern_return_t Spin_start(kmod_info_t *k, void *d)
		{
			lock = IOSimpleLockAlloc();
			IOSimpleLockLock(lock);
			IOSleep(1);
			return 0;
		}
		kern_return_t Spin_stop(kmod_info_t *k, void *d) { return 0; }
	END
	expect_status 0 kextload "$T/Spin.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" "called from test.spin"
	expect_text "$T/log" "while a spin lock is held: it may block"
	expect_text "$T/log" \
		"test.spin: its start routine left locks unbalanced: mutexes +0, spin locks +1"
	expect_status 0 kextunload -b test.spin
	still_usable
}

test_memory_runs_out()
{
	export KEXT_BOOTARGS=maxmem=64
	begin
	make_kext "$T" Eats test.eats 1.0 <<-'END'
		#include <IOKit/IOLib.h>
		#include <mach/mach_types.h>
		kern_return_t Eats_start(kmod_info_t *k, void *d)
		{
			int blocks = 0;
			while (blocks < 1024 && IOMalloc(1 << 20))
				blocks++;
			IOLog("blocks: %d\n", blocks);
			return KERN_RESOURCE_SHORTAGE;
		}
		kern_return_t Eats_stop(kmod_info_t *k, void *d) { return 0; }
	END
	expect_status 71 kextload --timeout 30 "$T/Eats.kext"
	kdmesg >"$T/log"
	grep -qE 'blocks: (6[0-4])$' "$T/log" || { cat "$T/log" >&2; fail "another limit"; }
	grep -q '^test.eats leaked' "$T/log" || fail "nobody says who leaked"
	# What it leaked stays; whoever comes next still gets a fresh kernel that has room.
	kextd --restart
	still_usable
}

run_tests
