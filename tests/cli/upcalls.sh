#!/bin/bash
# as: owners
# What kexts ask of kextd while they run: other kexts, and resources of bundles.
. "$(dirname "$0")/lib.sh"

# log_has TEXT: within three seconds.
log_has()
{
	local i
	for i in {1..30}; do
		kdmesg >"$T/log"
		grep -qF -- "$1" "$T/log" && return
		sleep 0.1
	done
	cat "$T/log" >&2
	fail "'$1' does not come into the log"
}

# kextd_log TEXT COUNT: so many lines of kextd's own log have it, within three seconds.
kextd_log()
{
	local i
	for i in {1..30}; do
		[ "$(grep -cF -- "$1" "$T/state/kextd.log")" = "$2" ] && return
		sleep 0.1
	done
	cat "$T/state/kextd.log" >&2
	fail "'$1' is not in kextd's log $2 times"
}

# wants_kext: Wants.kext, whose start asks for test.bad, which panics, in folder $T/there.
wants_kext()
{
	mkdir "$T/there"
	make_kext "$T" Wants test.wants 1.0 <<-'END'
		#include <mach/mach_types.h>
		extern int OSKextLoadKextWithIdentifier(const char *);
		kern_return_t Wants_start(kmod_info_t *k, void *d)
		{
			OSKextLoadKextWithIdentifier("test.bad");
			return 0;
		}
		kern_return_t Wants_stop(kmod_info_t *k, void *d) { return 0; }
	END
	make_kext "$T/there" Bad test.bad 1.0 <<-'END'
		#include <mach/mach_types.h>
		kern_return_t Bad_start(kmod_info_t *k, void *d) { return *(volatile int *)8; }
		kern_return_t Bad_stop(kmod_info_t *k, void *d) { return 0; }
	END
}

# A kext whose code ended two kernels is loaded by a person only, by every later kextd.
test_refused_after_two_panics()
{
	wants_kext
	kextd -r "$T/there" --idle 600
	kextload "$T/Wants.kext" >"$T/out" 2>&1 || :	# the panic may come before the answer
	kextd_log "its report:" 1
	kextload "$T/Wants.kext" >"$T/out" 2>&1 || :
	kextd_log "its report:" 2
	expect_status 0 kextload "$T/Wants.kext"
	kextd_log "test.bad is wanted by a kext but was the cause of two panics: not loaded" 1
	kextd --shutdown
	kextd -r "$T/there" --idle 600
	expect_status 0 kextload "$T/Wants.kext"
	kextd_log "test.bad is wanted by a kext but was the cause of two panics: not loaded" 2
	kextd_log "its report:" 2
	expect_equal "$(cat "$T/state/culprits")" "2 test.bad"
	kextstat -l >"$T/rows"
	expect_text "$T/rows" test.wants
	# A person's wish counts.
	expect_status 70 kextload "$T/there/Bad.kext"
	expect_equal "$(cat "$T/state/culprits")" "3 test.bad"
	# Without the file all is forgiven.
	kextd --shutdown
	rm "$T/state/culprits"
	kextd -r "$T/there" --idle 600
	kextload "$T/Wants.kext" >"$T/out" 2>&1 || :
	kextd_log "its report:" 4
}

# A file that somebody edited is no obstacle.
test_damaged_list_of_culprits()
{
	dummy_kext "$T"
	kextd --idle 600
	kextd --shutdown
	printf '\nx\n-1 a\n99999999999 b\n2\n2 test.good extra\n%02000d c\n\0\n' 1 >"$T/state/culprits"
	kextd --idle 600
	expect_status 0 kextload "$T/DummySysctl.kext"
}

# What a kext asks for is text in kextd's log, not lines of it.
test_log_is_not_forged()
{
	make_kext "$T" Forges test.forges 1.0 <<-'END'
		#include <mach/mach_types.h>
		extern int OSKextLoadKextWithIdentifier(const char *);
		kern_return_t Forges_start(kmod_info_t *k, void *d)
		{
			OSKextLoadKextWithIdentifier("no.kext\n2020-01-01 a lie\033[2J");
			return 0;
		}
		kern_return_t Forges_stop(kmod_info_t *k, void *d) { return 0; }
	END
	expect_status 0 kextload "$T/Forges.kext"
	kextd_log "no.kext?2020-01-01 a lie?[2J is wanted by a kext" 1
	grep -q '^2020-01-01' "$T/state/kextd.log" && fail "a kext wrote a line"
	true
}

