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

# found CHECK MESSAGE SITE ORIGIN: of the one finding that the JSON in $T/out has; SITE and ORIGIN are
# the functions, "" for none. Offsets are checked by their arithmetic: image's = symbol's + the rest.
found()
{
	python3 - "$T/out" "$@" <<-'END' || { cat "$T/out" >&2; fail "see above"; }
		import json, sys
		top = json.load(open(sys.argv[1]))
		assert top["schema"] == "kextutil-run/1" and top["status"] == 65 and "report" not in top, top
		[it] = top["findings"]
		check, message, site, origin = sys.argv[2:]
		assert it["check"] == check and message in it["message"], it
		assert it["kext"].startswith("test."), it
		for key, symbol in (("site", site), ("origin", origin)):
		    assert it.get(key, {}).get("symbol", "") == symbol, it
		    if symbol:
		        assert it[key]["image"] == it["kext"], it
		        assert int(it[key]["address"], 16) % 4096 == int(it[key]["offset"], 16) % 4096, it
		        assert 0 <= int(it[key]["symbol_offset"], 16) < 200, it
	END
}

# one CHECK MESSAGE SITE ORIGIN 'body of start' ['body of stop']: what a kext of this body is told.
one()
{
	rm -rf "$T/One.kext"
	kext One "${@:5}"
	alone 65 kextutil --run --json "$T/One.kext"
	found "${@:1:4}"
}

test_leak()
{
	one heap.leak "IOMalloc: 1 block(s), 100 byte(s)" "" One_start 'IOMalloc(100)'
	alone 65 kextutil --run "$T/One.kext"
	expect_text "$T/err" "test.One: heap.leak: IOMalloc: 1 block(s), 100 byte(s)"
	grep -Eq '^kextutil:     memory of test\.One \+ 0x[0-9a-f]+ \(One_start \+ 0x[0-9a-f]+\)$' "$T/err" ||
		fail "the place is not told"
	alone 0 kextutil --run --boot-args leak_check=0 "$T/One.kext"
}

test_left_registration()
{
	make_kext "$T" Left test.Left 1.0 <<-'END'
		#include <mach/mach_types.h>
		#include <sys/sysctl.h>
		static int left;
		SYSCTL_INT(_debug, OID_AUTO, left, CTLFLAG_RW, &left, 0, "");
		kern_return_t Left_start(kmod_info_t *k, void *d) { sysctl_register_oid(&sysctl__debug_left); return 0; }
		kern_return_t Left_stop(kmod_info_t *k, void *d) { return 0; }
	END
	alone 65 kextutil --run --json "$T/Left.kext"
	found leak.registration "left the sysctl left registered" "" ""
}

test_bad_frees()
{
	one heap.double-free "bad IOFree of" One_start One_start \
		'void *p = IOMalloc(64); IOFree(p, 64); IOFree(p, 64)'
	alone 0 kextutil --run --boot-args free_check=0 "$T/One.kext"
	one heap.bad-free "bad IOFree of" One_start "" 'IOFree(&k->id, 4)'
	one heap.family "from the family of IOMallocAligned" One_stop One_start \
		'k->reference_list = IOMallocAligned(64, 16)' 'IOFree(k->reference_list, 64)'
	one heap.size "bad IOFree size 0x20 should be 0x40" One_start One_start \
		'void *p = IOMalloc(64); IOFree(p, 32)'
	alone 70 kextutil --run --boot-args -kheap_strict "$T/One.kext"
	expect_text "$T/err" "One_start"
}

