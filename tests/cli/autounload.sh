#!/bin/bash
# as: owners
# Kexts that go by themselves when nobody uses them, here after a second instead of a minute.
. "$(dirname "$0")/lib.sh"

# period SECONDS: of the kernel that starts next.
period()
{
	export KEXT_BOOTARGS=autounload=$1
}

# log_has TEXT: within six seconds. kdmesg does not put off the look as kextstat does.
log_has()
{
	local i
	for i in {1..60}; do
		kdmesg >"$T/log"
		grep -qF -- "$1" "$T/log" && return
		sleep 0.1
	done
	cat "$T/log" >&2
	fail "'$1' does not come into the log"
}

# kext NAME START [STOP [LIBRARY…]]: test.NAME; `tag` is its own load tag.
kext()
{
	cat >"$T/source" <<-END
		#include <IOKit/IOLib.h>
		#include <mach/mach_types.h>
		extern int OSKextRetainKextWithLoadTag(uint32_t), OSKextReleaseKextWithLoadTag(uint32_t);
		int $1_symbol;
		kern_return_t $1_start(kmod_info_t *k, void *d) { uint32_t tag = k->id; $2; return tag ? 0 : 5; }
		kern_return_t $1_stop(kmod_info_t *k, void *d) { IOLog("$1 stops\n"); ${3:-}; return 0; }
	END
	make_kext "$T" "$1" "test.$1" 1.0 "${@:4}" <"$T/source"
}

readonly OPTS_IN='OSKextRetainKextWithLoadTag(tag); OSKextReleaseKextWithLoadTag(tag)'

loaded()
{
	kextstat -k -l >"$T/rows"
	grep -qF "test.$1 " "$T/rows"
}

test_retained_and_released()
{
	period 1
	kext Free "$OPTS_IN"
	kext Other ''	# never opted in
	expect_status 0 kextload "$T/Other.kext" "$T/Free.kext"
	log_has "kext test.Free: nobody used it, it was unloaded"
	expect_text "$T/log" "Free stops"
	loaded Free && fail "kextstat still shows it"
	loaded Other || fail "a kext went that had not opted in"
	# kextd has forgotten it, too: the next load is a first one, and its answer is not "already".
	grep -qF "test.Free was unused and is unloaded" "$T/state/kextd.log" || fail "kextd was not told"
	expect_status 0 kextload "$T/Free.kext"
	expect_text "$T/out" "loaded successfully"
}

test_never()
{
	period 0
	kext Free "$OPTS_IN"
	expect_status 0 kextload "$T/Free.kext"
	sleep 1.3
	loaded Free || fail "it was unloaded"
}

# Situation 39: InvalidArgument and NotFound for no tag and an unknown one; in use while retained.
test_load_tags()
{
	period 1
	kext Tags 'IOLog("%x %x %x\n", OSKextRetainKextWithLoadTag(-1), OSKextRetainKextWithLoadTag(9999),
		OSKextReleaseKextWithLoadTag(9999));
		IOLog("own %x %x\n", OSKextRetainKextWithLoadTag(tag), OSKextRetainKextWithLoadTag(tag));
		OSKextReleaseKextWithLoadTag(tag)'
	make_kext "$T" Frees test.Frees 1.0 <<-'END'
		#include <mach/mach_types.h>
		extern int OSKextReleaseKextWithLoadTag(uint32_t);
		kern_return_t Frees_start(kmod_info_t *k, void *d) { return OSKextReleaseKextWithLoadTag(k->id - 1); }
		kern_return_t Frees_stop(kmod_info_t *k, void *d) { return 0; }
	END
	expect_status 0 kextload "$T/Tags.kext"
	log_has "dc008005 dc008006 dc008006"
	expect_text "$T/log" "own 0 0"
	sleep 1.3
	kextstat -k -l >"$T/rows"
	expect_equal "$(awk '$6 == "test.Tags" { print $2 }' "$T/rows")" 1
	expect_status 3 kextunload -b test.Tags
	expect_text "$T/err" "(libkern/kext) kext is in use or retained (cannot unload)"
	expect_status 0 kextload "$T/Frees.kext"
	log_has "kext test.Tags: nobody used it, it was unloaded"
}

