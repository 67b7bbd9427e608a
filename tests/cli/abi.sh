#!/bin/bash
# The binary interface of libkern's classes, against tables of Darwin's: of the kernel as built, of
# one whose C++ the other compiler builds, and of the SDK's headers as kexts compile them.
. "$(dirname "$0")/lib.sh"

test_vtables_and_symbols()
{
	python3 "$ROOT/tests/model/abi.py" "$BUILD/share/kext/mach_kernel" "$ROOT/tests/golden" |
		tee "$SUITE/gcc" | grep '^not ok' && fail "the tables differ"
	[ "$(grep -c '^ok' "$SUITE/gcc")" -ge 18 ] || fail "checks are missing"
}

# The comparison sees one method in another's place, and a symbol that is not there.
test_differences_are_found()
{
	local mach_kernel=$BUILD/share/kext/mach_kernel
	cp "$ROOT"/tests/golden/abi-*.tsv "$T/"
	sed -i -e '/^OSArray\t8\t/s/7OSArray/5OSSet/' "$T/abi-vtables.tsv"
	echo __ZN7OSArray4sortEv >>"$T/abi-symbols.tsv"
	expect_status 1 python3 "$ROOT/tests/model/abi.py" "$mach_kernel" "$T"
	expect_text "$T/out" "not ok abi.vtable_OSArray slot 8: "
	expect_text "$T/out" "not ok abi.symbols __ZN7OSArray4sortEv"
	[ "$(grep -c '^not ok' "$T/out")" = 2 ] || fail "more differs than was changed"
}

# clang_kernel: a build folder with a kernel whose C++ clang has compiled, once a run. The C objects
# are the same, unless sanitizers are in them.
clang_kernel()
{
	local other=$SUITE/clang
	[ ! -e "$other/share/kext/mach_kernel" ] || return 0
	mkdir -p "$other"
	if ! nm "$BUILD/libexec/kext/kernel_task" | grep -q __asan_init; then
		cp -a "$BUILD/kernel" "$BUILD/pic" "$BUILD/gen" "$other/"
		find "$other/kernel" -path '*libkern/*.o' -newer /dev/null -print |
			while read -r object; do
				source=$ROOT/${object#"$other/kernel/"}
				[ ! -f "${source%.o}.cpp" ] || rm -f "$object" "${object%.o}.d"
			done
		find "$other" -name '*.d' -delete
	fi
	make -s -C "$ROOT" SAN= BUILD="$other" KERNEL_CXX=clang++-14 \
		"$other/share/kext/mach_kernel" >"$T/make" 2>&1 || {
		tail -20 "$T/make"
		fail "clang does not build the kernel"
	}
	cp -R "$BUILD/share/kext/System.kext" "$other/share/kext/"
}

test_vtables_and_symbols_of_clang()
{
	clang_kernel
	python3 "$ROOT/tests/model/abi.py" "$SUITE/clang/share/kext/mach_kernel" "$ROOT/tests/golden" |
		tee "$SUITE/clang.checks" | grep '^not ok' && fail "the tables differ"
	[ "$(grep -c '^ok' "$SUITE/clang.checks")" -ge 18 ] || fail "checks are missing"
}

# say NAME: what the samples say in the kernel of the environment, into $T/NAME.
say()
{
	local sample
	export KEXT_RUNDIR=$T/run.$1 KEXT_STATEDIR=$T/state.$1
	for sample in Objects LibkernTests; do
		[ -d "$T/$sample.kext" ] ||
			make -s -C "$ROOT/tests/kexts/$sample" KEXT_CC="$BUILD/bin/kext-cc" OUT="$T" >&2
		expect_status 0 kextload "$T/$sample.kext"
	done
	ksysctl -n debug.objects >"$T/$1"
	for sample in Objects LibkernTests; do
		expect_status 0 kextunload "$T/$sample.kext"
	done
	kdmesg | grep "^ok \|^not ok \|shapes left" >>"$T/$1"
	kextd --shutdown
}

# The samples cannot tell which compiler built the kernel.
test_samples_say_the_same()
{
	clang_kernel
	say gcc
	export KEXT_LIBEXECDIR=$SUITE/clang/libexec/kext KEXT_DATADIR=$SUITE/clang/share/kext
	say clang
	readelf -p .comment "$KEXT_LIBEXECDIR/kernel_task" >"$T/comment"
	expect_text "$T/comment" clang
	[ "$(grep -c '^ok ' "$T/gcc")" -ge 240 ] || fail "checks are missing"
	diff "$T/gcc" "$T/clang" || fail "they differ"
}

# Sizes and offsets as compile-time assertions, for each compiler that reads the headers.
test_sizes_and_fields()
{
	{
		echo '#include <libkern/c++/OSContainers.h>'
		awk -F'\t' '!/^#/ { print "static_assert(sizeof(" $1 ") == " $3 ", \"" $1 "\");" }' \
			"$ROOT/tests/golden/abi-classes.tsv"
		awk -F'\t' '!/^#/ { print "static_assert(__builtin_offsetof(" $1 ", " $3 ") == " $2 \
			", \"" $1 "::" $3 "\");" }' "$ROOT/tests/golden/abi-fields.tsv"
	} >"$T/layout.cpp"
	[ "$(grep -c static_assert "$T/layout.cpp")" -ge 70 ] || fail "assertions are missing"
	local flags="-std=gnu++14 -fno-access-control -fno-rtti -Wno-invalid-offsetof
		-nostdinc -nostdinc++ -isystem $ROOT/lib/sdk/include -fsyntax-only"
	# shellcheck disable=SC2086
	g++ $flags "$T/layout.cpp"
	# shellcheck disable=SC2086
	clang++-14 $flags "$T/layout.cpp"
	kext-cc -arch x86_64 -std=gnu++14 -fno-access-control -Wno-invalid-offsetof -c \
		-o "$T/layout.o" "$T/layout.cpp"
	sed -i 's/sizeof(OSArray) == 56/sizeof(OSArray) == 57/' "$T/layout.cpp"
	# shellcheck disable=SC2086
	g++ $flags "$T/layout.cpp" 2>/dev/null && fail "the assertions assert nothing"
	true
}

run_tests
