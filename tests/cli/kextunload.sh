#!/bin/bash
# kextunload's options, messages and statuses, a test for each, modern's and Tiger's.
. "$(dirname "$0")/lib.sh"

ID=com.osxbook.kext.DummySysctl

loaded()
{
	kextstat -k -l -o name | tr '\n' ' '
}

# chain: test.user, which needs test.lib, both loaded.
chain()
{
	make_kext "$T" Lib test.lib 1.0 <<-'END'
		#include <mach/mach_types.h>
		kern_return_t Lib_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t Lib_stop(kmod_info_t *k, void *d) { return 0; }
	END
	make_kext "$T" User test.user 1.0 test.lib=1.0 <<-'END'
		#include <mach/mach_types.h>
		kern_return_t User_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t User_stop(kmod_info_t *k, void *d) { return 0; }
	END
	kextload -q -d "$T/Lib.kext" "$T/User.kext"
	expect_equal "$(loaded)" "test.lib test.user "
}

test_b_and_m_name_identifiers()
{
	chain
	expect_status 0 kextunload -m test.user -bundle-id test.lib
	expect_equal "$(cat "$T/out")" "kextunload: unload id test.user succeeded
kextunload: unload id test.lib succeeded"
	expect_equal "$(loaded)" ""
}

test_named_twice_counts_once()
{
	dummy_kext "$T"
	kextload -q "$T/DummySysctl.kext"
	expect_status 0 kextunload -b $ID -m $ID
	kextload -q "$T/DummySysctl.kext"
	expect_status 0 kextunload "$T/DummySysctl.kext" "$T/DummySysctl.kext"
}

test_identifiers_come_before_paths()
{
	chain
	expect_status 0 kextunload "$T/Lib.kext" -b test.user
	expect_equal "$(head -1 "$T/out")" "kextunload: unload id test.user succeeded"
}

test_v_tells_in_moderns_words()
{
	dummy_kext "$T"
	kextload -q "$T/DummySysctl.kext"
	expect_status 0 kextunload -v 1 -b $ID
	expect_text "$T/err" "$ID unloaded and personalities removed."
	kextload -q "$T/DummySysctl.kext"
	expect_status 0 kextunload -v0 -b $ID
	expect_equal "$(cat "$T/err")" ""
}

test_p_does_not_unload()
{
	dummy_kext "$T"
	kextload -q "$T/DummySysctl.kext"
	expect_status 0 kextunload -p -v -b $ID
	expect_text "$T/err" "$ID: services terminated and personalities removed (kext not unloaded)."
	expect_equal "$(loaded)" "$ID "
	expect_status 3 kextunload -personalities-only -b no.such
	expect_text "$T/err" "Terminate for no.such failed - (libkern/kext) not found"
}

test_p_of_tiger_unloads()
{
	dummy_kext "$T"
	kextload -q "$T/DummySysctl.kext"
	expect_status 0 kextunload --era tiger -p -b $ID
	expect_equal "$(cat "$T/out")" \
		"kextunload: unload id $ID succeeded  (any personalities not unloaded)"
	expect_equal "$(loaded)" ""
}

test_messages_of_tiger()
{
	dummy_kext "$T"
	kextload -q "$T/DummySysctl.kext"
	expect_status 1 kextunload --era tiger -c IOSerial -b no.such "$T/DummySysctl.kext"
	expect_equal "$(cat "$T/out")" \
		"kextunload: terminate instances for class IOSerial failed (result code 0xdc008006)
kextunload: unload id no.such failed (result code 0xdc008006)
kextunload: unload kext $T/DummySysctl.kext succeeded  (any personalities also unloaded)"
	expect_status 1 kextunload --era tiger
	# Failing to open a kext is the end.
	expect_status 1 kextunload --era tiger "$T/none.kext" "$T/DummySysctl.kext"
	expect_equal "$(cat "$T/out")" ""
}

test_c_finds_no_class()
{
	expect_status 3 kextunload -c IOSerial
	expect_text "$T/err" "Failed to terminate class IOSerial - (libkern/kext) not found"
	expect_status 3 kextunload -class IOSerial
}

test_q_is_silent()
{
	expect_status 3 kextunload -q -b no.such
	expect_equal "$(cat "$T/out" "$T/err")" ""
	expect_status 1 kextunload -quiet "$T/none.kext"
	expect_equal "$(cat "$T/out" "$T/err")" ""
}

test_all_unloads_the_latest_first()
{
	chain
	expect_status 64 kextunload --all -b test.user
	expect_status 0 kextunload --all
	expect_equal "$(cat "$T/out")" "kextunload: unload id test.user succeeded
kextunload: unload id test.lib succeeded"
	expect_equal "$(loaded)" ""
	expect_status 0 kextunload --all	# there is nothing left
	kextd --shutdown
	expect_status 0 kextunload --all
	[ ! -e "$T/run/kextd.pid" ] || fail "it started a daemon"
}

test_status_1_a_path_is_no_kext_told_once()
{
	dummy_kext "$T"
	kextload -q "$T/DummySysctl.kext"
	expect_status 1 kextunload "$T/none.kext" "$T/DummySysctl.kext"
	expect_text "$T/err" "Can't create $T/none.kext: "
	expect_equal "$(grep -c none.kext "$T/err")" 1
	expect_equal "$(loaded)" ""	# the rest was done
}

test_status_2_not_privileged_ends_it()
{
	# Another user's request: what kextd answers then is 10001.
	echo '{"Unload": 10001, "Get Loaded Kext Info": {}}' >"$T/answers"
	mkfifo "$T/ready"
	python3 "$ROOT/tests/cli/fake_kextd.py" "$T/answers" >"$T/ready" 2>"$T/fake.log" &
	local fake=$!
	read -r _ <"$T/ready"
	expect_status 2 kextunload -b no.such -b test.second
	expect_text "$T/err" "Failed to unload no.such - (libkern/kext) not privileged"
	expect_no_text "$T/err" test.second
	expect_status 1 kextunload --era tiger -b no.such
	expect_text "$T/err" "permission denied; you must be root to unload kexts"
	kill $fake
}

test_status_3_in_use_or_not_found_told_once()
{
	chain
	expect_status 3 kextunload -b test.lib
	expect_text "$T/err" "Failed to unload test.lib - (libkern/kext) kext is in use or retained (cannot unload)"
	expect_status 3 kextunload -b no.such
	expect_equal "$(cat "$T/err")" \
		"kextunload: Failed to unload no.such - (libkern/kext) not found: no kext of this identifier is loaded"
	expect_status 3 kextunload -b no.such "$T/none.kext"	# the first failure counts
	expect_status 1 kextunload "$T/none.kext" "$T/Lib.kext"
}

test_status_64_usage()
{
	expect_status 64 kextunload
	expect_text "$T/err" "usage: kextunload"
	expect_equal "$(cat "$T/out")" ""
	expect_status 64 kextunload -v=3 -b no.such
}

# It is among the letters of Darwin's tool, and no abbreviation of --root.
test_r_is_refused()
{
	expect_status 64 kextunload -r "$T" -b no.such
	expect_text "$T/err" "-r $T: no folder"
	expect_status 66 kextunload --ro "$T/none" -b no.such
}

run_tests
