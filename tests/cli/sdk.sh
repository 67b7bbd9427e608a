#!/bin/bash
# The SDK's headers: each can be included first, by C and by C++.
. "$(dirname "$0")/lib.sh"

# compiles HEADER: prints what is wrong with it, if anything.
compiles()
{
	local name=${1//\//_} language
	for language in c cpp; do
		case $language$1 in clibkern/c++/*) continue ;; esac
		echo "#include <$1>" >"$T/$name.$language"
		kext-cc -arch x86_64 -Wall -Werror -fsyntax-only "$T/$name.$language" 2>&1
	done
}

test_headers_stand_alone()
{
	export -f compiles
	(cd "$ROOT/lib/sdk/include" && find . -name '*.h' -printf '%P\n') >"$T/headers"
	[ "$(wc -l <"$T/headers")" -ge 90 ] || fail "headers are missing"
	xargs -P 2 -I '{}' bash -c 'compiles {}' <"$T/headers" >"$T/wrong"
	[ ! -s "$T/wrong" ] || {
		cat "$T/wrong"
		fail "see above"
	}
	echo '#include <no/such.h>' >"$T/none.c"
	kext-cc -arch x86_64 -fsyntax-only "$T/none.c" 2>/dev/null && fail "nothing is compiled"
	true
}

run_tests