# A write just behind or before a block is seen when it is freed, one on another page at once, and the
# kext goes on; so it does when it uses what it has freed.
test_overruns()
{
	one heap.overrun "the block of 60 was written to" One_start One_start \
		'volatile char *p = IOMalloc(60); p[60] = 1; IOFree((void *)p, 60)'
	one heap.underrun "the block of 64 was written to" One_start One_start \
		'volatile char *p = IOMalloc(64); p[-1] = 1; IOFree((void *)p, 64)'
	one heap.overrun "write of byte 0 behind a block of 64" One_start One_start \
		'volatile char *p = IOMalloc(64); p[64] = 1; p[65] = 2; IOFree((void *)p, 64)'
	one heap.overrun "read of byte 0 behind a block of 4096" One_start One_start \
		'volatile char *p = IOMalloc(4096); (void)p[4096]; IOFree((void *)p, 4096)'
	one heap.underrun "read of byte 100 before a block of 4096" One_start One_start \
		'volatile char *p = IOMalloc(4096); (void)p[-100]; IOFree((void *)p, 4096)'
	alone 0 kextutil --run --boot-args kheap_guard=0 "$T/One.kext"
}

# What leaks is looked at, too.
test_overrun_of_a_leak()
{
	kext Both 'volatile char *p = IOMalloc(60); p[60] = 1'
	alone 65 kextutil --run --json "$T/Both.kext"
	python3 - "$T/out" <<-'END'
		import json, sys
		top = json.load(open(sys.argv[1]))
		assert [f["check"] for f in top["findings"]] == ["heap.overrun", "heap.leak"], top
		assert {f["origin"]["symbol"] for f in top["findings"]} == {"Both_start"}, top
	END
}

test_use_after_free()
{
	one heap.use-after-free "read of byte 5 of a block of 64, which is freed" One_start One_start \
		'volatile char *p = IOMalloc(64); IOFree((void *)p, 64); if ((unsigned char)p[5] != 0xdd) return 5'
	# In a function of the kernel's on behalf of the kext.
	one heap.use-after-free "write of byte 0 of a block of 64, which is freed" One_start One_start \
		'void *p = IOMalloc(64); IOFree(p, 64); bzero(p, 64)'
	alone 70 kextutil --run --json --boot-args -kheap_strict "$T/One.kext"
	python3 - "$T/out" <<-'END'
		import json, sys
		top = json.load(open(sys.argv[1]))
		assert top["status"] == 70, top
		assert "panic(cpu 0 caller " in top["report"] and "which is freed" in top["report"], top
		# Told before the end.
		assert [f["check"] for f in top["findings"]] == ["heap.use-after-free"], top
	END
}

test_locks()
{
	one lock.unbalanced "its start routine left locks unbalanced: mutexes +1, spin locks +0" One_start "" \
		'static IOLock *lock; lock = IOLockAlloc(); IOLockLock(lock); k->reference_list = (void *)lock' \
		'IOLock *lock = (void *)k->reference_list; IOLockFree(lock)'
	alone 0 kextutil --run --boot-args lock_check=0 "$T/One.kext"
	make_kext "$T" Two test.Two 1.0 <<-'END'
		#include <IOKit/IOLib.h>
		#include <IOKit/IOLocks.h>
		#include <kern/thread.h>
		static void held(void *lock, wait_result_t result) { IOLockLock(lock); }
		static IOLock *lock;
		kern_return_t Two_start(kmod_info_t *k, void *d)
		{
			thread_t thread;
			kernel_thread_start(held, lock = IOLockAlloc(), &thread);
			thread_deallocate(thread);
			IOSleep(200);
			return 0;
		}
		kern_return_t Two_stop(kmod_info_t *k, void *d) { IOLockFree(lock); return 0; }
	END
	alone 65 kextutil --run --json "$T/Two.kext"
	found lock.unbalanced "its thread routine left locks unbalanced: mutexes +1, spin locks +0" held ""
	one lock.sleep "IOMalloc, which may block, is called while a spin lock is held" One_start "" \
		'IOSimpleLock *l = IOSimpleLockAlloc(); IOSimpleLockLock(l); void *p = IOMalloc(8);
		IOSimpleLockUnlock(l); IOFree(p, 8); IOSimpleLockFree(l)'
	alone 0 kextutil --run --boot-args sleep_check=0 "$T/One.kext"
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
