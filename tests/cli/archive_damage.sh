#!/bin/bash
# Archives that are damaged or ill-meant: a message with file and offset, exit 1, and nothing
# left where they were to be unpacked. A test for each way that tests/model/mkext_damage.py
# knows.
. "$(dirname "$0")/lib.sh"

readonly DAMAGE=$ROOT/tests/model/mkext_damage.py
export PYTHONDONTWRITEBYTECODE=1

for way in $(python3 "$DAMAGE" --list); do
	eval "test_$way() { refuse $way; }"
done

# What the message must say besides: by what is wrong.
words()
{
	case $1 in
	path_with_nul) echo "property list is broken" ;;
	path_of*5000*) echo "longer than a path can be" ;;
	path_*) echo "leads out of the bundle's place" ;;
	*overlap*) echo "begins there, inside" ;;
	*depth*) echo "nesting of at most 128 levels" ;;
	*idref_bomb) echo "expected at most 1048576 values" ;;
	*idref*) echo "expected an IDREF to an ID that was complete before" ;;
	bomb_zlib_honest | bomb_lzfse) echo "--max-size allows more" ;;
	bomb_lzfse_within_bounds) echo "expected 64" ;;
	*count_of*) echo "expected at most 4096" ;;
	checksum_of_kernel) echo "Adler-32" ;;
	*) echo "" ;;
	esac
}

refuse()
{
	python3 "$DAMAGE" "$1" "$T/bad"
	expect_status 1 timeout 60 mkextunpack -d "$T/new" "$T/bad"
	expect_text "$T/err" "$T/bad: "
	case $1 in
	path_with_nul) ;;
	path_*) expect_text "$T/err" "com.example.Evil has the " ;; # refused by name
	*) expect_text "$T/err" "offset 0x" ;;
	esac
	expect_text "$T/err" "$(words "$1")"
	expect_equal "$(ls -A "$T/new" 2>/dev/null)" ""
	expect_equal "$(ls -A "$T" | grep -v '^new$' | tr '\n' ' ')" "bad err out "
	expect_no_text "$T/out" Found
}

# A stream with a wrong checksum is read on request, which is said; other damage is not.
test_ignored_checksum_of_stream()
{
	python3 "$DAMAGE" checksum_of_stream "$T/bad"
	expect_status 0 mkextunpack --ignore-checksum -d "$T/new" "$T/bad"
	expect_text "$T/err" "$T/bad: warning: com.example.Evil: offset 0x34: Adler-32 0x"
	expect_equal "$(head -c 14 "$T/new/Evil.kext/Contents/MacOS/Evil")" "code of a kext"
	python3 "$DAMAGE" length_expanded_too_small "$T/bad"
	expect_status 1 mkextunpack --ignore-checksum -l "$T/bad"
	python3 "$DAMAGE" length_of_stream_too_short "$T/bad"
	expect_status 1 mkextunpack --ignore-checksum -l "$T/bad"
}

test_ignored_checksum_of_archive()
{
	python3 "$ROOT/tests/model/mkext_bulk.py" 1 1 1440 "$T/bad"
	printf '\1\2\3\4' | dd of="$T/bad" bs=1 seek=12 conv=notrunc status=none
	expect_status 1 mkextunpack -l "$T/bad"
	expect_text "$T/err" "mkext checksum error: the header says 0x01020304"
	expect_text "$T/err" "--ignore-checksum reads it all the same"
	expect_status 0 mkextunpack --ignore-checksum -d "$T/new" "$T/bad"
	expect_text "$T/err" "warning: mkext checksum error: the header says 0x01020304"
	expect_equal "$(stat -c %s "$T/new/x0.kext/Contents/MacOS/x0")" 1440
}

# The one of the kernel is forgiven, what is in it is no prelinked kernel all the same.
test_ignored_checksum_of_kernel()
{
	python3 "$DAMAGE" checksum_of_kernel "$T/bad"
	expect_status 1 mkextunpack --ignore-checksum -l "$T/bad"
	expect_text "$T/err" "warning: offset 0x8: Adler-32"
}

# A link where a parent keeps its plug-ins is not followed, nor is the parent touched.
test_symlink_among_plugins()
{
	python3 "$ROOT/tests/fuzz/archive_seeds.py" "$T/seeds"
	mkdir -p "$T/new/A.kext/Contents" "$T/elsewhere"
	ln -s "$T/elsewhere" "$T/new/A.kext/Contents/PlugIns"
	expect_status 1 mkextunpack -d "$T/new" -b com.example.a -b com.example.b \
		"$T/seeds/mkext2/archive-stored"
	expect_text "$T/err" "$T/new/A.kext: exists already"
	expect_text "$T/err" "com.example.b is not unpacked, for the kext it is a plug-in of was not"
	expect_equal "$(ls -A "$T/elsewhere" "$T/new")" "$(printf '%s:\n\n%s:\nA.kext' "$T/elsewhere" "$T/new")"
	# By force the link goes, not what it leads to.
	echo kept >"$T/elsewhere/file"
	expect_status 0 mkextunpack -f -d "$T/new" -b com.example.a -b com.example.b \
		"$T/seeds/mkext2/archive-stored"
	[ -f "$T/new/A.kext/Contents/PlugIns/B.kext/Contents/MacOS/B" ] || fail "no plug-in"
	expect_equal "$(ls -A "$T/elsewhere")" file
}

run_tests
