#!/bin/bash
# as: owners
# kextd as a daemon: detached, alone, idle in the end, and not to be upset by clients or by
# the death of its kernel.
. "$(dirname "$0")/lib.sh"

readonly ID=com.osxbook.kext.DummySysctl

# daemon_pid: the kextd of this test, found by its environment.
daemon_pid()
{
	local entry
	for entry in /proc/[0-9]*; do
		[ "$(cat "$entry/comm" 2>/dev/null)" = kextd ] || continue
		tr '\0' '\n' <"$entry/environ" 2>/dev/null | grep -qx "KEXT_RUNDIR=$T/run" &&
			echo "${entry#/proc/}" && return
	done
	return 0
}

kernel_pid()
{
	pgrep -P "$(daemon_pid)" -x kernel_task
}

test_detached()
{
	dummy_kext "$T"
	exec 7>"$T/inherited"
	kextload "$T/DummySysctl.kext"
	local pid
	pid=$(daemon_pid)
	[ -n "$pid" ] || fail "no daemon"
	readlink /proc/"$pid"/fd/* | grep -F "$T/inherited" && fail "a descriptor was inherited"
	expect_equal "$(readlink /proc/"$pid"/fd/0)" /dev/null
	[ "$(ps -o sid= -p "$pid" | tr -d ' ')" != "$(ps -o sid= -p $$ | tr -d ' ')" ] ||
		fail "the daemon is in our session"
	tr '\0' ' ' <"/proc/$pid/cmdline" >"$T/line"
	expect_text "$T/line" "idle 600"
}

test_leaves_when_idle_and_empty()
{
	dummy_kext "$T"
	kextd --idle 1
	kextload "$T/DummySysctl.kext"
	sleep 2.5
	[ -n "$(daemon_pid)" ] || fail "it left with a kext loaded"
	kextunload -b $ID
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ -z "$(daemon_pid)" ] && return
		sleep 0.5
	done
	fail "it is still there"
}

test_concurrent_clients()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	local jobs=() i
	for i in 1 2 3 4 5 6; do
		(
			for _ in 1 2 3 4 5; do
				kextload -q "$T/DummySysctl.kext" >/dev/null 2>&1 || true
				kextstat >/dev/null || exit 1
				ksysctl -a >/dev/null || exit 1
				kextunload -q -b $ID >/dev/null 2>&1 || true
			done
		) &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do
		wait "$i" || fail "a reader failed"
	done
	kextload "$T/DummySysctl.kext"
	expect_equal "$(kextstat -k -l | wc -l)" 1
}

test_kernel_killed()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	kill -9 "$(kernel_pid)"
	sleep 0.5
	expect_equal "$(kextstat -k -l | wc -l)" 0
	expect_status 0 kextload "$T/DummySysctl.kext"
}

test_daemon_killed()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	local kernel
	kernel=$(kernel_pid)
	kill -9 "$(daemon_pid)"
	sleep 0.5
	[ ! -d "/proc/$kernel" ] || [ "$(cut -d' ' -f3 "/proc/$kernel/stat")" = Z ] ||
		fail "the kernel outlived its daemon"
	expect_equal "$(kextstat -l | wc -l)" 0
	expect_status 0 kextload "$T/DummySysctl.kext"
}

test_kernel_is_in_its_sandbox()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	local status=/proc/$(kernel_pid)/status
	grep -qx 'NoNewPrivs:	1' "$status" || fail "new privileges"
	grep -qx 'Seccomp:	2' "$status" || fail "no system call filter"
	grep -qx 'CapEff:	0000000000000000' "$status" || fail "capabilities"
	grep -qx 'CapPrm:	0000000000000000' "$status" || fail "permitted capabilities"
	# A real root's kernel is somebody else.
	if [ "$(id -u)" = 0 ] && [ "$(wc -l </proc/self/uid_map)" = 1 ] &&
		grep -q 4294967295 /proc/self/uid_map; then
		grep -q '^Uid:	0	' "$status" && fail "the kernel runs as root"
	fi
	true
}

test_restore_after_a_panic()
{
	dummy_kext "$T"
	make_kext "$T" Fault test.fault 1.0 <<-'END'
		#include <mach/mach_types.h>
		int fault_value = 1;
		kern_return_t Fault_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t Fault_stop(kmod_info_t *k, void *d) { *(volatile int *)d = fault_value; return 0; }
	END
	make_kext "$T" Needs test.needs 1.0 test.fault=1.0 <<-'END'
		#include <mach/mach_types.h>
		kern_return_t Needs_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t Needs_stop(kmod_info_t *k, void *d) { return 0; }
	END
	kextd --restore
	kextload -q "$T/DummySysctl.kext" || fail "the sample does not load"
	kextload -q -d "$T/Fault.kext" "$T/Needs.kext" || fail "the others do not load"
	expect_equal "$(kextstat -k -l | wc -l)" 3
	expect_status 0 kextunload -q -b test.needs
	kextload -q -d "$T/Fault.kext" "$T/Needs.kext" || fail "it does not load again"
	# A start that faults takes the kernel down with all three loaded.
	make_kext "$T" Null test.null 1.0 <<-'END'
		#include <mach/mach_types.h>
		kern_return_t Null_start(kmod_info_t *k, void *d) { return *(volatile int *)d; }
		kern_return_t Null_stop(kmod_info_t *k, void *d) { return 0; }
	END
	expect_status 70 kextload "$T/Null.kext"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(kextstat -k -l | wc -l)" = 3 ] && break
		sleep 0.2
	done
	expect_equal "$(kextstat -k -l | sort -k6 | awk '{print $6}' | tr '\n' ' ')" \
		"$ID test.fault test.needs "
	# The culprit does not come back.
	kextunload -q -b test.needs
	expect_status 70 kextunload -b test.fault
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(kextstat -k -l | wc -l)" = 1 ] && break
		sleep 0.2
	done
	sleep 0.5
	expect_equal "$(kextstat -k -l | awk '{print $6}')" $ID
}

test_foreign_run_folder_is_refused()
{
	dummy_kext "$T"
	mkdir "$T/run"
	chmod 777 "$T/run"
	kextload "$T/DummySysctl.kext" 2>"$T/err" && fail "an open run folder was used"
	expect_text "$T/err" "$T/run"
	rmdir "$T/run"
	ln -s "$T" "$T/run"
	kextload "$T/DummySysctl.kext" 2>"$T/err" && fail "a symlink was used as run folder"
	expect_text "$T/err" "$T/run"
	rm "$T/run"
}

test_garbage_on_the_socket()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	python3 - "$T/run" <<-'END'
		import glob, os, random, socket, stat, struct, sys
		random.seed(4)
		path = next(p for p in glob.glob(sys.argv[1] + "/*") if stat.S_ISSOCK(os.stat(p).st_mode))
		header = lambda kind, size, version=1: struct.pack("<IHHQII", 0x5246584B, version, kind, 7, 0, size)
		for data in [b"GET / HTTP/1.0\r\n\r\n", b"\0" * 100, header(1, 0xffffffff), header(1, 8, 99) + b"x" * 8,
		             header(2, 64) + bytes(random.randrange(256) for _ in range(64)), header(3, 1000) + b"short"] + \
		            [header(k, 32) + bytes(random.randrange(256) for _ in range(32)) for k in range(40)]:
		    s = socket.socket(socket.AF_UNIX)
		    s.settimeout(2)
		    s.connect(path)
		    try:
		        s.sendall(data)
		        s.recv(4096)
		    except OSError:
		        pass
		    s.close()
	END
	expect_equal "$(kextstat -k -l | wc -l)" 1
}

run_tests
