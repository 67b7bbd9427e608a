#!/bin/bash
# The C KPIs, by kexts that call them: the checks of tests/kexts/Kpi, and what panics.
. "$(dirname "$0")/lib.sh"

# kpi_kexts FOLDER: builds the kexts of tests/kexts/Kpi there.
kpi_kexts()
{
	make -s -C "$ROOT/tests/kexts/Kpi" KEXT_CC="$BUILD/bin/kext-cc" OUT="$1" >&2 ||
		fail "the KPI kexts do not build"
}

# panics NAME TEXT 'body of start' <<< declarations: loading the kext ends in that report.
panics()
{
	{
		echo '#include <IOKit/IOLib.h>'
		echo '#include <kern/thread.h>'
		echo '#include <mach/mach_types.h>'
		cat
		echo "kern_return_t $1_start(kmod_info_t *k, void *d) { $3; return 0; }"
		echo "kern_return_t $1_stop(kmod_info_t *k, void *d) { return 0; }"
	} | make_kext "$T" "$1" "test.$1" 1.0
	expect_status 70 kextutil --run "$T/$1.kext"
	expect_text "$T/err" "$2"
}

test_checks()
{
	local kext
	kpi_kexts "$T"
	KEXT_BOOTARGS=$(cat "$ROOT/tests/kexts/Kpi/boot-args")
	export KEXT_BOOTARGS
	rm -r "$T"/ends_*.kext
	for kext in "$T"/*.kext; do
		kextload "$kext" || echo "$(basename "$kext") does not load" >>"$T/failed"
		kextunload "$kext" || echo "$(basename "$kext") does not unload" >>"$T/failed"
	done
	kdmesg >"$T/log"
	# What the runner counts: each check of the kexts is one.
	grep "^ok \|^not ok " "$T/log" >"$SUITE/checks" || fail "no checks"
	! grep '^not ok' "$T/log" || fail "see above"
	[ ! -e "$T/failed" ] || fail "$(cat "$T/failed")"
	! grep 'leaked\|left \|bad \|may block' "$T/log" || fail "see above"
	# Situation 10: text without a newline, continued.
	grep -qx "no newlinex" "$T/log" || fail "a line is not continued"
	echo "ok kpi.situation-10-continued-line" >>"$SUITE/checks"
	grep -qx "by IOLogv" "$T/log" && grep -qx "by kprintf" "$T/log" &&
		grep -qx "by os_log 7" "$T/log" && grep -qx "by log 4" "$T/log" || fail "a route leads nowhere"
}

test_ends()
{
	local kext text
	kpi_kexts "$T"
	for kext in "$T"/ends_*.kext; do
		expect_status 70 kextutil --run "$kext"
		text=$(sed -n '1s,/\* Ends with: \(.*\) \*/,\1,p' \
			"$ROOT/tests/kexts/Kpi/$(basename "$kext" .kext).c")
		expect_text "$T/err" "$text"
	done
}

test_situation_19()
{
	panics Copy "__memcpy_chk object size check failed" \
		'char to[8]; __memcpy_chk(to, "12345678", 9, 8)' <<-'END'
			void *__memcpy_chk(void *, const void *, size_t, size_t);
		END
}

test_situation_28()
{
	panics Owner "non-owner" 'thread_t t; lock = IOLockAlloc(); IOLockLock(lock);
		kernel_thread_start(other, NULL, &t); IOSleep(10000)' <<-'END'
			static IOLock *lock;
			static void other(void *parameter, wait_result_t result) { IOLockUnlock(lock); }
		END
}

test_situation_32()
{
	panics Null "NULL" 'IOLock *lock = IOLockAlloc(); IOLockLock(lock);
		IOLockSleep_darwin14(lock, NULL, 0)' <<-'END'
			int IOLockSleep_darwin14(IOLock *, void *, UInt32);
		END
}

# Libkern's objects are there before any constructor of a kext.
test_situation_43()
{
	KEXT_LANGUAGE=cpp make_kext "$T" Early test.Early 1.0 <<-'END'
		#include <IOKit/IOLib.h>
		#include <libkern/c++/OSContainers.h>
		#include <mach/mach_types.h>
		static struct Early {
			Early() { printf("early %s\n", kOSBooleanTrue->getMetaClass()->getClassName()); }
		} early;
		extern "C" kern_return_t Early_start(kmod_info_t *k, void *d) { return 0; }
		extern "C" kern_return_t Early_stop(kmod_info_t *k, void *d) { return 0; }
	END
	kextload "$T/Early.kext"
	kdmesg >"$T/log"
	grep -qx "early OSBoolean" "$T/log" || fail "no OSBoolean"
}

# Situations are numbered; each has checks, or a test here.
test_the_situations_are_all_there()
{
	local number
	kpi_kexts "$T"
	for number in $(seq 1 45); do
		number=$(printf %02d "$number")
		declare -F "test_situation_$number" >"$T/found" ||
			grep -qa "situation-$number-" "$T"/*.kext/Contents/MacOS/* ||
			[ "$number" = 10 ] || fail "no test of situation $number"
	done
}

test_trapped_symbols()
{
	dummy_kext "$T"
	mkdir "$T/data"
	ln -s "$BUILD/share/kext/sdk" "$BUILD/share/kext/System.kext" "$T/data/"
	expect_status 74 "$BUILD/libexec/kext/kernel_task" --trap _no_such --describe "$T/data/mach_kernel"
	expect_status 0 "$BUILD/libexec/kext/kernel_task" --trap _sysctl_register_oid \
		--describe "$T/data/mach_kernel"
	export KEXT_DATADIR=$T/data
	expect_status 70 kextutil --run -allow-missing "$T/DummySysctl.kext"
	expect_text "$T/err" "_sysctl_register_oid, which this kernel does not implement"
}

# A virtual call binds to no symbol: kernel objects and kexts' subclasses have slots instead.
test_trapped_methods()
{
	KEXT_LANGUAGE=cpp make_kext "$T" Slots test.Slots 1.0 <<-'END'
		#include <libkern/c++/OSContainers.h>
		#include <mach/mach_types.h>
		class Mine : public OSObject { OSDeclareDefaultStructors(Mine) };
		OSDefineMetaClassAndStructors(Mine, OSObject)
		extern "C" kern_return_t Slots_start(kmod_info_t *k, void *d)
		{
			OSCollection *array = OSArray::withCapacity(1);
			OSObject *mine = new Mine;
			bool is_good = !array->getCount() && mine->init();
			mine->release();
			array->release();
			return is_good ? KERN_SUCCESS : KERN_FAILURE;
		}
		extern "C" kern_return_t Slots_stop(kmod_info_t *k, void *d) { return 0; }
	END
	expect_status 0 kextutil --run --boot-args trap=__ZNK7OSArray11getCapacityEv "$T/Slots.kext"
	expect_status 70 kextutil --run --boot-args trap=__ZNK7OSArray8getCountEv "$T/Slots.kext"
	expect_text "$T/err" "call of __ZNK7OSArray8getCountEv, which this kernel does not implement"
	mkdir "$T/data"
	ln -s "$BUILD/share/kext/sdk" "$BUILD/share/kext/System.kext" "$T/data/"
	"$BUILD/libexec/kext/kernel_task" --trap __ZN8OSObject4initEv --describe "$T/data/mach_kernel"
	export KEXT_DATADIR=$T/data
	expect_status 70 kextutil --run "$T/Slots.kext"
	expect_text "$T/err" "call of __ZN8OSObject4initEv, which this kernel does not implement"
}

run_tests
status=$?
[ -f "$SUITE/checks" ] && cat "$SUITE/checks"
exit $status
