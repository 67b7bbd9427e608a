# Command tests: a script sources this, defines functions test_…, and ends with run_tests.
# Each function runs in a subshell of its own with `set -e`, in a fresh folder $T, with
# its own instance of kextd, which is shut down afterwards.
set -u
ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
BUILD=$(realpath "${BUILD:-$ROOT/build}")
export BUILD
PATH=$BUILD/bin:$PATH
unset KEXT_ROOT KEXT_BOOTARGS KEXT_DATADIR KEXT_LIBEXECDIR NO_COLOR

fail()
{
	echo "failed: $*" >&2
	exit 1
}

# expect_status N COMMAND…: runs it, keeps stdout in $T/out and stderr in $T/err.
expect_status()
{
	local wanted=$1 status=0
	shift
	"$@" >"$T/out" 2>"$T/err" || status=$?
	[ "$status" = "$wanted" ] && return
	cat "$T/out" "$T/err" >&2
	fail "$*: exit status $status, expected $wanted"
}

# expect_text FILE TEXT: the file holds that text.
expect_text()
{
	grep -qF -- "$2" "$1" && return
	cat "$1" >&2
	fail "'$2' is not in $(basename "$1")"
}

expect_no_text()
{
	grep -qF -- "$2" "$1" || return 0
	cat "$1" >&2
	fail "'$2' is in $(basename "$1")"
}

expect_equal()
{
	[ "$1" = "$2" ] || fail "'$1' is not '$2'"
}

# dummy_kext FOLDER: builds DummySysctl.kext there (once a run; copied afterwards).
dummy_kext()
{
	if [ ! -d "$SUITE/DummySysctl.kext" ]; then
		make -s -C "$ROOT/tests/kexts/DummySysctl" KEXT_CC="$BUILD/bin/kext-cc" \
			OUT="$SUITE" >&2 || fail "the sample does not build"
	fi
	cp -R "$SUITE/DummySysctl.kext" "$1/"
}

# make_kext FOLDER NAME IDENTIFIER VERSION [LIBRARY=VERSION…] <<< 'C source': a C kext whose source
# defines NAME_start and NAME_stop, built with kext-cc.
make_kext()
{
	local suffix=${KEXT_LANGUAGE:-c}	# cpp: C++, with extern "C" around the two
	local folder=$1 name=$2 identifier=$3 version=$4 library
	shift 4
	local kext=$folder/$name.kext
	mkdir -p "$kext/Contents/MacOS"
	cat >"$T/$name.$suffix"
	cat >"$T/${name}_info.c" <<-END
		#include <mach/mach_types.h>
		extern kern_return_t _start(kmod_info_t *, void *);
		extern kern_return_t _stop(kmod_info_t *, void *);
		extern kern_return_t ${name}_start(kmod_info_t *, void *);
		extern kern_return_t ${name}_stop(kmod_info_t *, void *);
		KMOD_EXPLICIT_DECL($identifier, "$version", _start, _stop)
		__attribute__((visibility("hidden"))) kmod_start_func_t *_realmain = ${name}_start;
		__attribute__((visibility("hidden"))) kmod_stop_func_t *_antimain = ${name}_stop;
	END
	kext-cc -arch x86_64 -O1 -o "$kext/Contents/MacOS/$name" "$T/$name.$suffix" \
		"$T/${name}_info.c" || fail "$name does not build"
	{
		cat <<-END
			<?xml version="1.0" encoding="UTF-8"?>
			<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
			<plist version="1.0"><dict>
			<key>CFBundleIdentifier</key><string>$identifier</string>
			<key>CFBundleExecutable</key><string>$name</string>
			<key>CFBundlePackageType</key><string>KEXT</string>
			<key>CFBundleVersion</key><string>$version</string>
			<key>OSBundleCompatibleVersion</key><string>1.0</string>
			<key>OSBundleLibraries</key><dict>
		END
		for library in com.apple.kpi.bsd=8.0.0 com.apple.kpi.libkern=8.0.0 \
			com.apple.kpi.mach=8.0.0 com.apple.kpi.iokit=8.0.0 \
			com.apple.kpi.unsupported=8.0.0 "$@"; do
			echo "<key>${library%=*}</key><string>${library#*=}</string>"
		done
		echo '</dict></dict></plist>'
	} >"$kext/Contents/Info.plist"
}

run_one()
{
	(
		T=$(mktemp -d "${TMPDIR:-/tmp}/kt.XXXXXX")
		export T KEXT_RUNDIR=$T/run KEXT_STATEDIR=$T/state
		trap 'kextd --shutdown >/dev/null 2>&1 || :; rm -rf "$T"' EXIT
		set -e
		"$1"
	) >"$SUITE/log" 2>&1
}

# is_left_out TEST: whether sanitizers are at work, with which it makes no sense.
is_left_out()
{
	[ -n "${SAN:-}" ] &&
		grep -qx "$(basename "$0" .sh) $1" "$ROOT/tests/plain-only"
}

run_tests()
{
	local name status failures=0
	SUITE=$(mktemp -d "${TMPDIR:-/tmp}/ks.XXXXXX")
	trap 'rm -rf "$SUITE"' EXIT
	umask 022
	for name in $(declare -F | sed -n 's/^declare -f \(test_.*\)/\1/p'); do
		is_left_out "$name" && continue
		# Not inside `if`: bash would ignore set -e there, and with it most failures.
		run_one "$name"
		if [ $? = 0 ]; then
			echo "ok $name"
		else
			echo "not ok $name"
			sed 's/^/    /' "$SUITE/log"
			failures=$((failures + 1))
		fi
	done
	[ "$failures" = 0 ]
}
