#!/bin/bash
# KPI symbol sets: lists, aliases, wildcards; read back with llvm-nm.
. "$(dirname "$0")/lib.sh"

# names FILE: "KIND NAME" of each symbol, in the order of the file.
names()
{
	llvm-nm-14 -p "$1" | sed 's/^ *//'
}

test_list_is_sorted()
{
	printf '%s\n' '# a comment' '.objc_class_name_X' '_zebra' '' '_apple # here' \
		'  _mango' >"$T/list"
	kextsymboltool -arch x86_64 -export "$T/list" -output "$T/set"
	expect_equal "$(names "$T/set")" $'U _apple\nU _mango\nU _zebra'
	llvm-objdump-14 --macho --private-headers "$T/set" >"$T/headers"
	expect_text "$T/headers" 'KEXTBUNDLE'
	expect_text "$T/headers" '__LINKEDIT'
	expect_text "$T/headers" 'LC_UUID'
}

test_every_cpu()
{
	local arch
	echo _printf >"$T/list"
	for arch in x86_64 i386 arm64 armv7 ppc; do
		kextsymboltool -arch $arch -export "$T/list" -output "$T/set"
		expect_equal "$(names "$T/set")" 'U _printf'
	done
	llvm-objdump-14 --macho --private-headers "$T/set" >"$T/headers"
	expect_text "$T/headers" 'PPC'
	expect_status 64 kextsymboltool -arch vax -export "$T/list" -output "$T/set"
}

test_aliases_and_obsolete()
{
	printf '%s\n' '_IOLockLock:_lck_mtx_lock' '_old -obsolete' '_new' \
		'_both:_old_target -obsolete' >"$T/list"
	kextsymboltool -export "$T/list" -output "$T/set"
	llvm-nm-14 -p -m "$T/set" >"$T/names"
	expect_text "$T/names" 'IOLockLock (for _lck_mtx_lock)'
	python3 - "$T/set" <<-'END' || fail "n_desc"
		import struct, sys
		data = open(sys.argv[1], "rb").read()
		at = 32
		while struct.unpack_from("<I", data, at)[0] != 2:
		    at += struct.unpack_from("<I", data, at + 4)[0]
		symbols, count, strings, _ = struct.unpack_from("<4I", data, at + 8)
		found = {}
		for i in range(count):
		    strx, kind, _, desc, value = struct.unpack_from("<IBBHQ", data, symbols + 16 * i)
		    start = strings + strx
		    found[data[start:data.index(0, start)].decode()] = (kind, desc)
		assert found == {"_IOLockLock": (0xB, 0), "_old": (1, 0x20), "_new": (1, 0),
		                 "_both": (0xB, 0x20)}, found
	END
}

test_wildcards_follow_the_imports()
{
	printf '%s\n' 'ffffff8000200000 T _vnode_get' 'ffffff8000200010 T _vnode_put' \
		'ffffff8000200020 T _other' >"$T/kernel.nm"
	printf '%s\n' '_vnode_*' '_other' >"$T/list"
	kextsymboltool -import "$T/kernel.nm" -export "$T/list" -output "$T/set"
	expect_equal "$(names "$T/set")" $'U _other\nU _vnode_get\nU _vnode_put'
	expect_status 1 kextsymboltool -export "$T/list" -output "$T/set"
	expect_text "$T/err" 'nothing to match _vnode_*'
}

test_kernel_as_import()
{
	printf '%s\n' '_printf' '_no_such_function' >"$T/list"
	expect_status 1 kextsymboltool -import "$BUILD/share/kext/mach_kernel" \
		-export "$T/list" -output "$T/set"
	expect_text "$T/err" 'line 2: the kernel has no _no_such_function'
	expect_no_text "$T/err" '_printf'
	[ ! -e "$T/set" ] || fail "a failed run writes nothing"
	kextsymboltool -sect -import "$BUILD/share/kext/mach_kernel" -export "$T/list" \
		-output "$T/set"
	expect_equal "$(names "$T/set")" $'U _no_such_function\nU _printf'
}

test_duplicates()
{
	printf '%s\n' '_a' '_b' '_a' >"$T/list"
	expect_status 1 kextsymboltool -export "$T/list" -output "$T/set"
	expect_text "$T/err" 'a second time: _a'
	echo _b >"$T/other"
	printf '%s\n' '_a' '_b' >"$T/list"
	expect_status 1 kextsymboltool -export "$T/list" -export "$T/other" -output "$T/set"
	expect_text "$T/err" 'a second time: _b'
}

test_bad_lines()
{
	local line
	for line in '_a _b' ':_target' '_a:' '_a -obsolet'; do
		echo "$line" >"$T/list"
		expect_status 1 kextsymboltool -export "$T/list" -output "$T/set"
		expect_text "$T/err" 'line 1'
	done
	expect_status 1 kextsymboltool -export "$T/none" -output "$T/set"
	expect_status 64 kextsymboltool -export "$T/list"
}

test_diff()
{
	printf '%s\n' '_a' '_alias:_c' '_gone' >"$T/list"
	printf '%s\n' 'T _d' 'T _a' 'T _c' >"$T/kernel.nm"
	expect_status 0 kextsymboltool -diff -import "$T/kernel.nm" -export "$T/list"
	expect_equal "$(cat "$T/out")" $'-_gone\n+_d'
	expect_status 64 kextsymboltool -diff -export "$T/list"
	expect_status 0 kextsymboltool -diff -json -import "$T/kernel.nm" -export "$T/list"
	python3 -c 'import json, subprocess, sys
lines = subprocess.run(["kextsymboltool", "-diff", "-import", sys.argv[2], "-export",
                        sys.argv[3]], stdout=subprocess.PIPE, text=True).stdout.split()
names = lambda mark: [line[1:] for line in lines if line[0] == mark]
assert names("-") and names("+")
assert json.load(open(sys.argv[1])) == {"schema": "kextsymboltool/1",
    "missing": names("-"), "unlisted": names("+")}' "$T/out" "$T/kernel.nm" "$T/list"
	expect_status 64 kextsymboltool -json -export "$T/list" -output "$T/set"
}

run_tests
