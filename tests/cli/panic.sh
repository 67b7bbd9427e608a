#!/bin/bash
# as: owners
# Panic reports: what they hold, as text and as JSON, and which of them stay.
. "$(dirname "$0")/lib.sh"

# fault_kext: Fault.kext, C++, reads address 8 in a function of a class; it first logs
# lines that look like parts of a report.
fault_kext()
{
	KEXT_LANGUAGE=cpp make_kext "$T" Fault test.fault 1.5 <<-'END'
		#include <mach/mach_types.h>
		extern "C" void IOLog(const char *, ...);
		struct Reader {
			__attribute__((noinline)) static int read(volatile int *from, unsigned n)
			{
				return from[n] + 1;
			}
		};
		extern "C" kern_return_t Fault_start(kmod_info_t *k, void *d)
		{
			IOLog("last words\nCaller:\n0x1 : com.example.innocent + 0x1\n");
			return Reader::read((volatile int *)4, 1) + 1;
		}
		extern "C" kern_return_t Fault_stop(kmod_info_t *k, void *d) { return 0; }
	END
}

# panic_with COMMAND…: it ends with 70; $text and $json are the two files.
panic_with()
{
	expect_status 70 "$@"
	text=$(sed -n 's/.*the panic report is \(.*\.panic\)$/\1/p' "$T/err")
	[ -f "$text" ] || { cat "$T/err" >&2; fail "stderr names no report"; }
	json=${text%.panic}.json
	[ -f "$json" ] || fail "no JSON beside $text"
}

# query EXPRESSION: of the report `r`, and the helpers below, in python3.
query()
{
	python3 - "$json" "$1" <<-'END'
		import json, sys
		r = json.load(open(sys.argv[1]))
		names = lambda frames: [f.get("symbol") for f in frames]
		images = lambda frames: [f["image"] for f in frames]
		print(eval(sys.argv[2]))
	END
}

test_report_is_complete()
{
	fault_kext
	export KEXT_BOOTARGS="debug=0x144 mine=1"
	panic_with kextload "$T/Fault.kext"
	expect_equal "$(query 'r["schema"], r["version"]')" "('kext-panic-report', 1)"
	expect_equal "$(query 'r["cause"]')" \
		"['page fault: read of 0x0000000000000008 (NULL pointer)']"
	expect_equal "$(query 'int(r["fault_address"], 16)')" 8
	expect_equal "$(query 'r["culprit"]')" test.fault
	expect_equal "$(query 'r["boot_arguments"]')" "debug=0x144 mine=1"
	expect_equal "$(query 'r["thread"]["name"]')" "kext start"
	expect_equal "$(query '"last words" in r["log"]')" True
	# C++ and C names of the kext, and functions of the kernel that are no KPI.
	expect_equal "$(query 'names(r["backtrace"])[:3]')" \
		"['Reader::read(int volatile*, unsigned int)', 'Fault_start', 'kmod_start']"
	expect_equal "$(query 'images(r["backtrace"])[:3]')" \
		"['test.fault', 'test.fault', 'mach_kernel']"
	expect_equal "$(query 'len(r["registers"])')" 20
	expect_equal "$(query 'r["registers"]["RIP"] == r["caller"]["address"]')" True
	expect_equal "$(query 'int(r["code"]["address"], 16) + 8 == int(r["registers"]["RIP"], 16)')" True
	# Every thread, each but the one that panicked with its stack.
	expect_equal "$(query '{"main", "kextd writer", "kext start"} <= {t["name"] for t in r["threads"]}')" True
	expect_equal "$(query 'all(t.get("backtrace") for t in r["threads"] if t["id"] != r["thread"]["id"])')" True
}

