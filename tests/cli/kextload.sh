#!/bin/bash
# kextload's options, conflicts, messages and statuses, a test for each: those of Mac OS X 10.4
# beside the modern ones.
. "$(dirname "$0")/lib.sh"

ID=com.osxbook.kext.DummySysctl

loaded()
{
	kextstat -k -l -o name | tr '\n' ' '
}

# expect_usage STATUS TEXT OPTION…: a usage error that says TEXT, nothing on stdout.
expect_usage()
{
	local status=$1 text=$2
	shift 2
	expect_status "$status" kextload "$@"
	expect_text "$T/err" "$text"
	expect_text "$T/err" "usage: kextload"
	expect_equal "$(cat "$T/out")" ""
}

# answers ANSWER: a kextd that answers loads with an error number.
answers()
{
	echo "{'Load': $1}" >"$T/answers"
	mkfifo "$T/ready"
	python3 "$ROOT/tests/cli/fake_kextd.py" "$T/answers" >"$T/ready" 2>"$T/fake.log" &
	FAKE=$!
	trap 'kill $FAKE; rm -rf "$T"' EXIT
	read -r _ <"$T/ready"
}

test_nothing_named_is_a_usage_error()
{
	expect_usage 64 "no kernel extension specified"
	expect_usage 64 "no kernel extension specified" -t
	expect_usage 1 "no kernel extension specified" --era tiger
	expect_usage 64 "unrecognized option" --no-such-option
}

test_conflict_of_l_m_n()
{
	local line
	for line in "-l -m" "-l -n" "-m -n" "-l -A" "-m -a id@1" "-lm"; do
		expect_usage 64 "only one of -l/-m/-n is allowed" $line X.kext
	done
}

test_conflicts_of_a_A_k_with_loading()
{
	expect_usage 64 "-a and -A exclude each other" -a id@1000 -A -t X.kext
	expect_usage 64 "use -k only with -n" -k "$BUILD/share/kext/mach_kernel" X.kext
	expect_usage 64 "use -k only with -n" -k "$BUILD/share/kext/mach_kernel" -l X.kext
	expect_usage 64 "-k may be given once" -n -t -k a -k b X.kext
	expect_usage 64 "-s may be given once" -n -t -s "$T" -s "$T" X.kext
}

test_a_wants_an_address()
{
	expect_status 64 kextload -t -a id X.kext
	expect_status 64 kextload -t -a id@zzz X.kext
	expect_status 64 kextload -t -a id@0 X.kext
}

test_z_and_Z_only_without_loading()
{
	expect_usage 64 "-z is only allowed when not loading" -z X.kext
	expect_usage 64 "use -Z only with -nt and not with -s" -Z X.kext
	expect_usage 64 "use -Z only with -nt and not with -s" -n -Z -s "$T" X.kext
	expect_usage 64 "-Z and -s exclude each other" -n -t -Z -s "$T" X.kext
}

test_n_alone_is_no_work()
{
	expect_usage 64 "no work to do; check your options" -n X.kext
	expect_usage 64 "no work to do; check your options" -A X.kext
	expect_usage 1 "no work to do; check your options" --era tiger -n X.kext
}

test_i_and_I()
{
	dummy_kext "$T"
	expect_usage 64 "use only one of -i or -I" -i -I X.kext
	expect_status 1 kextload -q -i "$T/DummySysctl.kext"
	expect_equal "$(cat "$T/out" "$T/err")" ""
	echo n | expect_status 0 kextload -i "$T/DummySysctl.kext"
	expect_equal "$(loaded)" ""
	echo y | expect_status 0 kextload -I "$T/DummySysctl.kext"
	expect_equal "$(loaded)" "$ID "
}

test_s_must_be_a_folder_to_write_to()
{
	expect_usage 64 "is no folder that can be written to" -n -t -s "$T/none" X.kext
}

test_nt_tests_and_loads_nothing()
{
	dummy_kext "$T"
	expect_status 0 kextload -nt "$T/DummySysctl.kext"
	expect_text "$T/out" "appears to be loadable"
	expect_equal "$(loaded)" ""
	chmod g+w "$T/DummySysctl.kext/Contents/Info.plist"
	expect_status 71 kextload -nt "$T/DummySysctl.kext"
	expect_status 1 kextload --era tiger -n -t "$T/DummySysctl.kext"
	expect_status 0 kextload -ntz -j 2 "$T/DummySysctl.kext"
	expect_status 64 kextload -nt -jobs 0 "$T/DummySysctl.kext"
	expect_status 0 kextload -ntz --json "$T/DummySysctl.kext"
	python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))["kexts"][0]["loadable"]' "$T/out"
	expect_usage 64 "use --json only with -n" --json X.kext
}

