#!/bin/bash
# as: owners
# The files that kexts see: one folder, from which nothing leads out.
. "$(dirname "$0")/lib.sh"

# files_kext: Files.kext, whose start reads the file that the boot argument list names, and
# does what each line says: r PATH, w PATH, c PATH (both make it), l PATH (a link itself); logs
# "LINE: error", with the content of what was read or the type of what was looked up.
files_kext()
{
	make_kext "$T" Files test.files 1.0 <<-'END'
		#include <libkern/libkern.h>
		#include <mach/mach_types.h>
		#include <pexpert/pexpert.h>
		#include <sys/proc.h>
		#include <sys/vnode.h>
		static char list[65536], content[64];
		static int read_file(vnode_t vnode, char *to, int size)
		{
			int left = size;
			int error = vn_rdwr(UIO_READ, vnode, to, size - 1, 0, UIO_SYSSPACE, 0,
					    kauth_cred_get(), &left, current_proc());
			to[error ? 0 : size - 1 - left] = 0;
			return error;
		}
		static void obey(const char *line)
		{
			vnode_t vnode = NULL;
			int error, mode = *line == 'w' || *line == 'c' ? FWRITE | O_CREAT : FREAD;
			content[0] = 0;
			if (*line == 'l') {
				error = vnode_lookup(line + 2, VNODE_LOOKUP_NOFOLLOW, &vnode, NULL);
				if (!error) {
					snprintf(content, sizeof(content), "type %d", vnode_vtype(vnode));
					vnode_put(vnode);
				}
			} else {
				error = vnode_open(line + 2, mode, 06777, 0, &vnode, NULL);
				if (!error && *line == 'r')
					error = read_file(vnode, content, sizeof(content));
				if (!error && *line == 'w')
					error = vn_rdwr(UIO_WRITE, vnode, (char *)"written", 7, 0, UIO_SYSSPACE,
							0, kauth_cred_get(), NULL, current_proc());
				if (vnode)
					vnode_close(vnode, mode & (FREAD | FWRITE), NULL);
			}
			printf("%.40s: %d %s\n", line, error, content);
		}
		kern_return_t Files_start(kmod_info_t *k, void *d)
		{
			char path[256] = "";
			vnode_t vnode;
			PE_parse_boot_argn("list", path, sizeof(path));
			if (vnode_lookup(path, 0, &vnode, NULL) != 0 ||
			    read_file(vnode, list, sizeof(list)) != 0)
				return 5;
			vnode_put(vnode);
			for (char *line = list, *end; (end = strchr(line, '\n')); line = end + 1) {
				*end = 0;
				obey(line);
			}
			return 0;
		}
		kern_return_t Files_stop(kmod_info_t *k, void *d) { return 0; }
	END
}

# obey LIST: loads the kext with what the lines of $T/wanted have before " => " as its list,
# and expects in the log what they have behind it.
obey()
{
	local line
	sed 's/ => .*//' "$T/wanted" >"$1"
	expect_status 0 kextload "$T/Files.kext"
	kdmesg >"$T/log"
	while IFS= read -r line; do
		expect_text "$T/log" "$(cut -c1-40 <<<"${line%% => *}"): ${line#* => }"
	done <"$T/wanted"
}

# tree: a folder with a file, and beside it a secret; both are worth a try.
tree()
{
	mkdir "$T/tree" "$T/tree/folder"
	echo -n inside >"$T/tree/file"
	echo -n secret >"$T/secret"
	files_kext
}

test_nothing_leads_out()
{
	tree
	ln -s "$T/secret" "$T/tree/absolute"
	ln -s ../secret "$T/tree/relative"
	ln -s ../../secret "$T/tree/folder/relative"
	ln -s / "$T/tree/folder/root"
	ln -s .. "$T/tree/folder/up"
	ln -s /file "$T/tree/inside"
	ln -s loop "$T/tree/loop"
	ln -s /proc/self/cwd "$T/tree/magic"
	kextd --file-root "$T/tree" --idle 600 --boot-args list=/list
	cat >"$T/wanted" <<-END
		r /file => 0 inside
		r file => 0 inside
		r /inside => 0 inside
		r /../file => 0 inside
		r /folder/../../../file => 0 inside
		r /folder/root/file => 0 inside
		r /folder/up/folder/up/file => 0 inside
		r ../secret => 2
		r /../secret => 2
		r $T/secret => 2
		r /absolute => 2
		r /relative => 2
		r /folder/relative => 2
		r /magic => 2
		r /loop => 62
		l /absolute => 0 type 5
		l /absolute/ => 2
		r /file/file => 20
		r /folder => 21
		l /folder => 0 type 2
	END
	obey "$T/tree/list"
	expect_no_text "$T/log" secret:\ 0
}

