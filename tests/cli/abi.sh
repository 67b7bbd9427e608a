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

# The C objects are the same; only the C++ is compiled again, unless sanitizers are in them.
test_vtables_and_symbols_of_clang()
{
	local other=$T/clang
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
	python3 "$ROOT/tests/model/abi.py" "$other/share/kext/mach_kernel" "$ROOT/tests/golden" |
		tee "$SUITE/clang" | grep '^not ok' && fail "the tables differ"
	[ "$(grep -c '^ok' "$SUITE/clang")" -ge 18 ] || fail "checks are missing"
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