# The last loaded goes first, and with it what only it had held, in one look.
test_chain()
{
	period 1
	kext Low "$OPTS_IN"
	kext Mid "$OPTS_IN; extern int Low_symbol; tag += Low_symbol" '' test.Low=1.0
	kext Top "$OPTS_IN; extern int Mid_symbol; tag += Mid_symbol" '' test.Mid=1.0
	expect_status 0 kextload -d "$T/Low.kext" -d "$T/Mid.kext" "$T/Top.kext"
	log_has "kext test.Low: nobody used it, it was unloaded"
	grep -o "... stops" "$T/log" >"$T/order"
	expect_equal "$(tr '\n' ' ' <"$T/order")" "Top stops Mid stops Low stops "
}

test_stop_may_refuse()
{
	period 1
	kext Stays "$OPTS_IN" 'return 5'
	expect_status 0 kextload "$T/Stays.kext"
	log_has "Stays stops"
	loaded Stays || fail "it was unloaded although it refused"
	expect_no_text "$T/log" "it was unloaded"
}

# kextutil gives its kexts one look more; a listing puts off the look.
test_delayed()
{
	period 1
	kext Free "$OPTS_IN"
	kext Nudge "$OPTS_IN"
	expect_status 0 kextutil -q "$T/Free.kext"
	sleep 1.4
	kdmesg >"$T/log"
	expect_no_text "$T/log" "Free stops"
	expect_status 0 kextload "$T/Nudge.kext"
	for _ in 1 2 3 4 5; do
		loaded Nudge || fail "it went although somebody looked"
		sleep 0.4
	done
	log_has "kext test.Nudge: nobody used it, it was unloaded"
	log_has "kext test.Free: nobody used it, it was unloaded"
}

# A driver's class opts its kext in; its instances keep it, considerUnloads has it looked at.
# The class of this name is the kext's own here, as long as the kernel has none.
test_driver()
{
	period 1
	KEXT_LANGUAGE=cpp make_kext "$T" Driver test.Driver 1.0 <<-'END'
		#include <IOKit/IOLib.h>
		#include <libkern/c++/OSContainers.h>
		#include <mach/mach_types.h>
		#include <sys/sysctl.h>
		class __attribute__((visibility("hidden"))) IOService : public OSObject { OSDeclareDefaultStructors(IOService) };
		class Driver : public IOService { OSDeclareDefaultStructors(Driver) };
		OSDefineMetaClassAndStructors(IOService, OSObject)
		OSDefineMetaClassAndStructors(Driver, IOService)
		static Driver *one;
		static int let_go SYSCTL_HANDLER_ARGS
		{
			OSSafeReleaseNULL(one);
			OSMetaClass::considerUnloads();
			return 0;
		}
		SYSCTL_PROC(_debug, OID_AUTO, let_go, CTLTYPE_INT | CTLFLAG_RW, NULL, 0, let_go, "I", "");
		extern "C" kern_return_t Driver_start(kmod_info_t *k, void *d)
		{
			one = new Driver;
			sysctl_register_oid(&sysctl__debug_let_go);
			OSMetaClass::considerUnloads();
			return 0;
		}
		extern "C" kern_return_t Driver_stop(kmod_info_t *k, void *d)
		{
			sysctl_unregister_oid(&sysctl__debug_let_go);
			return 0;
		}
	END
	expect_status 0 kextload "$T/Driver.kext"
	sleep 1.4
	loaded Driver || fail "it went although its class has an instance"
	ksysctl debug.let_go >/dev/null
	log_has "kext test.Driver: nobody used it, it was unloaded"
}

run_tests