test_c_D_and_t_when_loading()
{
	dummy_kext "$T"
	expect_status 0 kextload -c -no-loaded-check "$T/DummySysctl.kext"
	expect_text "$T/err" "-no-caches (-c) is ignored"
	expect_text "$T/err" "-no-loaded-check (-D) is ignored"
	expect_equal "$(cat "$T/out")" "kextload: $T/DummySysctl.kext loaded successfully"
	expect_status 0 kextload -t "$T/DummySysctl.kext"
	expect_text "$T/out" "is already loaded"
}

test_b_comes_before_paths()
{
	dummy_kext "$T"
	expect_status 0 kextload -r "$T" "$T/DummySysctl.kext" -bundle-id $ID
	expect_equal "$(cat "$T/out")" "kextload: $ID loaded successfully
kextload: $T/DummySysctl.kext is already loaded"
}

test_v_tells_in_moderns_words()
{
	dummy_kext "$T"
	expect_status 0 kextload -v 1 "$T/DummySysctl.kext"
	expect_text "$T/err" "Requesting load of $T/DummySysctl.kext."
	expect_text "$T/err" "$T/DummySysctl.kext loaded successfully (or already loaded)."
	for level in 0 0xff2; do
		expect_status 0 kextload -v $level "$T/DummySysctl.kext"
		expect_no_text "$T/err" "loaded successfully (or"
	done
	expect_status 0 kextload -v0xff3 "$T/DummySysctl.kext"
	expect_text "$T/err" "loaded successfully (or"
	expect_status 64 kextload -v=3 "$T/DummySysctl.kext"
}

test_messages_of_tiger()
{
	dummy_kext "$T"
	expect_status 0 kextload --era tiger "$T/DummySysctl.kext"
	expect_equal "$(cat "$T/out")" "kextload: $T/DummySysctl.kext loaded successfully"
	expect_status 0 kextload --era tiger "$T/DummySysctl.kext"
	expect_equal "$(cat "$T/out")" "kextload: extension $T/DummySysctl.kext is already loaded"
	expect_status 1 kextload --era tiger -b no.such
	expect_text "$T/err" "kextload: load failed for extension no.such"
}

test_q_is_silent()
{
	expect_status 71 kextload -q -b no.such
	expect_equal "$(cat "$T/out" "$T/err")" ""
	dummy_kext "$T"
	expect_status 0 kextload -quiet "$T/DummySysctl.kext"
	expect_equal "$(cat "$T/out" "$T/err")" ""
}

test_p_and_m_find_no_catalogue()
{
	dummy_kext "$T"
	expect_usage 64 "-p does not go with -l or -n" -l -p One "$T/DummySysctl.kext"
	expect_status 71 kextload -m "$T/DummySysctl.kext"
	expect_text "$T/err" "is not loaded"
	expect_equal "$(loaded)" ""
}

test_the_rest_is_tried_and_the_first_failure_counts()
{
	dummy_kext "$T"
	expect_status 71 kextload "$T/none.kext" "$T/DummySysctl.kext" -b no.such
	expect_text "$T/err" "no.such failed to load - (libkern/kext) not found"
	expect_equal "$(loaded)" "$ID "
}

test_statuses_of_refusals()
{
	# The error numbers of kext-protocol(7): not privileged, policy, time-out, a bad kext.
	answers 10001
	expect_status 77 kextload -b x
	expect_text "$T/err" "x failed to load - (libkern/kext) not privileged"
	expect_status 1 kextload --era tiger -b x
	echo "{'Load': 10024}" >"$T/answers"
	kill "$FAKE"; rm "$T/ready" "$T/run/kextd.socket"
	answers 10024
	expect_status 27 kextload -b x
	expect_text "$T/err" "(libkern/kext) system policy prevents loading"
}

test_root_and_KEXT_ROOT()
{
	local folder=$T/root/System/Library/Extensions
	mkdir -p "$folder" "$T/other"
	dummy_kext "$folder"
	# A kextd that knows another root serves all the same.
	KEXT_ROOT=$T/other kextload -q -b no.such || :
	expect_status 71 kextload -b $ID
	expect_status 0 kextload --root "$T/root" -b $ID
	expect_status 0 kextunload -root "$T/root" /System/Library/Extensions/DummySysctl.kext
	expect_status 0 env KEXT_ROOT="$T/root" kextload /System/Library/Extensions/DummySysctl.kext
	expect_status 0 kextload -nt -root="$T/root" /System/Library/Extensions/DummySysctl.kext
	expect_status 71 kextload -nt /System/Library/Extensions/DummySysctl.kext
	expect_status 66 kextload --root "$T/none" -b $ID
	expect_status 66 kextload --root "$T/root/System/Library/Extensions/DummySysctl.kext/Contents/Info.plist" -b $ID
}

run_tests
