#!/bin/bash
# The EXAMPLES of every manual page, run as they stand, one block after the other, in a folder
# that has what they name.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/prelink.inc"

# Programs that nobody calls by hand.
WITHOUT_EXAMPLES='kernel_task.8 kext-inspect.8'

# examples_of PAGE: the blocks of its EXAMPLES, an empty line after each, troff's escapes undone.
examples_of()
{
	awk '
		/^\.Sh / { inside = /^\.Sh EXAMPLES/ }
		inside && /^\.Bd -literal/ { literal = 1; next }
		literal && /^\.Ed/ { literal = 0; print ""; next }
		literal { gsub(/\\e/, "\\"); gsub(/\\&/, ""); gsub(/\\-/, "-"); print }
	' "$1"
}

# run_examples PAGE: each block with its own status; a page without any has failed.
run_examples()
{
	local block='' line count=0
	cd "$T"
	# What is unpacked, copied or made here belongs to whoever runs this.
	[ "$(id -u)" != 0 ] || chown -R 0:0 "$T"
	while IFS= read -r line; do
		if [ -n "$line" ]; then
			block+=$line$'\n'
			continue
		fi
		echo "running: $block" >&2
		bash -euo pipefail -c "$block" </dev/null >>"$T/examples.out" ||
			fail "exit status $? of the example: $block"
		block='' count=$((count + 1))
	done < <(examples_of "$ROOT/man/$1")
	[ "$count" -gt 0 ] || fail "$1 has no examples"
}

test_every_page_of_a_command_has_examples()
{
	local page name without=''
	for page in "$ROOT"/man/*.[18]; do
		name=$(basename "$page")
		[ -n "$(examples_of "$page")" ] || without+="$name "
		# What is not run here is not tested.
		case " $WITHOUT_EXAMPLES " in
		*" $name "*) ;;
		*) declare -F "test_${name//[-.]/_}" >/dev/null || fail "$name is not run" ;;
		esac
	done
	expect_equal "$without" "$WITHOUT_EXAMPLES "
}

# extensions: a kernel and a folder Extensions of libraries and drivers.
extensions()
{
	python3 -B "$ROOT/tests/model/prelink_make.py" "$T" 2
}

test_kdmesg_8()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	run_examples kdmesg.8
	expect_text "$T/examples.out" DummySysctl_start
}

test_kext_cc_1()
{
	mkdir -p "$T/Foo.kext/Contents/MacOS"
	cp "$ROOT/tests/kexts/DummySysctl/"*.c "$T"
	run_examples kext-cc.1
	llvm-nm-14 "$T/Foo.kext/Contents/MacOS/Foo" >"$T/names"
	expect_text "$T/names" ' _kmod_info'
}

test_kextcache_8()
{
	dummy_kext "$T"
	extensions
	run_examples kextcache.8
	[ -s "$T/prelinkedkernel" ] && [ -s "$T/Both.mkext" ]
	[ -s "$T/symbols/com.example.Driver0.sym" ]
}

test_kextd_8()
{
	run_examples kextd.8
	kextd --shutdown
}

test_kextfind_8()
{
	extensions
	dummy_kext "$T/Extensions"
	run_examples kextfind.8
	expect_text "$T/examples.out" com.example.Library0
}

test_kextld_1()
{
	kext-cc -arch x86_64 -c -o "$T/a.o" "$ROOT/tests/kexts/DummySysctl/DummySysctl.c"
	kext-cc -arch x86_64 -c -o "$T/b.o" "$ROOT/tests/kexts/DummySysctl/_info.c"
	run_examples kextld.1
	llvm-nm-14 "$T/Foo" >"$T/names"
	expect_text "$T/names" ' _kmod_info'
}

test_kextlibs_8()
{
	dummy_kext "$T"
	run_examples kextlibs.8
	expect_text "$T/examples.out" '<key>com.apple.kpi.bsd</key>'
}

test_kextload_8()
{
	dummy_kext "$T"
	run_examples kextload.8
	expect_text "$T/examples.out" com.osxbook.kext.DummySysctl
}

test_kextstat_8()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	run_examples kextstat.8
	expect_text "$T/examples.out" com.osxbook.kext.DummySysctl
}

test_kextsymboltool_1()
{
	run_examples kextsymboltool.1
	llvm-nm-14 "$T/MyKPI" >"$T/names"
	expect_text "$T/names" ' _printf'
}

test_kextunload_8()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	run_examples kextunload.8
	kextstat -k >"$T/rows"
	expect_no_text "$T/rows" com.osxbook.kext.DummySysctl
}

test_kextutil_8()
{
	dummy_kext "$T"
	run_examples kextutil.8
	expect_text "$T/examples.out" 'appears to be loadable'
	[ -s "$T/symbols/com.osxbook.kext.DummySysctl.sym" ]
}

test_ksysctl_8()
{
	dummy_kext "$T"
	kextload "$T/DummySysctl.kext"
	run_examples ksysctl.8
	expect_text "$T/examples.out" 'debug.dummy: 42 -> 7'
}

test_mkextunpack_8()
{
	dummy_kext "$T"
	kextcache -m "$T/Dummy.mkext" "$T/DummySysctl.kext"
	three arm64
	mv "$T/boot.kc" "$T/BootKernelExtensions.kc"
	mv "$T/system.kc" "$T/SystemKernelExtensions.kc"
	mv "$T/aux.kc" "$T/AuxiliaryKernelExtensions.kc"
	run_examples mkextunpack.8
	[ -s "$T/unpacked/DummySysctl.kext/Contents/Info.plist" ]
	[ -n "$(find "$T/out" -name Alpha)" ]
	[ -n "$(find "$T/auxiliary" -name Gamma)" ]
}

run_tests
