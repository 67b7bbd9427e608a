#!/bin/bash
# kextutil: symbol files against the model, addresses, other kernels, threads, exit codes.
. "$(dirname "$0")/lib.sh"

# other_system KIND: a kernel, its System.kext and 24 kexts of four levels in $T/s. KIND: an
# architecture, or object_ARCH for kexts that are object files.
other_system()
{
	python3 "$ROOT/tests/model/system.py" build "$1" "$T/s"
	mkdir "$T/sym"
	OTHER=(-e -n -arch "${1#object_}" -k "$T/s/kernel" -r "$T/s/kexts")
}

all_kexts()
{
	printf '%s\n' "$T"/s/kexts/K*.kext
}

check_symbols()
{
	local kind=$1
	other_system "$kind"
	kextutil "${OTHER[@]}" -s "$T/sym" -a "@$T/s/addresses" "$T"/s/kexts/K3*.kext \
		>"$T/said" || fail "kextutil"
	python3 "$ROOT/tests/model/system.py" check "$kind" "$T/s" "$T/sym"
	expect_text "$T/said" '6 kexts: 6 without problems, 0 with'
	expect_text "$T/said" "K35.kext appears to be loadable (including linkage for on-disk"
}

test_symbols_x86_64() { check_symbols x86_64; }
test_symbols_arm64() { check_symbols arm64; }
test_symbols_arm() { check_symbols arm; }
test_symbols_i386() { check_symbols i386; }
test_symbols_i386_objects() { check_symbols object_i386; }
test_symbols_ppc() { check_symbols object_ppc; }

test_dependency_order()
{
	local id place=0 last=0
	other_system x86_64
	kextutil "${OTHER[@]}" -v 2 -a "@$T/s/addresses" "$T/s/kexts/K30.kext" >"$T/said"
	for id in level0.kext0 level1.kext0 level2.kext0 level3.kext0; do
		place=$(grep -n "test.$id " "$T/said" | cut -d: -f1)
		[ "$place" -gt "$last" ] || fail "$id comes at $place, after $last"
		last=$place
	done
	# One of the fourth level, two of the third, three, four.
	expect_equal "$(grep -c '^0x' "$T/said")" 10
	expect_status 0 kextutil "${OTHER[@]}" $(all_kexts)
	expect_text "$T/out" '24 kexts: 24 without problems, 0 with'
}

# Without addresses the places depend on the order of links, which must not show. Each level
# has its own failure: a damaged file, a name that nobody exports, a library that is missing,
# a kext that two others are built on.
check_threads()
{
	local jobs
	other_system "$1"
	printf '\xff' | dd of="$T/s/kexts/K13.kext/K" bs=1 seek=16 conv=notrunc 2>/dev/null
	sed -i 's,_f01,_nix,g' "$T/s/kexts/K10.kext/K"
	sed -i 's,test.level1.kext1,test.nowhere,' "$T/s/kexts/K20.kext/Info.plist"
	mkdir "$T/o1" "$T/o2" "$T/o8"
	head -30 "$T/s/addresses" | grep -v level1 >"$T/some"
	for jobs in 1 2 8; do
		kextutil "${OTHER[@]}" -j $jobs -t -z -s "$T/o$jobs" -a "@$T/some" \
			$(all_kexts) >"$T/said$jobs" 2>"$T/err$jobs" && fail "all link"
		sed -i "s,$T/o$jobs,OUT,g" "$T/said$jobs"
	done
	# K10 and K13; K20, K22, K23 and K25, which need one of them; all of the fourth level.
	expect_text "$T/said1" '24 kexts: 12 without problems, 12 with'
	for jobs in 2 8; do
		diff "$T/said1" "$T/said$jobs"
		diff "$T/err1" "$T/err$jobs"
		diff -r "$T/o1" "$T/o$jobs"
	done
	expect_equal "$(ls "$T/o1" | grep -c level0)" 6
	expect_equal "$(ls "$T/o1" | grep -c level1)" 0
	cat "$T/said1" "$T/err1" >"$T/all"
	expect_text "$T/all" '_nix'
	expect_text "$T/all" 'test.nowhere'
}

