#!/bin/bash
# as: owners
# What goes wrong: each case gives one clear message, the documented exit status, loses
# nothing, and leaves a usable daemon with a usable kernel.
. "$(dirname "$0")/lib.sh"

readonly ID=com.osxbook.kext.DummySysctl

# still_usable: the sample loads and unloads, whatever happened before.
still_usable()
{
	mkdir -p "$T/good"
	[ -d "$T/good/DummySysctl.kext" ] || dummy_kext "$T/good"
	expect_status 0 kextload "$T/good/DummySysctl.kext"
	expect_status 0 kextunload -b $ID
}

# refuse STATUS TEXT COMMAND…: that status, and a message on stderr that holds the text.
refuse()
{
	local status=$1 text=$2
	shift 2
	expect_status "$status" "$@"
	expect_text "$T/err" "$text"
	expect_no_text "$T/out" "loaded successfully"
}

test_missing_path()
{
	refuse 71 "$T/no.kext" kextload "$T/no.kext"
	still_usable
}

test_no_bundle()
{
	mkdir "$T/folder.kext" "$T/plain"
	refuse 71 Info.plist kextload "$T/folder.kext"
	refuse 71 .kext kextload "$T/plain"
	still_usable
}

test_broken_property_list()
{
	dummy_kext "$T"
	printf '<plist><dict><key>a</key>' >"$T/DummySysctl.kext/Contents/Info.plist"
	refuse 71 Info.plist kextload "$T/DummySysctl.kext"
	still_usable
}

test_oversized_property_list()
{
	dummy_kext "$T"
	head -c 3000000 /dev/zero | tr '\0' ' ' >>"$T/DummySysctl.kext/Contents/Info.plist"
	refuse 71 Info.plist kextload "$T/DummySysctl.kext"
	still_usable
}

test_truncated_executable()
{
	dummy_kext "$T"
	local file=$T/DummySysctl.kext/Contents/MacOS/DummySysctl
	truncate -s 5000 "$file"
	refuse 71 DummySysctl kextload "$T/DummySysctl.kext"
	truncate -s 100 "$file"
	refuse 71 DummySysctl kextload "$T/DummySysctl.kext"
	: >"$file"
	refuse 71 DummySysctl kextload "$T/DummySysctl.kext"
	still_usable
}

test_other_architecture()
{
	dummy_kext "$T"
	printf '\x0c\x00\x00\x01' | dd of="$T/DummySysctl.kext/Contents/MacOS/DummySysctl" \
		bs=1 seek=4 conv=notrunc status=none
	refuse 71 arm64 kextload "$T/DummySysctl.kext"
	still_usable
}

test_no_mach_o()
{
	dummy_kext "$T"
	cp /bin/true "$T/DummySysctl.kext/Contents/MacOS/DummySysctl"
	refuse 71 DummySysctl kextload "$T/DummySysctl.kext"
	still_usable
}

test_unresolved_symbol()
{
	make_kext "$T" Needs test.needs 1.0 <<-'END'
		#include <mach/mach_types.h>
		extern int nobody_has_this(void);
		kern_return_t Needs_start(kmod_info_t *k, void *d) { return nobody_has_this(); }
		kern_return_t Needs_stop(kmod_info_t *k, void *d) { return 0; }
	END
	refuse 71 nobody_has_this kextload "$T/Needs.kext"
	expect_text "$T/err" "failed to load - (libkern/kext) link error"
	still_usable
}

test_symbol_that_the_kernel_lacks()
{
	make_kext "$T" Lacks test.lacks 1.0 <<-'END'
		#include <mach/mach_types.h>
		extern int buf_flushdirtyblks(void *);
		kern_return_t Lacks_start(kmod_info_t *k, void *d) { return d ? buf_flushdirtyblks(d) : 0; }
		kern_return_t Lacks_stop(kmod_info_t *k, void *d) { return 0; }
	END
	refuse 71 buf_flushdirtyblks kextload "$T/Lacks.kext"
	expect_status 0 kextload --allow-missing "$T/Lacks.kext"
	expect_status 0 kextunload -b test.lacks
	still_usable
}

