#!/bin/bash
# What all commands' options have in common: spellings, help, colours, JSON's schemas.
. "$(dirname "$0")/lib.sh"

# Every program whose options come from a table: those that have completions.
commands()
{
	local file
	for file in "$BUILD"/share/completions/bash/*; do
		basename "$file"
	done
}

test_help_and_version_on_stdout_with_status_0()
{
	local tool option
	for tool in $(commands); do
		for option in --help -help -h --version -version; do
			# With one dash it is a predicate of queries.
			[ "$tool$option" != kextfind-version ] || continue
			expect_status 0 "$tool" $option
			expect_text "$T/out" "$tool"
			expect_equal "$(cat "$T/err")" ""
		done
	done
}

test_unknown_options_are_usage_errors_on_stderr()
{
	local tool
	for tool in $(commands); do
		expect_status 64 "$tool" --no-such-option
		grep -qE "^(usage: )?$tool" "$T/err" # kextfind points to its page
		expect_equal "$(cat "$T/out")" ""
	done
}

test_long_options_take_one_dash_or_two_and_abbreviations()
{
	local line
	for line in "-list-only" "--list-only" "--list" "-list" "-kl" "-l -k" "--no-k -l"; do
		expect_status 0 kextstat $line
		expect_equal "$(cat "$T/out")" ""
	done
	for line in "--era tiger" "--era=tiger" "-era tiger" "-era=tiger" "--er=tiger"; do
		expect_status 0 kextstat $line
		expect_equal "$(cat "$T/out")" "$(head -1 "$ROOT/tests/golden/kextstat-tiger.txt")"
	done
	expect_status 64 kextload --no-l x.kext	# --no-load, --no-loaded-check
	expect_text "$T/err" ambiguous
	expect_status 64 kextstat --era
}

test_options_after_operands_and_two_dashes()
{
	expect_status 71 kextload none.kext --era modern
	expect_status 1 kextload none.kext --era tiger
	expect_status 71 kextload -- -b
	expect_text "$T/err" "-b failed to load"
}

test_colours()
{
	local red
	red=$(printf '\033[1;31m')
	expect_status 3 kextunload -b no.such
	expect_no_text "$T/err" "$red"
	expect_status 3 kextunload --color always -b no.such
	expect_text "$T/err" "${red}kextunload:"
	NO_COLOR=1 expect_status 3 kextunload -color=always -b no.such
	expect_text "$T/err" "$red"
	# On a terminal by default, unless NO_COLOR says otherwise.
	TERM=xterm script -qec 'kextunload -b no.such' /dev/null >"$T/tty" || :
	expect_text "$T/tty" "$red"
	TERM=xterm NO_COLOR=1 script -qec 'kextunload -b no.such' /dev/null >"$T/tty" || :
	expect_no_text "$T/tty" "$red"
	TERM=xterm NO_COLOR='' script -qec 'kextunload -b no.such' /dev/null >"$T/tty" || :
	expect_text "$T/tty" "$red"
	TERM=xterm script -qec 'kextunload --color never -b no.such' /dev/null >"$T/tty" || :
	expect_no_text "$T/tty" "$red"
	expect_status 64 kextunload --color sometimes -b no.such
	expect_text "$T/err" "--color takes auto|always|never, not 'sometimes'"
}

# schema NAME COMMAND…: succeeds, and prints one object whose first key is that schema.
schema()
{
	local name=$1
	shift
	expect_status 0 "$@"
	python3 - "$name" "$T/out" <<-'END'
		import json, sys
		top = json.load(open(sys.argv[2]))
		assert list(top)[0] == "schema" and top["schema"] == sys.argv[1], top
	END
	grep -q "^\.Sh JSON OUTPUT" "$ROOT/man/$1".[18] || fail "$1: not documented"
	grep -qF "$name" "$ROOT/man/$1".[18] || fail "$1: another schema is documented"
}

test_json_of_all()
{
	dummy_kext "$T"
	schema kdmesg/1 kdmesg --json
	expect_text "$T/out" '"lines": []'
	schema ksysctl/1 ksysctl --json -a
	kextload -q "$T/DummySysctl.kext"
	schema kextstat/1 kextstat --json
	schema kextd/1 kextd --status --json
	schema kdmesg/1 kdmesg --json
	python3 -c 'import json, sys; assert "DummySysctl_start" in json.load(open(sys.argv[1]))["lines"]' "$T/out"
	expect_status 64 kdmesg --json -w
	schema ksysctl/1 ksysctl --json debug.dummy=-3 kern.ostype
	python3 - "$T/out" <<-'END'
		import json, sys
		assert json.load(open(sys.argv[1]))["sysctls"] == [
		    {"name": "debug.dummy", "kind": "int", "value": "-3"},
		    {"name": "kern.ostype", "kind": "string", "value": "Darwin"}]
	END
	expect_status 71 ksysctl --json no.such kern.ostype
	python3 -c 'import json, sys; assert len(json.load(open(sys.argv[1]))["sysctls"]) == 1' "$T/out"
	schema kextlibs/1 kextlibs --json "$T/DummySysctl.kext"
	schema kextutil/1 kextutil -nt --json "$T/DummySysctl.kext"
	kextcache -m "$T/mkext" "$T/DummySysctl.kext"
	schema mkextunpack/1 mkextunpack --json "$T/mkext"
	schema kextcache/1 kextcache --json -m "$T/mkext" "$T/DummySysctl.kext"
	schema kextfind/1 kextfind --json "$T/DummySysctl.kext"
	echo _a >"$T/list"
	schema kextsymboltool/1 kextsymboltool -diff --json -import "$T/list" -export "$T/list"
}

test_v_and_q_once_in_tigers_era()
{
	local tool
	for tool in kextload kextunload; do
		expect_status 1 $tool --era tiger -v 2 -q -b no.such
		expect_text "$T/err" 'duplicate use of -v and/or -q option'
		expect_text "$T/err" "usage: $tool"
		expect_status 1 $tool -v -b no.such -v 3 --era tiger
		expect_text "$T/err" 'duplicate use of -v and/or -q option'
		$tool -v -v 3 -b no.such 2>"$T/err" && fail "$tool: loaded"
		expect_no_text "$T/err" duplicate
	done
}

# same_under_root TEXT COMMAND WORD…: with --root, --root= and KEXT_ROOT it does the same, and
# says TEXT; without them it does not.
same_under_root()
{
	local text=$1 status=0
	shift
	"$1" --root "$T/root" "${@:2}" >"$T/first" 2>&1 || status=$?
	expect_text "$T/first" "$text"
	expect_status $status env KEXT_ROOT="$T/root" "$@"
	sort "$T/out" "$T/err" | diff - <(sort "$T/first")
	expect_status $status "$1" --root="$T/root" "${@:2}"
	sort "$T/out" "$T/err" | diff - <(sort "$T/first")
	"$@" >"$T/out" 2>&1 || :
	expect_no_text "$T/out" "$text"
}

# It stands for / in the default folders, and in paths that lie in them by their text.
test_root_of_those_that_read_kexts()
{
	local folder=$T/root/System/Library/Extensions
	local kext=/System/Library/Extensions/DummySysctl.kext
	mkdir -p "$folder"
	dummy_kext "$folder"
	same_under_root 'appears to be loadable' kextutil -n -b com.osxbook.kext.DummySysctl
	same_under_root 'appears to be loadable' kextutil -n $kext
	same_under_root "$folder/DummySysctl.kext" kextfind -B DummySysctl.kext
	same_under_root "$folder/DummySysctl.kext" kextfind $kext -library -or -executable
	same_under_root 'com.apple.kpi.libkern =' kextlibs $kext
	same_under_root 'com.apple.kpi.libkern' kextlibs -json $kext
	same_under_root '"included": true' kextcache -z -mkext1 "$T/a.mkext" --json $kext
	same_under_root '"included": true' kextcache -z -m "$T/a.mkext" --json /System/Library/Extensions
}

# A kextd that holds its lock and does not serve.
test_69_nobody_serves()
{
	dummy_kext "$T"
	mkdir -m 700 "$T/run"
	expect_status 69 flock "$T/run/kextd.lock" kextload "$T/DummySysctl.kext"
	expect_text "$T/err" 'another kextd serves there'
	expect_status 69 flock "$T/run/kextd.lock" kextutil "$T/DummySysctl.kext"
	expect_status 69 ksysctl kern.ostype
	expect_text "$T/err" 'no kextd is running'
}

# A folder that others may write to: whoever serves there may be anybody.
test_77_who_serves_cannot_be_trusted()
{
	dummy_kext "$T"
	mkdir "$T/run"
	chmod 777 "$T/run"
	expect_status 77 kextload "$T/DummySysctl.kext"
	expect_status 77 kextutil "$T/DummySysctl.kext"
	expect_status 77 kextunload -b no.such
	expect_status 77 ksysctl kern.ostype
	expect_status 69 kextcache -r -z -m "$T/a.mkext" "$T/DummySysctl.kext"
	expect_text "$T/err" 'cannot be trusted'
	expect_status 71 kextstat
	expect_status 77 kdmesg
}

# interrupted COMMAND…: its status when SIGINT comes; a job of a script ignores that signal,
# python gives it back.
interrupted()
{
	python3 - "$@" <<-'END'
		import signal, subprocess, sys, time
		child = subprocess.Popen(sys.argv[1:],
		                         preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
		time.sleep(1.5)
		child.send_signal(signal.SIGINT)
		sys.exit(child.wait(timeout=20))
	END
}

test_130_and_75_routines_that_do_not_end()
{
	local routine='{ for (volatile int i = 0;; i++) ; return 0; }'
	make_kext "$T" Start test.start 1.0 <<-END
		#include <mach/mach_types.h>
		kern_return_t Start_start(kmod_info_t *k, void *d) $routine
		kern_return_t Start_stop(kmod_info_t *k, void *d) { return 0; }
	END
	make_kext "$T" Stop test.stop 1.0 <<-END
		#include <mach/mach_types.h>
		kern_return_t Stop_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t Stop_stop(kmod_info_t *k, void *d) $routine
	END
	expect_status 130 interrupted kextload "$T/Start.kext"
	expect_status 130 interrupted kextutil "$T/Start.kext"
	expect_status 75 kextutil --timeout 0.5 "$T/Start.kext"
	expect_status 0 kextload "$T/Stop.kext"
	expect_status 130 interrupted kextunload -b test.stop
	expect_status 0 kextload "$T/Stop.kext"
	expect_status 75 kextunload --timeout 0.5 -b test.stop
}

test_instance_is_user_or_system()
{
	local tool
	dummy_kext "$T"
	expect_status 0 kextload --instance user "$T/DummySysctl.kext"
	expect_status 0 kextutil -instance=user "$T/DummySysctl.kext"
	expect_status 0 kextd --status --instance user
	expect_status 0 kdmesg --instance user
	expect_status 0 ksysctl --instance user kern.ostype
	expect_status 0 kextstat --instance user
	expect_text "$T/out" com.osxbook.kext.DummySysctl
	expect_status 0 kextunload --instance user "$T/DummySysctl.kext"
	for tool in "kextload X.kext" "kextutil X.kext" "kextunload X.kext" kextstat kdmesg \
		"ksysctl a" "kextd --status"; do
		# shellcheck disable=SC2086
		expect_status 64 $tool --instance world
		expect_text "$T/err" "'world' is no instance"
	done
}

# A kextd that refuses every request.
test_71_kextd_refuses()
{
	local fake
	mkdir -m 700 "$T/run"
	echo '{}' >"$T/answers"
	mkfifo "$T/ready"
	python3 "$ROOT/tests/cli/fake_kextd.py" "$T/answers" >"$T/ready" 2>"$T/fake.log" &
	fake=$!
	read -r _ <"$T/ready"
	expect_status 71 kdmesg
	expect_status 71 kextstat
	expect_status 1 kextstat --era tiger
	kill "$fake"
}

run_tests
