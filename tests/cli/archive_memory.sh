#!/bin/bash
# How much memory unpacking takes: the archive, the largest entry for each core, and 16 MiB,
# however much comes out of it.
. "$(dirname "$0")/lib.sh"

readonly SIZE=$((4 << 20)) KEXTS=30

# peak COMMAND…: resident KiB at most of a run, which must succeed.
peak()
{
	python3 - "$@" <<-'END'
		import os, sys
		child = os.fork()
		if child == 0:
		    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
		    os.execvp(sys.argv[1], sys.argv[1:])
		_, status, usage = os.wait4(child, 0)
		assert status == 0, status
		print(usage.ru_maxrss)
	END
}

# expect_peak ARCHIVE LARGEST OPTION…: within the bound; LARGEST in bytes.
expect_peak()
{
	local archive=$1 largest=$2 used bound
	shift 2
	bound=$((($(stat -c %s "$archive") + largest * $(nproc)) / 1024 + 16 * 1024))
	used=$(peak mkextunpack "$@" "$archive")
	[ "$used" -le "$bound" ] || fail "mkextunpack $*: $used KiB, expected at most $bound"
}

expect_bounds()
{
	expect_peak "$1" "$2" -l
	expect_peak "$1" "$2" -d "$T/new"
	expect_peak "$1" "$2" -f -j 1 -d "$T/new"
	[ "$(ls "$T/new" | wc -l)" -ge 6 ] || fail "too few kexts"
	[ "$(du -sk "$T/new" | cut -f 1)" -ge $((6 * SIZE / 1024)) ] || fail "too few bytes"
}

test_mkext_1()
{
	python3 "$ROOT/tests/model/mkext_bulk.py" 1 $KEXTS $SIZE "$T/a.mkext"
	expect_bounds "$T/a.mkext" $SIZE
}

test_mkext_2()
{
	python3 "$ROOT/tests/model/mkext_bulk.py" 2 $KEXTS $SIZE "$T/a.mkext"
	expect_bounds "$T/a.mkext" $SIZE
}

# Each executable is made when it is written.
test_prelinked_kernel()
{
	local name objects=
	echo "char bulk[$SIZE] = {1}; struct { int a[49]; } kmod_info = {{1}};" >"$T/bulk.c"
	for name in A B C D E F; do
		clang-14 -target x86_64-apple-macos11 -c -o "$T/$name.o" "$T/bulk.c"
		objects+=" $T/$name.o"
	done
	python3 "$ROOT/tests/model/prelinked.py" build classic x86_64 "$T/kernel" $objects
	expect_bounds "$T/kernel" $((SIZE + 65536))
}

# 100 MB with an information dictionary of 9 MB, which becomes values. No kext is taken out.
test_list_of_a_large_kernel()
{
	python3 "$ROOT/tests/model/prelink_large.py" "$T/kernel"
	expect_peak "$T/kernel" $((300 << 10)) -l
}

run_tests