test_missing_and_too_old_library()
{
	printf '#include <mach/mach_types.h>\n%s' "kern_return_t Lib_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t Lib_stop(kmod_info_t *k, void *d) { return 0; }" |
		make_kext "$T" Lib test.lib 2.0
	printf '#include <mach/mach_types.h>\n%s' "kern_return_t User_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t User_stop(kmod_info_t *k, void *d) { return 0; }" |
		make_kext "$T" User test.user 1.0 test.lib=3.0
	refuse 71 "no compatible dependency found for" kextload "$T/User.kext"
	expect_text "$T/err" test.lib
	refuse 71 "no compatible dependency found for" kextload -d "$T/Lib.kext" "$T/User.kext"
	expect_text "$T/err" 3.0
	expect_text "$T/err" 2.0
	still_usable
}

test_wrong_mode()
{
	dummy_kext "$T"
	chmod 666 "$T/DummySysctl.kext/Contents/Info.plist"
	refuse 71 Info.plist kextload "$T/DummySysctl.kext"
	expect_text "$T/err" "authentication failure"
	chmod 644 "$T/DummySysctl.kext/Contents/Info.plist"
	chmod 775 "$T/DummySysctl.kext/Contents/MacOS"
	refuse 71 MacOS kextload "$T/DummySysctl.kext"
	chmod 755 "$T/DummySysctl.kext/Contents/MacOS"
	expect_status 0 kextload "$T/DummySysctl.kext"
}

test_wrong_owner()
{
	# Only a real root can give files away.
	if [ "$(id -u)" != 0 ] || ! chown 1234 "$T" 2>/dev/null; then
		# A user cannot make a foreign file; what others may write is refused all the same.
		dummy_kext "$T"
		chmod o+w "$T/DummySysctl.kext"
		refuse 71 DummySysctl.kext kextload "$T/DummySysctl.kext"
		return
	fi
	chown 0 "$T"
	dummy_kext "$T"
	chown 1234 "$T/DummySysctl.kext/Contents/MacOS/DummySysctl"
	refuse 71 1234 kextload "$T/DummySysctl.kext"
	still_usable
}

test_other_kext_of_the_same_identifier()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	make_kext "$T" Other $ID 2.0 <<-'END'
		#include <mach/mach_types.h>
		kern_return_t Other_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t Other_stop(kmod_info_t *k, void *d) { return 0; }
	END
	refuse 71 "different version/uuid already loaded" kextload "$T/Other.kext"
	expect_status 0 kextunload -b $ID
	expect_status 0 kextload "$T/Other.kext"
}

test_start_fails()
{
	make_kext "$T" Fails test.fails 1.0 <<-'END'
		#include <mach/mach_types.h>
		kern_return_t Fails_start(kmod_info_t *k, void *d) { return KERN_FAILURE; }
		kern_return_t Fails_stop(kmod_info_t *k, void *d) { return 0; }
	END
	refuse 71 "kext (kmod) start/stop routine failed" kextload "$T/Fails.kext"
	kextstat -k -l >"$T/rows"
	expect_equal "$(wc -l <"$T/rows")" 0
	still_usable
}

test_stop_fails()
{
	make_kext "$T" Stays test.stays 1.0 <<-'END'
		#include <mach/mach_types.h>
		static int asked;
		kern_return_t Stays_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t Stays_stop(kmod_info_t *k, void *d) { return asked++ ? 0 : KERN_FAILURE; }
	END
	expect_status 0 kextload "$T/Stays.kext"
	kextunload -b test.stays 2>"$T/err" && fail "unloaded against its stop routine"
	expect_text "$T/err" "start/stop routine failed"
	kextstat -l -b test.stays >"$T/rows"
	expect_equal "$(wc -l <"$T/rows")" 1
	expect_status 0 kextunload -b test.stays
}

# panics COMMAND…: status 70, and the report that stderr names says what the rest demands.
panics()
{
	expect_status 70 "$@"
	report=$(grep -oE '/[^ ]*/reports?/[^ ]+[^ .,:;)]' "$T/err" | head -1)
	[ -f "$report" ] || { cat "$T/err"; fail "stderr names no report"; }
}