test_threads_x86_64() { check_threads x86_64; }
test_threads_i386_objects() { check_threads object_i386; }
test_threads_ppc() { check_threads object_ppc; }

test_addresses()
{
	other_system x86_64
	cat >"$T/file" <<-END
		# what kextstat printed
		test.level0.kext1@0xffffff7f80f00000

	END
	expect_status 0 kextutil "${OTHER[@]}" -s "$T/sym" -a test.level1.kext0@ffffff7f81000000 \
		-a "@$T/file" -a nobody.knows@1000 "$T/s/kexts/K10.kext"
	expect_equal "$(ls "$T/sym" | tr '\n' ' ')" "test.level0.kext1.sym test.level1.kext0.sym "
	llvm-objdump-14 --macho --private-headers "$T/sym/test.level1.kext0.sym" >"$T/headers"
	expect_text "$T/headers" 'vmaddr 0xffffff7f81000000'
	expect_text "$T/err" 'nobody.knows: no kext of this identifier is linked'
	local bad
	for bad in test.level1.kext0 test.level1.kext0@0 x@ x@12q; do
		expect_status 64 kextutil -a "$bad" "$T/s/kexts/K10.kext"
	done
	echo 'test.level1.kext0 1000' >"$T/file"
	expect_status 64 kextutil -a "@$T/file" "$T/s/kexts/K10.kext"
	expect_text "$T/err" "file:1:"
}

# Nothing given: asked, and an empty line is no address.
test_asks_for_addresses()
{
	other_system x86_64
	printf '\nzzz\nffffff7f80f00000\n\n' | kextutil "${OTHER[@]}" -s "$T/sym" \
		"$T/s/kexts/K10.kext" 2>"$T/err"
	expect_equal "$(ls "$T/sym")" test.level0.kext1.sym
	expect_text "$T/err" "'zzz' is no hexadecimal address"
}

test_files_are_replaced()
{
	other_system x86_64
	echo old >"$T/sym/test.level0.kext0.sym"
	kextutil "${OTHER[@]}" -s "$T/sym" -a test.level0.kext0@ffffff7f80e00000 \
		"$T/s/kexts/K00.kext"
	llvm-nm-14 "$T/sym/test.level0.kext0.sym" >"$T/names"
	expect_text "$T/names" 'ffffff7f80e'
	sed -i 's,test.level0.kext0,../../escaped,' "$T/s/kexts/K00.kext/Info.plist"
	kextutil "${OTHER[@]}" -s "$T/sym" -a ../../escaped@ffffff7f80e00000 \
		"$T/s/kexts/K00.kext" 2>"$T/err" && fail "wrote outside of the folder"
	expect_text "$T/err" 'cannot be the name of a file'
	expect_status 64 kextutil "${OTHER[@]}" -s "$T/none" "$T/s/kexts/K00.kext"
}

test_other_kernels()
{
	other_system x86_64
	# Our KPIs have no business with that kernel.
	expect_status 4 kextutil -e -n -k "$T/s/kernel" "$T/s/kexts/K00.kext"
	expect_text "$T/err" 'no compatible dependency found for com.apple.kpi.libkern'
	sed -i 's,18.7.0,18.6.0,' "$T/s/kexts/System.kext/PlugIns/Libkern.kext/Info.plist"
	expect_status 0 kextutil "${OTHER[@]}" "$T/s/kexts/K00.kext"
	expect_text "$T/err" 'version 18.6.0 is not that of the kernel'
	expect_text "$T/err" 'which is 18.7'
	expect_status 2 kextutil "${OTHER[@]}" -arch arm64 -k "$T/s/kernel" \
		"$T/s/kexts/K00.kext"
	expect_text "$T/err" 'no code for arm64'
}

