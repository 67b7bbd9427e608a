#!/bin/bash
# kext-cc: clang as a compiler of kexts. Takes a compiler's command line as makefiles for
# Darwin write it, compiles each source with what kernel code needs (target, -mkernel, our
# headers, for C++ the kext ABI), and links with kextld and libkmod.
#
# Found from where this script lies: kextld beside it, ../share/kext/sdk with headers and
# libraries ($KEXT_DATADIR replaces ../share/kext). $KEXT_CLANG names another clang.
set -u

bin=$(dirname "$(realpath "$0")")
sdk=${KEXT_DATADIR:-$(dirname "$bin")/share/kext}/sdk
minimum=10.15
mode=link output='' language='' status=0
compile=() link=() inputs=() sources=0

fail()
{
	echo "kext-cc: $*" >&2
	exit 1
}

usage()
{
	cat <<-END
		Usage: kext-cc [-arch x86_64] [-c] [-o FILE] [OPTION...] FILE...
		Compiles C, C++ and assembler sources for the Darwin kernel and links kexts.

		  -c, -S, -E           compile only, as clang does
		  -o FILE              where the result goes
		  -arch x86_64         the only architecture there is
		  -mmacosx-version-min=VERSION
		                       oldest system the kext is for (default $minimum)
		  -isysroot FOLDER, -framework NAME, -F FOLDER
		                       accepted; headers and libraries are our own
		  -Wl,..., -Xlinker, -l, -L
		                       go to kextld; everything else to clang
		  --help, --version    this text; the clang that is used
		Environment: KEXT_CLANG, KEXT_DATADIR.
	END
}

find_clang()
{
	local name
	for name in ${KEXT_CLANG:+"$KEXT_CLANG"} clang-14 clang; do
		command -v "$name" && return
		[ -z "${KEXT_CLANG:-}" ] || fail "\$KEXT_CLANG: $name: not found"
	done
	fail "clang not found: install clang-14, or set KEXT_CLANG"
}

check_arch()
{
	case $1 in
	x86_64 | x86_64h) ;;
	*) fail "-arch $1: kexts can be built for x86_64 only" ;;
	esac
}

check_target()
{
	case $1 in
	x86_64-apple-macosx[0-9]*) minimum=${1#x86_64-apple-macosx} ;;
	x86_64-apple-*) ;;
	*) fail "--target=$1: kexts can be built for x86_64-apple-macosx only" ;;
	esac
}

# The language of a file, by -x or by its name; nothing for what goes to the linker.
language_of()
{
	[ -z "$language" ] || { echo "$language"; return; }
	case $1 in
	*.c | *.i) echo c ;;
	*.cpp | *.cc | *.cxx | *.c++ | *.C | *.CPP | *.cp | *.ii) echo c++ ;;
	*.s | *.S | *.asm) echo assembler ;;
	*.m | *.mm) echo objective-c ;;
	esac
}

take_input()
{
	local kind
	kind=$(language_of "$1")
	case $kind in
	objective-c*) fail "$1: the kernel has no Objective-C" ;;
	'') link+=("$1") ;;
	*)
		# Its object takes this place among the linker's files.
		link+=("source:$sources")
		inputs+=("$kind:$1")
		sources=$((sources + 1))
		;;
	esac
}

need()
{
	[ "$2" -gt 1 ] || fail "argument to '$1' is missing"
}