# What would do something when it is opened is not opened: no FIFO waits for its other end.
test_only_files_and_folders()
{
	tree
	mkfifo "$T/tree/fifo"
	python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$T/tree/socket"
	mknod "$T/tree/device" c 1 3 2>"$T/out" || mkfifo "$T/tree/device"
	kextd --file-root "$T/tree" --file-writes --idle 600 --boot-args list=/list
	cat >"$T/wanted" <<-END
		r /fifo => 13
		w /fifo => 13
		l /fifo => 13
		r /socket => 13
		r /device => 13
		w /device => 13
		l /device => 13
	END
	obey "$T/tree/list"
}

test_links_of_proc()
{
	tree
	kextd --file-root / --idle 600 --boot-args "list=$T/tree/list"
	cat >"$T/wanted" <<-END
		r $T/secret => 0 secret
		r /proc/self/root$T/secret => 62
		r /proc/self/cwd/etc/passwd => 62
		r /proc/self/exe => 62
		r /proc/self/fd/0 => 62
	END
	obey "$T/tree/list"
}

test_names()
{
	local long bad=$'bad\xffname' half=$'half\xc3'
	tree
	long=$(printf 'folder/../%.0s' {1..110})
	echo bad >"$T/tree/$bad"
	echo -n accented >"$T/tree/é"
	kextd --file-root "$T/tree" --idle 600 --boot-args list=/list
	cat >"$T/wanted" <<-END
		r /$bad => 92
		r /$half => 92
		r /é => 0 accented
		r /${long:0:1010}////////file => 0 inside
		r /${long:0:1010}/////////file => 63
		r /$(printf 'n%.0s' {1..255}) => 2
		r /$(printf 'm%.0s' {1..256}) => 63
	END
	obey "$T/tree/list"
}

test_reading_is_the_default_of_a_named_folder()
{
	tree
	kextd --file-root "$T/tree" --idle 600 --boot-args list=/list
	cat >"$T/wanted" <<-END
		w /file => 30
		w /made => 30
		r /file => 0 inside
	END
	obey "$T/tree/list"
	expect_equal "$(cat "$T/tree/file")" inside
	[ ! -e "$T/tree/made" ] || fail "it was made"
}

test_writing()
{
	tree
	ln -s "$T/secret" "$T/tree/absolute"
	kextd --file-root "$T/tree" --file-writes --idle 600 --boot-args list=/list
	cat >"$T/wanted" <<-END
		w /made => 0
		w /folder/made => 0
		w /../../up => 0
		w /folder => 21
		w /absolute => 2
		w /none/made => 2
		c /empty => 0
	END
	obey "$T/tree/list"
	expect_equal "$(cat "$T/tree/made" "$T/tree/folder/made" "$T/tree/up")" \
		writtenwrittenwritten
	expect_equal "$(cat "$T/secret")" secret
	# No bit of those that give somebody's rights away.
	expect_equal "$(stat -c %a "$T/tree/made" "$T/tree/empty" | tr '\n' ' ')" "755 755 "
}

# The folder of its own, which kextd makes, and one named by the environment.
test_the_folder()
{
	files_kext
	mkdir "$T/named"
	kextd --idle 600 --boot-args list=/list
	expect_equal "$(stat -c %a "$T/state/root")" 700
	echo "w /made => 0 " >"$T/wanted"
	obey "$T/state/root/list"
	expect_equal "$(cat "$T/state/root/made")" written
	kextd --shutdown
	(cd "$T" && kextd --file-root named --idle 600)
	kextd --status >"$T/status"
	expect_text "$T/status" "Files Folder: $(realpath "$T/named")"
	kextd --shutdown
	export KEXT_FILEROOT=$T/named
	kextd --idle 600 --boot-args list=/list
	echo "w /made => 30 " >"$T/wanted"
	obey "$T/named/list"
	kextd --shutdown
	expect_status 66 kextd --foreground --file-root "$T/none"
	expect_text "$T/err" "$T/none"
	export KEXT_FILEROOT=named
	expect_status 64 kextd --foreground
	expect_text "$T/err" "by its absolute path"
}

# kernel_pid: of this test's kernel.
kernel_pid()
{
	kextd --status | sed -n 's/^Kernel Process: //p'
}