# The highest compatible version is linked against, -d or -r, and is explained when wrong.
test_versions()
{
	other_system x86_64
	cp -R "$T/s/kexts/K00.kext" "$T/newer.kext"
	sed -i -e 's,>1.2<,>2.0<,' -e 's,>1.0</string>,>1.5</string>,' "$T/newer.kext/Info.plist"
	expect_status 0 kextutil "${OTHER[@]}" -v 2 -d "$T/newer.kext" "$T/s/kexts/K10.kext"
	expect_text "$T/out" 'test.level0.kext0 (1.2)'
	sed -i 's,>1.5</string>,>1.0</string>,' "$T/newer.kext/Info.plist"
	expect_status 0 kextutil "${OTHER[@]}" -v 2 -d "$T/newer.kext" "$T/s/kexts/K10.kext"
	expect_text "$T/out" 'test.level0.kext0 (2.0)'
}

test_exit_codes()
{
	expect_status 64 kextutil -n
	expect_status 64 kextutil -k x X.kext
	expect_status 64 kextutil -z X.kext
	expect_status 64 kextutil -n -Z -s "$T" X.kext
	expect_status 64 kextutil -A -a a@1 X.kext
	expect_status 64 kextutil -nA -arch arm64 X.kext
	expect_status 64 kextutil -n -j 0 X.kext
	expect_status 1 kextutil -n "$T/none.kext"
	expect_status 1 kextutil -n -b no.such.kext
	dummy_kext "$T"
	expect_status 0 kextutil -n "$T/DummySysctl.kext"
	expect_status 2 kextutil -n -arch arm64 "$T/DummySysctl.kext"
	expect_status 0 kextutil -nt "$T/DummySysctl.kext"
	expect_status 0 kextutil -n -Z "$T/DummySysctl.kext"
	expect_text "$T/out" '(not including linkage for on-disk libraries)'
	expect_status 5 kextutil -nx "$T/DummySysctl.kext"
	expect_text "$T/err" 'no legal OSBundleRequired'
	expect_status 0 kextutil -n -q "$T/DummySysctl.kext"
	expect_equal "$(cat "$T/out" "$T/err")" ''
	expect_status 1 kextutil -n "$T/none.kext" "$T/DummySysctl.kext"
	expect_text "$T/out" '2 kexts: 1 without problems, 1 with'
}

# One row each: which options exclude each other.
test_conflicts()
{
	local line
	while read -r line; do
		# shellcheck disable=SC2086
		expect_status 64 kextutil $line X.kext
	done <<-END
		-l -m
		-l -n
		-m -n
		-m -a x@1000
		-l -A
		-A -a x@1000
		-i -n
		-I -n
		-k $ROOT/README.md
		-z
		-Z
		-Z -n -s $T
		-m -k $ROOT/README.md
		-m -z
		-m -s $T
		-n -p name
		-l -p name
		-arch arm64
		-A -arch arm64
		-n -arch z80
		-n -era jaguar
		-json
		-n -s $T/none
		-n -r $ROOT/README.md
		-n -d $ROOT/README.md
		-n -d $T
		-sysctl a=1
		-n -run
		-n -j 257
	END
	expect_status 66 kextutil -n -d "$T/none.kext" X.kext
	expect_status 66 kextutil -n -r "$T/none" X.kext
	expect_status 7 kextutil -q -i X.kext
	expect_status 7 kextutil -q -I X.kext
	expect_status 0 kextutil -h
	expect_text "$T/out" 'usage: kextutil'
	expect_equal "$(cat "$T/err")" ''
}

test_obsolete_options()
{
	dummy_kext "$T"
	expect_status 0 kextutil -n -c -D "$T/DummySysctl.kext"
	expect_text "$T/err" '-no-caches (-c) is ignored'
	expect_text "$T/err" '-no-loaded-check (-D) is ignored'
}