while [ $# -gt 0 ]; do
	word=$1
	shift
	case $word in
	--help) usage; exit 0 ;;
	--version) exec "$(find_clang)" --version ;;
	-c | -S | -E | -M | -MM | -fsyntax-only) mode=compile compile+=("$word") ;;
	-o) need "$word" $(($# + 1)); output=$1; shift ;;
	-o?*) output=${word#-o} ;;
	-arch) need "$word" $(($# + 1)); check_arch "$1"; shift ;;
	-m32) fail "-m32: kexts can be built for x86_64 only" ;;
	-m64 | -mkernel | -fapple-kext | -nostdlib | -nostdinc | -static | -nodefaultlibs) ;;
	-target) need "$word" $(($# + 1)); check_target "$1"; shift ;;
	--target=*) check_target "${word#*=}" ;;
	-mmacosx-version-min=* | -mmacos-version-min=*) minimum=${word#*=} ;;
	-isysroot | -framework | -F | -weak_framework)
		need "$word" $(($# + 1))
		shift
		;;
	-isysroot* | -F?* | --sysroot=*) ;;
	-x) need "$word" $(($# + 1)); language=$1; shift ;;
	-x?*) language=${word#-x} ;;
	-Xlinker | -L | -l | -u | -exported_symbols_list | -unexported_symbols_list)
		need "$word" $(($# + 1))
		link+=("$word" "$1")
		shift
		;;
	-Wl,* | -L* | -l* | -dead_strip | -all_load | -dynamiclib | -shared | -bundle) link+=("$word") ;;
	-I | -D | -U | -include | -imacros | -isystem | -iquote | -idirafter | -MF | -MT | \
		-MQ | -Xclang | -mllvm | -Xpreprocessor | -Xassembler)
		need "$word" $(($# + 1))
		compile+=("$word" "$1")
		shift
		;;
	-) take_input - ;;
	-*) compile+=("$word") ;;
	*) take_input "$word" ;;
	esac
	[ "$language" != none ] || language=
done

clang=$(find_clang) || exit 1
# Folders for programs of this machine are of no use to a kext.
unset CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH LIBRARY_PATH
target=--target=x86_64-apple-macosx$minimum
common=("$target" -mkernel -nostdinc -isystem "$sdk/include" -DKERNEL=1 -D__KERNEL__=1
	-DAPPLE -DNeXT)
kext_cxx=(-stdlib=libc++ -fapple-kext -fno-rtti -fno-exceptions -fno-threadsafe-statics)

# compile_one KIND:FILE EXTRA…
compile_one()
{
	local kind=${1%%:*} file=${1#*:}
	shift
	local flags=("${common[@]}")
	[ "$kind" != c++ ] || flags+=("${kext_cxx[@]}")
	# Assembler has no use for headers' folders and would warn of them.
	case $file in *.s) flags=("$target") ;; esac
	[ -z "$language" ] || flags+=(-x "$language")
	"$clang" "${flags[@]}" ${compile[@]+"${compile[@]}"} "$@" "$file"
}

if [ ${#link[@]} -eq 0 ]; then
	# An option that clang does not know is the better message.
	"$clang" "$target" ${compile[@]+"${compile[@]}"} -fsyntax-only -x c /dev/null || exit 1
	fail "no input files"
fi
[ -d "$sdk/include" ] || fail "$sdk/include: no kernel headers there"

if [ $mode = compile ]; then
	[ $sources -gt 0 ] || fail "no source files"
	[ -z "$output" ] || [ $sources -eq 1 ] || fail "-o with -c and several files"
	for input in "${inputs[@]}"; do
		compile_one "$input" ${output:+-o "$output"} || status=$?
	done
	exit $status
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/kext-cc.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP

# Objects get the sources' names, so that messages of the linker name something known.
objects=()
for input in ${inputs[@]+"${inputs[@]}"}; do
	name=$(basename "${input#*:}")
	object=$scratch/${#objects[@]}/${name%.*}.o
	mkdir -p "$(dirname "$object")"
	objects+=("$object")
	compile_one "$input" -c -o "$object" || status=$?
done
[ $status -eq 0 ] || exit $status

line=()
for word in "${link[@]}"; do
	case $word in
	source:*) line+=("${objects[${word#source:}]}") ;;
	-dead_strip | -all_load) line+=("-Wl,$word") ;;
	*) line+=("$word") ;;
	esac
done
"$clang" "$target" -mkernel -nostdlib -fuse-ld="$bin/kextld" -Xlinker -kext \
	-o "${output:-a.out}" "${line[@]}" -lkmodc++ -lkmod