# What else is known of the file says the same.
test_report_agrees_with_the_kext()
{
	fault_kext
	panic_with kextload "$T/Fault.kext"
	local file=$T/Fault.kext/Contents/MacOS/Fault uuid at
	uuid=$(llvm-objdump-14 --macho --private-headers "$file" |
		sed -n 's/^ *uuid \(.*\)/\1/p')
	[ -n "$uuid" ] || fail "the kext has no UUID"
	expect_equal "$(query '[(k["identifier"], k["version"], k["uuid"]) for k in r["kexts"]]')" \
		"[('test.fault', '1.5', '$uuid')]"
	expect_equal "$(query 'sorted(d["identifier"] for d in r["kexts"][0]["dependencies"])')" \
		"['com.apple.kpi.bsd', 'com.apple.kpi.iokit', 'com.apple.kpi.libkern', 'com.apple.kpi.mach', 'com.apple.kpi.unsupported']"
	expect_equal "$(query 'int(r["kexts"][0]["address"], 16) + int(r["caller"]["offset"], 16) == int(r["caller"]["address"], 16)')" True
	# The bytes at the program counter are the file's.
	at=$(llvm-nm-14 "$file" | awk '/Reader4read/ { print $1 }')
	query 'r["code"]["bytes"].split("<")[1].replace(">", "").replace(" ", "")[:6]' >"$T/code"
	llvm-objdump-14 --disassemble --start-address="0x$at" "$file" |
		awk -F'\t' '/^ *[0-9a-f]+:/ { print $1 }' |
		sed 's/^ *[0-9a-f]*: //; s/ //g' >"$T/instructions"
	grep -q "^$(cat "$T/code")" "$T/instructions" || {
		cat "$T/code" "$T/instructions" >&2
		fail "these bytes are not the function's"
	}
}

# The same in both files: each text and number of the JSON stands in the text.
test_text_and_json_say_the_same()
{
	fault_kext
	panic_with kextload "$T/Fault.kext"
	python3 - "$json" "$text" <<-'END'
		import json, re, sys
		text = open(sys.argv[2]).read()
		def check(value, path):
		    if isinstance(value, dict):
		        for key in value: check(value[key], path + [key])
		    elif isinstance(value, list):
		        for item in value: check(item, path)
		    elif path not in (["schema"], ["version"], ["time"]):
		        assert str(value) in text, (path, value)
		report = json.load(open(sys.argv[1]))
		check(report, [])
		frames = len(report["backtrace"]) + sum(len(t.get("backtrace", [])) for t in report["threads"])
		# The caller has a line as well.
		assert len(re.findall("^0x[0-9a-f]+ : ", text, re.M)) == frames + 1, "a frame was left out"
	END
}

# Names of the kernel's functions go with the symbol table; exports are left.
test_stripped_kernel()
{
	fault_kext
	cp -R "$BUILD/libexec/kext" "$T/libexec"
	strip "$T/libexec/kernel_task"
	KEXT_LIBEXECDIR=$T/libexec panic_with kextload "$T/Fault.kext"
	expect_equal "$(query 'names(r["backtrace"])[1]')" Fault_start
	expect_equal "$(query '"kmod_start" in names(r["backtrace"])')" False
}

test_newest_ten_stay()
{
	fault_kext
	local i reports=$T/state/reports
	kextd --idle 600
	mkdir "$reports"
	for i in 0 1 2 3 4 5 6 7 8 9; do
		touch -d "2020-01-01 00:00:0$i" "$reports/kernel-2020-01-01-00000$i".{panic,json}
	done
	touch -d 2019-01-01 "$reports/notes.panic" "$reports/kernel-mine.txt"
	panic_with kextload "$T/Fault.kext"
	(cd "$reports" && ls kernel-*.panic) >"$T/texts"
	(cd "$reports" && ls kernel-*.json) >"$T/jsons"
	expect_equal "$(wc -l <"$T/texts")" 10
	expect_equal "$(sed 's/panic$/json/' "$T/texts")" "$(cat "$T/jsons")"
	[ ! -e "$reports/kernel-2020-01-01-000000.panic" ] || fail "the oldest stayed"
	[ -e "$reports/kernel-2020-01-01-000001.panic" ] || fail "too many went"
	[ -e "$reports/notes.panic" ] && [ -e "$reports/kernel-mine.txt" ] ||
		fail "what is no report went"
}

test_status_names_the_newest()
{
	fault_kext
	kextd --idle 600
	kextd --status >"$T/status"
	expect_no_text "$T/status" "Last Panic Report"
	panic_with kextload "$T/Fault.kext"
	sleep 1
	panic_with kextload "$T/Fault.kext"
	kextd --status >"$T/status"
	expect_text "$T/status" "Last Panic Report: $text"
	kextd --shutdown
	kextd --idle 600	# another process knows as well
	kextd --status >"$T/status"
	expect_text "$T/status" "Last Panic Report: $text"
}

run_tests