test_kernel_is_no_file()
{
	dummy_kext "$T"
	kextutil -n -k /dev/null "$T/DummySysctl.kext" 2>"$T/err" && fail "linked"
	expect_equal "$(cat "$T/err")" \
		"kextutil: /dev/null: the kernel cannot be read: this is no regular file"
	mkfifo "$T/fifo"
	kextutil -n -k "$T/fifo" "$T/DummySysctl.kext" 2>"$T/err" && fail "linked"
	expect_text "$T/err" 'this is no regular file'
}

# chain: two.kext, which needs one.kext, both in $T.
chain()
{
	make_kext "$T" one test.one 1.0 <<<'#include <mach/mach_types.h>
		int one_value(void) { return 1; }
		kern_return_t one_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t one_stop(kmod_info_t *k, void *d) { return 0; }'
	make_kext "$T" two test.two 1.0 test.one=1.0 <<<'#include <mach/mach_types.h>
		int one_value(void);
		kern_return_t two_start(kmod_info_t *k, void *d) { return one_value() - 1; }
		kern_return_t two_stop(kmod_info_t *k, void *d) { return 0; }'
}

loaded()
{
	kextstat | awk '$6 ~ /^test[.]/ { print $6 }' | tr '\n' ' '
}

test_interactive()
{
	chain
	expect_status 3 kextutil -i -d "$T/one.kext" "$T/two.kext" <<<n
	expect_text "$T/err" 'Load and start test.two (1.0) [Y/n]? '
	expect_equal "$(loaded)" ''
	# A refusal ends it all: the second kext is not asked about.
	expect_status 3 kextutil -i -d "$T/one.kext" "$T/two.kext" "$T/one.kext" <<<n
	expect_no_text "$T/err" 'test.one'
	# Neither y nor n is asked again; no end of line is no answer.
	expect_status 3 kextutil -i -d "$T/one.kext" "$T/two.kext" <<<"$(printf 'x\nNo')"
	expect_text "$T/err" "Please answer 'y' or 'n'."
	printf y | expect_status 3 kextutil -i -d "$T/one.kext" "$T/two.kext"
	expect_text "$T/err" 'the input ended before an answer'
	expect_equal "$(loaded)" ''
	# Only the named one is asked about; an empty line is the default.
	expect_status 0 kextutil -i -d "$T/one.kext" "$T/two.kext" <<<''
	expect_no_text "$T/err" 'test.one (1.0)'
	expect_equal "$(loaded)" 'test.one test.two '
}

test_interactive_all()
{
	chain
	expect_status 3 kextutil -I -d "$T/one.kext" "$T/two.kext" <<<"$(printf 'y\nn')"
	expect_text "$T/err" 'Load and start test.one (1.0) [Y/n/a]? '
	expect_text "$T/err" 'Load and start test.two (1.0) [Y/n/a]? '
	expect_equal "$(loaded)" ''
	expect_status 0 kextutil -I -d "$T/one.kext" "$T/two.kext" <<<A
	expect_no_text "$T/err" 'test.two (1.0)'
	expect_equal "$(loaded)" 'test.one test.two '
	# Nothing is asked of what is loaded.
	expect_status 0 kextutil -I -d "$T/one.kext" "$T/two.kext" </dev/null
}

test_personalities()
{
	chain
	expect_status 6 kextutil -m "$T/one.kext"
	expect_text "$T/err" 'is not loaded'
	kextload "$T/one.kext"
	expect_status 0 kextutil -m "$T/one.kext"
	sed -i 's,^</dict></dict></plist>,</dict><key>IOKitPersonalities</key><dict>\
		<key>Disk</key><dict><key>IOClass</key><string>a</string>\
		<key>IOProviderClass</key><string>b</string></dict></dict></dict></plist>,' \
		"$T/one.kext/Contents/Info.plist"
	expect_status 71 kextutil -m "$T/one.kext"
	expect_text "$T/err" '1 of its personalities cannot be sent'
	expect_status 71 kextutil -p Disk "$T/one.kext"
	expect_status 64 kextutil -m -p Disc "$T/one.kext"
	expect_text "$T/err" 'none of the kexts has a personality of this name'
	expect_status 0 kextutil -l "$T/one.kext"
	expect_no_text "$T/err" personalities
	expect_status 0 kextutil "$T/one.kext"
	expect_text "$T/err" '1 of its personalities cannot be sent'
}

