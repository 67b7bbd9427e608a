#!/bin/bash
# as: owners
# The life of a kext: build, load, see, use, unload; and what a good day looks like otherwise.
. "$(dirname "$0")/lib.sh"

readonly ID=com.osxbook.kext.DummySysctl

test_load_see_unload()
{
	dummy_kext "$T"
	expect_status 0 kextload "$T/DummySysctl.kext"
	expect_equal "$(cat "$T/out")" "kextload: $T/DummySysctl.kext loaded successfully"
	expect_equal "$(cat "$T/err")" ""
	expect_status 0 kextstat -k
	expect_text "$T/out" "$ID (1.0d1)"	# the canonical form of 1.0.0d1
	expect_status 0 kdmesg
	expect_text "$T/out" DummySysctl_start
	expect_status 0 kextunload "$T/DummySysctl.kext"
	expect_status 0 kextstat -k
	expect_no_text "$T/out" "$ID"
	expect_status 0 kdmesg
	expect_text "$T/out" DummySysctl_stop
}

test_kextstat_row()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	expect_status 0 kextstat
	expect_equal "$(head -1 "$T/out")" \
		"Index Refs Address            Size       Wired      Name (Version) UUID <Linked Against>"
	python3 - "$T/out" "$T/DummySysctl.kext/Contents/MacOS/DummySysctl" <<-'END'
		import re, struct, sys
		lines = open(sys.argv[1]).read().splitlines()[1:]
		row = next(l for l in lines if "DummySysctl" in l)
		m = re.fullmatch(r"( *\d+) ( *\d+) (0x[0-9a-f]+) +(0x[0-9a-f]+) +(0x[0-9a-f]+) +"
		                 r"(\S+) \((\S+)\) ([0-9A-F-]{36}) <([\d ]+)>", row)
		assert m, row
		assert len(m[1]) == 5 and len(m[2]) == 4, row
		address, size = int(m[3], 16), int(m[4], 16)
		assert 0x200010000000 <= address < 0x200050000000 and address % 4096 == 0, row
		data = open(sys.argv[2], "rb").read()
		uuid, at, total = None, 32, 0
		for _ in range(struct.unpack_from("<I", data, 16)[0]):
		    cmd, length = struct.unpack_from("<II", data, at)
		    if cmd == 0x1b:
		        uuid = data[at + 8:at + 24].hex().upper()
		    if cmd == 0x19 and data[at + 8:at + 24].rstrip(b"\0") != b"__LINKEDIT":
		        total += struct.unpack_from("<Q", data, at + 32)[0]
		    at += length
		assert m[8].replace("-", "") == uuid, row
		assert size >= total and size % 4096 == 0, (size, total)
		tags = [int(t) for t in m[9].split()]
		assert tags == sorted(tags, reverse=True), row
		names = {l.split()[0]: l.split()[5] for l in lines}
		assert sorted(names[str(t)] for t in tags) == ["com.apple.kpi.bsd", "com.apple.kpi.libkern"], row
	END
}

test_kextstat_options()
{
	dummy_kext "$T"
	expect_status 0 kextstat	# nothing runs: an empty list is the true answer
	expect_equal "$(wc -l <"$T/out")" 1
	[ ! -e "$T/run/kextd.pid" ] && ! pgrep -f "$T/run" >/dev/null || fail "kextstat started a daemon"
	kextload "$T/DummySysctl.kext"
	kextstat -k -l >"$T/rows"
	expect_equal "$(wc -l <"$T/rows")" 1
	kextstat -l -b com.apple.kpi.bsd -b $ID >"$T/rows"
	expect_equal "$(wc -l <"$T/rows")" 2
	kextstat -l -b no.such.kext >"$T/rows"
	expect_equal "$(wc -l <"$T/rows")" 0
	expect_status 64 kextstat extra
	expect_status 64 kextstat --no-such-option
	kextstat --json | python3 -c 'import json, sys; json.load(sys.stdin)'
	kextstat | head -1 >/dev/null
}

