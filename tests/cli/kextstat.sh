#!/bin/bash
# kextstat's layouts, byte for byte, over a kextd whose list tests/golden/kextstat-* were made
# for by hand, from the formats of Darwin's three kextstats; its options and statuses.
. "$(dirname "$0")/lib.sh"

# fake FILE: a kextd that gives the answers in it, until the test ends.
fake()
{
	mkfifo "$T/ready"
	python3 "$ROOT/tests/cli/fake_kextd.py" "$1" >"$T/ready" 2>"$T/fake.log" &
	FAKE=$!
	trap 'kill $FAKE; rm -rf "$T"' EXIT
	read -r _ <"$T/ready"
}

# expect_golden NAME OPTION…: kextstat prints tests/golden/kextstat-NAME.txt, nothing else.
expect_golden()
{
	local name=$1
	shift
	expect_status 0 kextstat "$@"
	diff -u "$ROOT/tests/golden/kextstat-$name.txt" "$T/out" || fail "kextstat $*"
	expect_equal "$(cat "$T/err")" ""
}

names()
{
	expect_status 0 kextstat -o name -l "$@"
	tr '\n' ' ' <"$T/out"
}

test_layouts_of_the_eras()
{
	fake "$ROOT/tests/cli/kextstat.answers"
	expect_golden modern
	expect_golden modern --era modern
	expect_golden arch -a
	expect_golden arch -arch
	expect_golden snowleopard --era snowleopard
	expect_golden tiger --era=tiger
	expect_golden tiger-k --era tiger -k
	expect_golden wide --wide
}

test_b_names_kexts_and_outweighs_k()
{
	fake "$ROOT/tests/cli/kextstat.answers"
	expect_equal "$(names -b org.example.lib -b com.apple.kpi.bsd)" "com.apple.kpi.bsd org.example.lib "
	expect_equal "$(names -k)" "org.example.new org.example.lib org.example.user "
	expect_equal "$(names -k -bundle-id com.apple.kpi.bsd)" "com.apple.kpi.bsd "
	expect_equal "$(names -b __kernel__)" ""
	# Tiger's tool told references among what it printed only.
	expect_status 0 kextstat -l -b org.example.lib
	grep -q ' <1>$' "$T/out"
	expect_status 0 kextstat --era tiger -l -b org.example.lib
	grep -q '(1.0)$' "$T/out"
}

test_b_of_an_unknown_identifier_is_the_header_alone()
{
	fake "$ROOT/tests/cli/kextstat.answers"
	expect_status 0 kextstat -b org.example.none
	expect_equal "$(cat "$T/out")" "$(head -1 "$ROOT/tests/golden/kextstat-modern.txt")"
}

test_l_leaves_the_header_out()
{
	fake "$ROOT/tests/cli/kextstat.answers"
	expect_status 0 kextstat -list-only
	diff <(tail -n +2 "$ROOT/tests/golden/kextstat-modern.txt") "$T/out"
}

test_s_sorts_by_address()
{
	fake "$ROOT/tests/cli/kextstat.answers"
	for option in -s -sort --so; do
		expect_equal "$(names $option)" \
			"org.example.new com.apple.kpi.bsd org.example.user org.example.lib "
	done
}

test_o_chooses_columns()
{
	fake "$ROOT/tests/cli/kextstat.answers"
	expect_status 0 kextstat -k -o version,index
	printf '%s\n' 'Version  Index' '-           ??' '1.0          2' '10.2.3d4    12' |
		diff - "$T/out"
	expect_status 64 kextstat -o version,colour
	expect_text "$T/err" "'colour' is no column"
	expect_status 64 kextstat -o version,
	expect_status 64 kextstat -o version --wide
}

test_json_schema()
{
	fake "$ROOT/tests/cli/kextstat.answers"
	expect_status 0 kextstat --json -k
	python3 - "$T/out" <<-'END'
		import json, sys
		top = json.load(open(sys.argv[1]))
		assert list(top) == ["schema", "kexts"] and top["schema"] == "kextstat/1", top
		new, lib, user = top["kexts"]
		assert new == {"CFBundleIdentifier": "org.example.new"}, new
		assert lib["OSBundleUUID"] == "0123ABCD-4567-89AB-CDEF-0123456789AB", lib
		assert lib["OSBundleLoadAddress"] == 0xffffff7f80a3e000, lib
		assert user["OSBundleDependencies"] == [1, 10, 2], user
	END
}

test_statuses()
{
	expect_status 64 kextstat extra
	expect_status 64 kextstat --no-such-option
	expect_text "$T/err" "usage: kextstat"
	expect_status 1 kextstat --era tiger extra
	expect_status 64 kextstat --era jaguar
	expect_status 64 kextstat --era snowleopard -a
	expect_status 1 kextstat --era tiger -s
	# "(libkern/kext) not privileged"
	echo '{"Get Loaded Kext Info": 10001}' >"$T/answers"
	fake "$T/answers"
	expect_status 71 kextstat
	expect_text "$T/err" "Couldn't get list of loaded kexts from kernel"
	expect_equal "$(cat "$T/out")" ""
	expect_status 1 kextstat --era tiger
}

run_tests