# One call finds what is wrong with the properties, the modes and the link.
test_preflight_tells_all()
{
	chain
	sed -i 's,<key>CFBundlePackageType,<key>OSBundleRequired</key><true/>&,' \
		"$T/two.kext/Contents/Info.plist"
	chmod g+w "$T/two.kext/Contents/MacOS/two"
	make_kext "$T/other" one test.one 1.0 <<<'#include <mach/mach_types.h>
		kern_return_t one_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t one_stop(kmod_info_t *k, void *d) { return 0; }'
	expect_status 4 kextutil -n -t -d "$T/other/one.kext" "$T/two.kext" "$T/none.kext" \
		"$T/other/one.kext"
	expect_text "$T/err" 'OSBundleRequired'
	expect_text "$T/err" 'must not be writable by group or others'
	expect_text "$T/err" '_one_value is not defined'
	expect_text "$T/err" 'none.kext: cannot be opened'
	expect_text "$T/out" '3 kexts: 1 without problems, 2 with'
	expect_equal "$(grep -c '_one_value is not defined' "$T/err")" 1
	# Without -t the dependencies are judged, too.
	sed -i 's,<key>CFBundlePackageType,<key>OSBundleRequired</key><true/>&,' \
		"$T/other/one.kext/Contents/Info.plist"
	sed -i 's,<key>OSBundleRequired</key><true/>,,' "$T/two.kext/Contents/Info.plist"
	expect_status 4 kextutil -n -d "$T/other/one.kext" "$T/two.kext"
	expect_text "$T/err" 'needs test.one, which is not a valid kext'
}