test_sysctl()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	expect_equal "$(ksysctl debug.dummy)" "debug.dummy: 42"
	expect_equal "$(ksysctl -n debug.dummy)" 42
	expect_status 0 ksysctl -q debug.dummy=-6
	expect_equal "$(cat "$T/out")" ''
	expect_status 0 ksysctl debug.dummy=-7
	expect_equal "$(ksysctl -n debug.dummy)" -7
	expect_status 0 ksysctl debug.dummy_name="a longer name"
	expect_equal "$(ksysctl -n debug.dummy_name)" "a longer name"
	expect_equal "$(ksysctl -n kern.ostype)" Darwin
	expect_equal "$(ksysctl -n kern.osrelease)" 19.6.0
	ksysctl -a >"$T/all"
	expect_text "$T/all" debug.dummy:
	expect_text "$T/all" kern.osrelease:
	ksysctl no.such.name 2>"$T/err" && fail "an unknown name succeeded"
	expect_text "$T/err" no.such.name
	ksysctl debug.dummy=text 2>"$T/err" && fail "text for an integer succeeded"
	ksysctl kern.ostype=Linux 2>"$T/err" && fail "a read-only name was written"
	ksysctl debug.dummy_name="$(printf '%100s' x)" 2>"$T/err" && fail "64 bytes held 100"
	kextunload -b $ID
	ksysctl debug.dummy 2>"$T/err" && fail "the name outlived its kext"
	true
}

test_load_by_identifier_and_repository()
{
	mkdir "$T/repository"
	dummy_kext "$T/repository"
	expect_status 0 kextload -r "$T/repository" -b $ID
	expect_equal "$(cat "$T/out")" "kextload: $ID loaded successfully"
	expect_status 0 kextunload -b $ID
	expect_status 71 kextload -b no.such.kext
	expect_text "$T/err" no.such.kext
}

test_loaded_already()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	expect_status 0 kextload "$T/DummySysctl.kext"
	cat "$T/out" "$T/err" >"$T/both"
	expect_text "$T/both" already
	kextstat -l -b $ID >"$T/rows"
	expect_equal "$(wc -l <"$T/rows")" 1
}

test_returns_at_once_in_pipes()
{
	dummy_kext "$T"
	local start=$SECONDS
	kextload "$T/DummySysctl.kext" | cat >"$T/piped"
	text=$(kextload "$T/DummySysctl.kext" 2>&1)
	[ $((SECONDS - start)) -lt 10 ] || fail "a pipe was held open"
	expect_text "$T/piped" "loaded successfully"
}

test_two_clients_start_one_daemon()
{
	dummy_kext "$T"
	for i in 1 2 3 4; do
		kextload "$T/DummySysctl.kext" >"$T/out$i" 2>&1 &
	done
	wait
	kextstat -l -b $ID >"$T/rows"
	expect_equal "$(wc -l <"$T/rows")" 1
	grep -l "loaded successfully\|already" "$T"/out? | wc -l | grep -qx 4 || {
		cat "$T"/out?
		fail "one of four clients failed"
	}
}

test_run_folder_longer_than_a_socket_address()
{
	local long
	long=$T/$(printf 'x%.0s' {1..120})/$(printf 'y%.0s' {1..120})
	mkdir -p "$long"
	chmod 700 "$long"
	dummy_kext "$T"
	KEXT_RUNDIR=$long/run expect_status 0 kextload "$T/DummySysctl.kext"
	KEXT_RUNDIR=$long/run kextstat -l -b $ID >"$T/rows"
	expect_equal "$(wc -l <"$T/rows")" 1
	KEXT_RUNDIR=$long/run kextd --shutdown
}

test_dependencies_and_references()
{
	make_kext "$T" Lib test.lib 2.0 <<-'END'
		#include <mach/mach_types.h>
		int lib_answer(void) { return 41; }
		kern_return_t Lib_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t Lib_stop(kmod_info_t *k, void *d) { return 0; }
	END
	make_kext "$T" User test.user 1.0 test.lib=1.5 <<-'END'
		#include <IOKit/IOLib.h>
		extern int lib_answer(void);
		kern_return_t User_start(kmod_info_t *k, void *d)
		{
			IOLog("answer %d\n", lib_answer() + 1);
			return 0;
		}
		kern_return_t User_stop(kmod_info_t *k, void *d) { return 0; }
	END
	expect_status 0 kextload -d "$T/Lib.kext" "$T/User.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" "answer 42"
	kextstat -l -b test.lib >"$T/row"
	expect_equal "$(awk '{print $2}' "$T/row")" 1
	kextunload -b test.lib 2>"$T/err" && fail "a library in use was unloaded"
	expect_text "$T/err" "(libkern/kext) kext is in use or retained (cannot unload)"
	expect_status 0 kextunload -b test.user
	expect_status 0 kextunload -b test.lib
	kextstat -k -l >"$T/rows"
	expect_equal "$(wc -l <"$T/rows")" 0
}