# asks_kext: Asks.kext, which asks for resources by name and logs what comes.
asks_kext()
{
	make_kext "$T" Asks test.asks 1.0 <<-'END'
		#include <libkern/libkern.h>
		#include <mach/mach_types.h>
		extern int OSKextRequestResource(const char *, const char *,
			void (*)(uint32_t, int, const void *, uint32_t, void *), void *, uint32_t *);
		static void take(uint32_t tag, int result, const void *data, uint32_t size, void *name)
		{
			printf("%s: 0x%x, %u bytes: %.*s\n", (char *)name, result, size, (int)size, (char *)data);
		}
		static void ask(const char *name)
		{
			uint32_t tag;
			int result = OSKextRequestResource("test.asks", name, take, (void *)name, &tag);
			if (result)
				printf("%s: refused at once, 0x%x\n", name, result);
		}
		kern_return_t Asks_start(kmod_info_t *k, void *d)
		{
			ask("hello.txt");
			ask("deep/er.txt");
			ask("none.txt");
			ask("../Info.plist");
			ask("link.txt");
			return 0;
		}
		kern_return_t Asks_stop(kmod_info_t *k, void *d) { return 0; }
	END
	local resources=$T/Asks.kext/Contents/Resources
	mkdir -p "$resources/deep"
	printf 'good day' >"$resources/hello.txt"
	printf 'below' >"$resources/deep/er.txt"
	printf 'secret' >"$T/outside.txt"
	ln -s "$T/outside.txt" "$resources/link.txt"
}

# Results are Darwin's: kOSKextReturnNotFound 0xdc008006.
test_resources()
{
	asks_kext
	expect_status 0 kextload "$T/Asks.kext"
	log_has "hello.txt: 0x0, 8 bytes: good day"
	log_has "deep/er.txt: 0x0, 5 bytes: below"
	log_has "none.txt: 0xdc008006, 0 bytes: "
	log_has "../Info.plist: 0xdc008006, 0 bytes: "
	log_has "link.txt: 0xdc008006, 0 bytes: "
	expect_status 0 kextunload -b test.asks	# nothing is owed to it
	kdmesg >"$T/log"
	expect_no_text "$T/log" secret
}

# kOSKextReturnAuthentication, as for any file of a bundle that others may write.
test_resource_that_others_may_write()
{
	make_kext "$T" Late test.late 1.0 <<-'END'
		#include <libkern/libkern.h>
		#include <mach/mach_types.h>
		#include <sys/sysctl.h>
		extern int OSKextRequestResource(const char *, const char *,
			void (*)(uint32_t, int, const void *, uint32_t, void *), void *, uint32_t *);
		static void take(uint32_t tag, int result, const void *data, uint32_t size, void *name)
		{
			printf("late: 0x%x, %u bytes\n", result, size);
		}
		static int ask SYSCTL_HANDLER_ARGS
		{
			return OSKextRequestResource("test.late", "open.txt", take, 0, 0);
		}
		SYSCTL_PROC(_debug, OID_AUTO, ask, CTLTYPE_INT | CTLFLAG_RD, 0, 0, ask, "I", "");
		kern_return_t Late_start(kmod_info_t *k, void *d) { sysctl_register_oid(&sysctl__debug_ask); return 0; }
		kern_return_t Late_stop(kmod_info_t *k, void *d) { sysctl_unregister_oid(&sysctl__debug_ask); return 0; }
	END
	mkdir "$T/Late.kext/Contents/Resources"
	printf x >"$T/Late.kext/Contents/Resources/open.txt"
	expect_status 0 kextload "$T/Late.kext"
	chmod 666 "$T/Late.kext/Contents/Resources/open.txt"	# checked again when asked for
	ksysctl debug.ask >"$T/out" 2>&1 || :
	log_has "late: 0xdc00800d, 0 bytes"
}

run_tests