test_addresses_of_the_kernel()
{
	local address
	dummy_kext "$T"
	mkdir "$T/sym"
	# Nothing runs yet: no address, no file.
	expect_status 0 kextutil -nA -s "$T/sym" "$T/DummySysctl.kext"
	expect_equal "$(ls "$T/sym")" ''
	make_kext "$T" Other test.other 1.0 <<<'#include <mach/mach_types.h>
		kern_return_t Other_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t Other_stop(kmod_info_t *k, void *d) { return 0; }'
	kextload "$T/Other.kext"
	expect_status 0 kextutil "$T/DummySysctl.kext"
	expect_text "$T/out" 'loaded successfully'
	for tool in "kextutil -nA" "kextload -A"; do
		rm -f "$T"/sym/*
		$tool -s "$T/sym" "$T/DummySysctl.kext"
		address=$(kextstat | awk '$6 == "com.osxbook.kext.DummySysctl" {print $3}')
		[ -n "$address" ] || fail "kextstat does not list it"
		llvm-objdump-14 --macho --private-headers "$T/sym/com.osxbook.kext.DummySysctl.sym" \
			>"$T/headers"
		expect_text "$T/headers" "vmaddr 0x0000$(printf %012x "$address")"
	done
	# Loading and symbols in one.
	kextunload "$T/DummySysctl.kext"
	rm -f "$T"/sym/*
	expect_status 0 kextutil -s "$T/sym" "$T/DummySysctl.kext"
	expect_equal "$(ls "$T/sym")" com.osxbook.kext.DummySysctl.sym
}

# What stays unresolved is explained from all libraries at hand, loading or not.
test_unresolved_is_explained()
{
	make_kext "$T" Lib test.lib 2.0 <<<'#include <mach/mach_types.h>
		int _Z9lib_valuev(void) { return 1; }
		kern_return_t Lib_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t Lib_stop(kmod_info_t *k, void *d) { return 0; }'
	make_kext "$T" User test.user 1.0 <<<'#include <mach/mach_types.h>
		int _Z9lib_valuev(void); void nobody(void);
		int User_start(kmod_info_t *k, void *d) { nobody(); return _Z9lib_valuev(); }
		kern_return_t User_stop(kmod_info_t *k, void *d) { return 0; }'
	for tool in "kextutil -n" "kextload -nt" "kextload"; do
		$tool -d "$T/Lib.kext" "$T/User.kext" 2>"$T/err" && fail "$tool linked it"
		expect_text "$T/err" '__Z9lib_valuev (lib_value())'
		expect_text "$T/err" 'test.lib 2.0 exports it: add that to OSBundleLibraries.'
		expect_text "$T/err" '_nobody is not defined'
	done
	kextutil -n -d "$T/Lib.kext" "$T/User.kext" 2>"$T/err" || :
	expect_text "$T/err" 'kextlibs(8)'
	# Declared, but an older version without the function is what gets linked.
	cp -R "$T/Lib.kext" "$T/New.kext"
	make_kext "$T" Lib test.lib 1.0 <<<'#include <mach/mach_types.h>
		kern_return_t Lib_start(kmod_info_t *k, void *d) { return 0; }
		kern_return_t Lib_stop(kmod_info_t *k, void *d) { return 0; }'
	sed -i 's,<key>OSBundleLibraries</key><dict>,&<key>test.lib</key><string>1.0</string>,' \
		"$T/User.kext/Contents/Info.plist"
	sed -i '/OSBundleCompatibleVersion/s,1.0<,1.5<,' "$T/New.kext/Contents/Info.plist"
	kextutil -n -d "$T/Lib.kext" -d "$T/New.kext" "$T/User.kext" 2>"$T/err" && fail linked
	expect_text "$T/err" 'test.lib 2.0 exports it, but OSBundleLibraries asks for version 1.0'
}

# The lists come for each kext that fails; -t has them for the others, too; -q for none.
test_lists_of_what_fails()
{
	dummy_kext "$T"
	expect_status 0 kextutil -n "$T/DummySysctl.kext"
	expect_no_text "$T/err" "Diagnostics for"
	sed -i '0,/<dict>/s/<dict>/<dict><key>OSBundleDebugLevel<\/key><integer>1<\/integer>/' \
		"$T/DummySysctl.kext/Contents/Info.plist"
	expect_status 0 kextutil -nt "$T/DummySysctl.kext"
	expect_text "$T/err" "Diagnostics for $T/DummySysctl.kext:"
	sed -i s/1.0.0d1/one/ "$T/DummySysctl.kext/Contents/Info.plist"
	expect_status 4 kextutil -n "$T/DummySysctl.kext"
	expect_text "$T/err" "Diagnostics for $T/DummySysctl.kext:"
	expect_status 4 kextutil -nt -q "$T/DummySysctl.kext"
	expect_equal "$(cat "$T/out" "$T/err")" ""
}

# What was built twice is tested twice; a symbol file is of one of them alone.
test_one_identifier_in_several_kexts()
{
	mkdir -p "$T/debug" "$T/release"
	dummy_kext "$T/debug"
	dummy_kext "$T/release"
	expect_status 0 kextutil -n "$T/debug/DummySysctl.kext" "$T/release/DummySysctl.kext"
	expect_text "$T/out" "2 kexts: 2 without problems, 0 with"
	expect_status 0 kextutil -n "$T/debug/DummySysctl.kext" "$T/debug/DummySysctl.kext"
	rm "$T/release/DummySysctl.kext/Contents/MacOS/DummySysctl"
	expect_status 4 kextutil -n "$T/debug/DummySysctl.kext" "$T/release/DummySysctl.kext"
	expect_text "$T/out" "2 kexts: 1 without problems, 1 with"
	rm -r "$T/release/"*
	dummy_kext "$T/release"
	expect_status 4 kextutil -n -s "$T" "$T/debug/DummySysctl.kext" "$T/release/DummySysctl.kext"
	expect_text "$T/err" "link the two in separate calls"
}

run_tests