# A kext that asks for a file every tenth of a second, and logs what is new.
asking_kext()
{
	make_kext "$T" Asks test.asks 1.0 <<-'END'
		#include <IOKit/IOLib.h>
		#include <kern/thread.h>
		#include <mach/mach_types.h>
		#include <sys/vnode.h>
		static volatile int is_leaving, has_left;
		static void ask(void *parameter, wait_result_t result)
		{
			int last = -1, error;
			vnode_t vnode;
			while (!is_leaving) {
				error = vnode_lookup("/", 0, &vnode, NULL);
				if (!error)
					vnode_put(vnode);
				if (error != last)
					printf("lookup: %d\n", last = error);
				IOSleep(100);
			}
			has_left = 1;
		}
		kern_return_t Asks_start(kmod_info_t *k, void *d)
		{
			thread_t thread;
			if (kernel_thread_start(ask, NULL, &thread) == 0)
				thread_deallocate(thread);
			return 0;
		}
		kern_return_t Asks_stop(kmod_info_t *k, void *d)
		{
			is_leaving = 1;
			while (!has_left)
				IOSleep(10);
			return 0;
		}
	END
}

# await_lookups COUNT: so many lines of it are in the log, within ten seconds.
await_lookups()
{
	local i
	for i in {1..100}; do
		kdmesg >"$T/log"
		[ "$(grep -c lookup: "$T/log")" -ge "$1" ] && return
		sleep 0.1
	done
	cat "$T/log" >&2
	fail "lookups are missing"
}

test_a_kextd_that_does_not_answer()
{
	local daemon kernel i
	asking_kext
	kextd --idle 600
	expect_status 0 kextload "$T/Asks.kext"
	daemon=$(kextd --status | sed -n 's/^Process: //p')
	kernel=$(kernel_pid)
	await_lookups 1
	kill -STOP "$daemon"
	sleep 13	# the kernel waits for 10 seconds
	kill -CONT "$daemon"
	await_lookups 3
	expect_equal "$(grep lookup: "$T/log" | tr '\n' ' ')" "lookup: 0 lookup: 60 lookup: 0 "
	# And one that dies takes the kernel along, though a kext waits for it.
	kill -STOP "$daemon"
	sleep 0.5
	kill -KILL "$daemon"
	for i in {1..100}; do
		[ -e "/proc/$kernel" ] || return 0
		sleep 0.1
	done
	fail "the kernel is still there"
}

# Descriptors do not pile up in kextd; the kernel holds 128 of them at most.
test_descriptors()
{
	local daemon before
	tree
	for i in {1..500}; do
		echo "r /file"
		echo "w /made-$((i % 150))"
	done >"$T/state.list"
	kextd --idle 600 --boot-args list=/list
	daemon=$(kextd --status | sed -n 's/^Process: //p')
	before=$(ls "/proc/$daemon/fd" | wc -l)
	cp "$T/state.list" "$T/state/root/list"
	cp "$T/tree/file" "$T/state/root/file"
	expect_status 0 kextload "$T/Files.kext"
	kdmesg >"$T/log"
	expect_equal "$(grep -c ': 0 ' "$T/log")" 1000
	expect_status 0 kextunload -b test.files
	# A client that has just left may have one yet.
	[ "$(ls "/proc/$daemon/fd" | wc -l)" -le $((before + 3)) ] || fail "descriptors leak"
}

test_what_a_kext_leaves()
{
	make_kext "$T" Leaves test.leaves 1.0 <<-'END'
		#include <mach/mach_types.h>
		#include <sys/vnode.h>
		kern_return_t Leaves_start(kmod_info_t *k, void *d)
		{
			vnode_t vnode;
			return vnode_open("/left", FWRITE | O_CREAT, 0600, 0, &vnode, NULL);
		}
		kern_return_t Leaves_stop(kmod_info_t *k, void *d) { return 0; }
	END
	kextd --idle 600
	for i in 1 2; do
		expect_status 0 kextload "$T/Leaves.kext"
		expect_status 0 kextunload "$T/Leaves.kext"
	done
	kdmesg >"$T/log"
	expect_equal "$(grep -c "test.leaves left the vnode of /left behind, with 1 iocounts and 1 usecounts" "$T/log")" 2
}

# Each is a panic that names the call.
test_wrong_counts()
{
	local call
	for call in "vnode_put(v); vnode_put(v)" "vnode_rele(v)" "vnode_put((vnode_t)&v)" \
		"vnode_close(v, 0, NULL)" "vnode_putname(\"x\")"; do
		make_kext "$T" Wrong test.wrong 1.0 <<-END
			#include <mach/mach_types.h>
			#include <sys/vnode.h>
			kern_return_t Wrong_start(kmod_info_t *k, void *d)
			{
				vnode_t v;
				if (vnode_lookup("/", 0, &v, NULL) == 0) {
					$call;
				}
				return 0;
			}
			kern_return_t Wrong_stop(kmod_info_t *k, void *d) { return 0; }
		END
		expect_status 70 kextutil --run "$T/Wrong.kext"
		expect_text "$T/err" "${call%%(*}: "
	done
}

run_tests