test_kext_asks_for_a_kext_while_it_starts()
{
	export KEXT_ROOT=$T/root
	local repository=$KEXT_ROOT/System/Library/Extensions
	mkdir -p "$repository"
	make_kext "$repository" Wanted test.wanted 1.0 <<-'END'
		#include <libkern/libkern.h>
		#include <mach/mach_types.h>
		kern_return_t Wanted_start(kmod_info_t *k, void *d) { printf("wanted is here\n"); return 0; }
		kern_return_t Wanted_stop(kmod_info_t *k, void *d) { return 0; }
	END
	make_kext "$repository" Asker test.asker 1.0 <<-'END'
		#include <IOKit/IOLib.h>
		#include <libkern/OSKextLib.h>
		kern_return_t Asker_start(kmod_info_t *k, void *d)
		{
			OSReturn result = OSKextLoadKextWithIdentifier("test.wanted");
			IOLog("asked: 0x%x\n", (unsigned)result);
			IOSleep(300);
			return 0;
		}
		kern_return_t Asker_stop(kmod_info_t *k, void *d) { return 0; }
	END
	expect_status 0 kextload -b test.asker
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(kextstat -l -b test.wanted | wc -l)" = 1 ] && break
		sleep 0.2
	done
	kdmesg >"$T/log"
	expect_text "$T/log" "wanted is here"
}

test_log_can_be_followed()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	timeout 20 kdmesg -w >"$T/followed" &
	follower=$!
	sleep 0.3
	kextunload -b $ID
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		grep -q DummySysctl_stop "$T/followed" && break
		sleep 0.2
	done
	kill $follower
	expect_text "$T/followed" DummySysctl_stop
}

test_status_restart_shutdown()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	expect_status 0 kextd --status
	expect_status 0 kextd --restart
	kextstat -k -l >"$T/rows"
	expect_equal "$(wc -l <"$T/rows")" 0
	expect_status 0 kextload "$T/DummySysctl.kext"
	expect_status 0 kextd --shutdown
	expect_status 0 kextstat
	expect_equal "$(wc -l <"$T/out")" 1
}

test_standard_descriptors_that_came_closed()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	local status=0
	kdmesg <&- >&- 2>"$T/err" || status=$?
	expect_equal "$status" 74	# nowhere to print to; the daemon is not to blame
	expect_no_text "$T/err" "cannot be reached"
	kextstat <&- >"$T/rows"
	expect_text "$T/rows" $ID
}

test_boot_arguments_reach_kexts()
{
	make_kext "$T" Args test.args 1.0 <<-'END'
		#include <IOKit/IOLib.h>
		#include <pexpert/pexpert.h>
		kern_return_t Args_start(kmod_info_t *k, void *d)
		{
			int level = 0;
			PE_parse_boot_argn("testlevel", &level, sizeof(level));
			IOLog("level is %d\n", level);
			return 0;
		}
		kern_return_t Args_stop(kmod_info_t *k, void *d) { return 0; }
	END
	KEXT_BOOTARGS="-x testlevel=0x17" expect_status 0 kextload "$T/Args.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" "level is 23"
}

test_cancel_with_control_c()
{
	make_kext "$T" Endless test.endless 1.0 <<-'END'
		#include <IOKit/IOLib.h>
		kern_return_t Endless_start(kmod_info_t *k, void *d)
		{
			for (volatile int i = 0;; i++)
				;
			return 0;
		}
		kern_return_t Endless_stop(kmod_info_t *k, void *d) { return 0; }
	END
	local status=0
	# A background job of a script ignores SIGINT; python gives it back.
	python3 - "$T/Endless.kext" >"$T/out" 2>"$T/err" <<-'END' || status=$?
		import signal, subprocess, sys, time
		child = subprocess.Popen(["kextload", sys.argv[1]],
		                         preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
		time.sleep(1.5)
		child.send_signal(signal.SIGINT)
		sys.exit(child.wait(timeout=20))
	END
	expect_equal "$status" 130
	dummy_kext "$T"
	expect_status 0 kextload "$T/DummySysctl.kext"
}

run_tests
