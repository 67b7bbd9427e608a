#!/bin/bash
# kextd's options and statuses, a test for each.
. "$(dirname "$0")/lib.sh"

ID=com.osxbook.kext.DummySysctl

# serve OPTION…: a kextd in the foreground, serving when this returns; its log is $T/log.
serve()
{
	mkfifo "$T/ready"
	kextd -d --ready-fd 9 "$@" 9>"$T/ready" 2>"$T/log" &
	head -c 1 "$T/ready" >/dev/null
	rm "$T/ready"
}

test_x_is_a_safe_boot()
{
	dummy_kext "$T"
	serve -x
	expect_status 71 kextload "$T/DummySysctl.kext"
	expect_text "$T/err" "(libkern/kext) operation/kext not allowed at current boot level"
	sed -i '0,/<dict>/s|<dict>|<dict><key>OSBundleRequired</key><string>Root</string>|' \
		"$T/DummySysctl.kext/Contents/Info.plist"
	expect_status 0 kextload "$T/DummySysctl.kext"
}

# The cache of the folder lies about the identifier: who believes it does not find the kext.
test_c_believes_no_caches()
{
	local option
	export KEXT_ROOT=$T/root
	mkdir -p "$T/root/Library/Extensions"
	dummy_kext "$T/root/Library/Extensions"
	touch -d @1600000000 "$T/root/Library/Extensions"
	kextcache -k "$T/root/Library/Extensions"
	python3 - "$(find "$T/root/System" -name KextIdentifiers.plist.gz)" <<-'END'
		import gzip, os, sys
		path = sys.argv[1]
		stat = os.stat(path)
		data = gzip.decompress(open(path, "rb").read())
		lie = data.replace(b"com.osxbook.kext.Dummy", b"com.osxbook.kext.Yummy")
		assert lie != data
		open(path, "wb").write(gzip.compress(lie, mtime=0))
		os.utime(path, (stat.st_mtime, stat.st_mtime))
	END
	serve
	expect_status 71 kextload -e -r "$T/root/Library/Extensions" -b $ID
	kextd --shutdown
	wait
	for option in -c -no-caches; do
		serve $option
		expect_status 0 kextload -e -r "$T/root/Library/Extensions" -b $ID
		kextd --shutdown
		wait
	done
}

test_r_is_a_folder_that_kextd_alone_knows()
{
	dummy_kext "$T"
	serve -r "$T"
	expect_status 0 kextload -b $ID
	expect_equal "$(cat "$T/out")" "kextload: $ID loaded successfully"
	expect_equal "$(cat "$T/err")" ""
}

test_root_is_where_its_kexts_are()
{
	mkdir -p "$T/root/Library/Extensions"
	dummy_kext "$T/root/Library/Extensions"
	serve
	expect_status 71 kextload -b $ID
	kextd --shutdown
	wait
	serve --root "$T/root"
	expect_status 0 kextload -b $ID
	kextd --shutdown
	wait
	KEXT_ROOT=$T/root serve
	expect_status 0 kextload -b $ID
}

test_d_debug_q_and_v()
{
	serve
	kextd --shutdown
	wait
	expect_text "$T/log" "serves the"
	for option in -q "-v 0xff2" -quiet; do
		# shellcheck disable=SC2086
		serve $option
		kextd --shutdown
		wait
		expect_no_text "$T/log" "serves the"
	done
	mkfifo "$T/ready"
	kextd -debug --ready-fd 9 9>"$T/ready" 2>"$T/log" &
	head -c 1 "$T/ready" >/dev/null
	kextd --shutdown
	wait
	expect_text "$T/log" "serves the"
}

test_options_of_tiger_are_ignored_with_a_message()
{
	expect_status 69 kextd -b -f -j --status
	expect_text "$T/err" "ignored"
	expect_text "$T/err" "not running"
}

test_statuses()
{
	expect_status 0 kextd -h
	expect_status 64 kextd extra
	expect_status 69 kextd --status
	expect_status 0 kextd --shutdown
	serve
	expect_status 0 kextd --status
	expect_status 69 kextd -d	# another one serves
}

# kextd leaves the folder that it is started in.
test_a_repository_from_where_it_is_named()
{
	mkdir "$T/there"
	dummy_kext "$T/there"
	(cd "$T" && kextd -r there --idle 600)
	expect_status 0 kextload -b com.osxbook.kext.DummySysctl
	expect_status 66 kextd --foreground -r "$T/none"
}

run_tests