test_null_in_start()
{
	make_kext "$T" Null test.null 1.0 <<-'END'
		#include <mach/mach_types.h>
		__attribute__((noinline)) static int culprit(volatile int *p) { return *p; }
		kern_return_t Null_start(kmod_info_t *k, void *d) { return culprit((int *)d) + 1; }
		kern_return_t Null_stop(kmod_info_t *k, void *d) { return 0; }
	END
	panics kextload "$T/Null.kext"
	expect_text "$report" test.null
	expect_text "$report" culprit
	kextstat -k -l >"$T/rows"
	expect_equal "$(wc -l <"$T/rows")" 0
	still_usable
}

test_null_in_stop()
{
	make_kext "$T" Null test.null 1.0 <<-'END'
		#include <mach/mach_types.h>
		kern_return_t Null_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t Null_stop(kmod_info_t *k, void *d) { *(volatile int *)d = 1; return 0; }
	END
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext" "$T/Null.kext"
	panics kextunload -b test.null
	expect_text "$report" Null_stop
	kextstat -k -l >"$T/rows"	# a fresh, empty kernel
	expect_equal "$(wc -l <"$T/rows")" 0
	still_usable
}

test_panic_and_missing_symbol()
{
	make_kext "$T" Panics test.panics 1.0 <<-'END'
		#include <kern/debug.h>
		#include <mach/mach_types.h>
		kern_return_t Panics_start(kmod_info_t *k, void *d) { panic("on purpose %d", 4711); }
		kern_return_t Panics_stop(kmod_info_t *k, void *d) { return 0; }
	END
	panics kextload "$T/Panics.kext"
	expect_text "$report" "on purpose 4711"
	make_kext "$T" Trap test.trap 1.0 <<-'END'
		#include <mach/mach_types.h>
		extern int buf_flushdirtyblks(void *);
		kern_return_t Trap_start(kmod_info_t *k, void *d) { return buf_flushdirtyblks(d); }
		kern_return_t Trap_stop(kmod_info_t *k, void *d) { return 0; }
	END
	panics kextload --allow-missing "$T/Trap.kext"
	expect_text "$report" buf_flushdirtyblks
	still_usable
}

test_raw_system_call()
{
	make_kext "$T" Exec test.exec 1.0 <<-'END'
		#include <mach/mach_types.h>
		kern_return_t Exec_start(kmod_info_t *k, void *d)
		{
			long result = 59;	/* Linux's execve */
			__asm__ volatile("syscall" : "+a"(result) : "D"("/bin/sh"), "S"(0), "d"(0) : "rcx", "r11", "memory");
			return (kern_return_t)result;
		}
		kern_return_t Exec_stop(kmod_info_t *k, void *d) { return 0; }
	END
	panics kextload "$T/Exec.kext"
	expect_text "$report" "forbidden system call execve (59) at 0x"
	expect_text "$report" " : test.exec + 0x"
	still_usable
}

test_endless_start_times_out()
{
	make_kext "$T" Endless test.endless 1.0 <<-'END'
		#include <mach/mach_types.h>
		kern_return_t Endless_start(kmod_info_t *k, void *d)
		{
			for (volatile int i = 0;; i++)
				;
		}
		kern_return_t Endless_stop(kmod_info_t *k, void *d) { return 0; }
	END
	expect_status 75 kextload --timeout 1 "$T/Endless.kext"
	expect_text "$T/err" report
	still_usable
}

test_usage_errors()
{
	expect_status 64 kextload --no-such-option
	expect_status 64 kextload
	expect_status 64 kextunload --no-such-option
	expect_status 64 kextunload
	expect_status 64 kextcache --no-such-option
	expect_status 64 mkextunpack --no-such-option x
	expect_status 64 kdmesg --no-such-option
	expect_status 64 ksysctl --no-such-option
	expect_status 64 kextd --no-such-option
	local program
	for program in kextload kextunload kextstat kextcache mkextunpack kextd kdmesg ksysctl; do
		expect_status 0 "$program" --help
		expect_text "$T/out" "$program"
	done
}

test_unload_of_what_is_not_loaded()
{
	dummy_kext "$T"
	kextunload -b no.such.kext 2>"$T/err" && fail "unloaded nothing"
	expect_text "$T/err" no.such.kext
	kextload "$T/DummySysctl.kext"
	kextunload -b no.such.kext 2>"$T/err" && fail "unloaded nothing"
	expect_text "$T/err" no.such.kext
	kextunload "$T/none.kext" 2>"$T/err" && fail "unloaded nothing"
	expect_text "$T/err" none.kext
}

run_tests
