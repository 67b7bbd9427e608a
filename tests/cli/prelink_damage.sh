#!/bin/bash
# Prelinked kernels and collections that are damaged or ill-meant: one message with file and offset,
# exit 1, and nothing left where they were to be unpacked. A test for each way.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/prelink.inc"

# spoiled KIND CPU PYTHON WORD [OPTION…]: a file of that kind so changed is refused with that word.
spoiled()
{
	local kind=$1 cpu=$2 change=$3 word=$4
	shift 4
	build_file "$kind" "$cpu"
	patched "$T/$kind.$cpu" "$change"
	expect_status 1 timeout 20 mkextunpack -l "$@" -d "$T/one" "$T/bad"
	grep -q '0x[0-9a-f]' "$T/err" || fail "no offset: $(cat "$T/err")"
	refused "$word" "$@"
}

# What the changes below share: record is that of the first segment with links, first the file offset
# of its first link, page the number of that page.
CHAIN='
import struct
c = u32(find(0x80000034)[0] + 8)
starts = c + 32
number = next(i for i in range(u32(starts)) if u32(starts + 4 + 4 * i))
record = starts + u32(starts + 4 + 4 * number)
size, = struct.unpack_from("<H", d, record + 4)
def start(page): return struct.unpack_from("<H", d, record + 22 + 2 * page)[0]
page = next(i for i in range(99) if start(i) != 0xffff)
text = next(struct.unpack_from("<Q", d, at + 24)[0] for at in find(0x19) if d[at + 8:at + 15] == b"__TEXT\0")
address = text + struct.unpack_from("<Q", d, record + 8)[0] + page * size + start(page)
first = next(o + address - a for a, s, o, f in
             (struct.unpack_from("<4Q", d, at + 24) for at in find(0x19)) if a <= address < a + f)
def link(at, distance):
    word = struct.unpack_from("<Q", d, at)[0] & ~(0xfff << 51)
    struct.pack_into("<Q", d, at, word | distance << 51)
'

# A distance can lead nowhere but on; one that is too short comes back to the same bytes.
test_chain_that_meets_itself()
{
	spoiled collection x86_64 "$CHAIN""link(first, 1)" "overlaps the one before it"
	spoiled collection arm64 "$CHAIN""link(first, 1)" "overlaps the one before it"
}

test_chain_that_leaves_its_page()
{
	spoiled collection x86_64 "$CHAIN""link(first, 0xfff)" "leaves its page"
	spoiled collection arm64 "$CHAIN""link(first, 0xfff)" "leaves its page"
}

test_two_chains_that_meet()
{
	spoiled collection x86_64 "$CHAIN"'
put16(record + 20, struct.unpack_from("<H", d, record + 20)[0])
put32(starts + 4 + 4 * (number + 1), u32(starts + 4 + 4 * number))' "shares pages"
}

test_page_count_too_large()
{
	spoiled collection x86_64 "$CHAIN""put16(record + 20, 0xffff)" "does not fit"
	# Large enough to take what follows for starts of pages.
	spoiled collection x86_64 "$CHAIN"'
put32(record, 0xffffff)
put16(record + 20, struct.unpack_from("<H", d, record + 20)[0] + 1)
put16(record + 22 + 2 * struct.unpack_from("<H", d, record + 20)[0] - 2, 8)' "not in the file"
}

test_start_behind_its_page()
{
	spoiled collection arm64 "$CHAIN""put16(record + 22 + 2 * page, 0x4000)" "leaves its page"
}

test_segment_count_of_four_billion()
{
	spoiled collection x86_64 "$CHAIN""put32(starts, 0xffffffff)" "table of 4294967295 segments"
}

test_damaged_chain_of_a_member()
{
	spoiled members x86_64 '
base = u32(find(0x80000035)[1] + 16)
put32(find(0x80000034, base)[0] + 12, 0x7fffffff)' "chained fixups of com.example.Alpha"
}

test_damaged_thread()
{
	spoiled threads arm64 'put32(0x2004, 0x7ffffff0)' "chained fixups, offset 0x2004"
	spoiled threads arm64 'put32(0x2008, u32(0x2004))' "overlaps another"
}

test_damaged_links_of_a_kext()
{
	local command='at = d.index(struct.pack("<II", 0x80000034, 16))'
	spoiled splitchains arm64 "$command; put32(at + 8, 0xfffffff0)" "fixups of com.example.Alpha"
	spoiled classicchains x86_64 "$command; put32(at + 12, 8)" "the header alone has 28"
	spoiled splitthreads arm64 'at = d.index(b"\x7f" * 99) - 8; put32(at, 0x7fffff00)' \
		"is not in the file"
}

# Of a damaged kext nothing stays, not even the folder it was to go into; the others are there.
test_one_kext_is_damaged()
{
	build_file classic x86_64
	patched "$T/classic.x86_64" '
headers = [at for at in range(0, len(d), 0x1000) if u32(at) == 0xfeedfacf]
put32(headers[2] + 16, 77777)'
	expect_status 1 mkextunpack -d "$T/some" "$T/bad"
	expect_text "$T/err" "kext com.example.Inner, offset 0x9000, is damaged: 77777 load commands"
	expect_text "$T/err" "$T/some: warning: 3 of 4 kexts are unpacked; of the others nothing is"
	expect_equal "$(cd "$T/some" && find . -name '.*.*' -o -name 'PlugIns*')" ""
	expect_equal "$(ls "$T/some" | xargs)" "Alpha.kext Beta.kext Mach.kext"
}

test_command_count_of_four_billion()
{
	spoiled classic x86_64 'put32(16, 0xffffffff)' "4294967295"
	spoiled collection x86_64 'put32(u32(find(0x80000035)[1] + 16) + 16, 0xffffffff)' "does not fit"
}

test_section_count_of_four_billion()
{
	spoiled classic x86_64 'put32(find(0x19)[1] + 64, 0xffffffff)' "4294967295"
}

# Segments without sections, more than any kext has: each would be looked through for each section.
test_too_many_segments_of_a_kext()
{
	local alpha='-b com.example.Alpha'
	build_file classic x86_64
	patched "$T/classic.x86_64" '
at = next(at for at in range(0x1000, len(d), 0x1000) if u32(at) == 0xfeedfacf)
put32(at + 16, 257)
put32(at + 20, 257 * 72)
for i in range(257):
    d[at + 32 + 72 * i:at + 104 + 72 * i] = struct.pack("<II16s4Q4I", 0x19, 72, b"__X", *[0] * 8)'
	refused "more than 256 segments" $alpha
}

test_symbol_count_of_four_billion()
{
	spoiled classic x86_64 'put32(find(2, 0x1000)[0] + 12, 0xffffffff)' "4294967295" \
		-b com.example.Alpha
}

test_segment_outside_the_file()
{
	spoiled classic x86_64 'put64(find(0x19)[1] + 40, 1 << 40)' "0x10000000000"
	spoiled classic x86_64 'put64(find(0x19)[1] + 48, 1 << 40)' "0x10000000000"
	spoiled collection arm64 'put64(find(0x19)[1] + 40, (1 << 64) - 4096)' "0xfffffffffffff000"
}

test_segment_of_a_kext_outside_the_file()
{
	spoiled collection x86_64 '
base = u32(find(0x80000035)[1] + 16)
put64(find(0x19, base)[1] + 24, 1 << 40)' "is damaged" -b com.example.Alpha
}

# The section with the information, in the last segment.
INFO='at = next(at for at in find(0x19) if d[at + 8:at + 22] == b"__PRELINK_INFO") + 72'

test_information_outside_the_file()
{
	spoiled classic x86_64 "$INFO; put32(at + 48, 0xfffffff0)" "0xfffffff0"
	spoiled collection arm64 "$INFO; put64(at + 40, 0xffffffff)" "0xffffffff"
}

test_information_elsewhere()
{
	build_file classic x86_64
	patched "$T/classic.x86_64" "$INFO; put32(at + 48, 0x1000)"
	refused "line 1"
}

test_kexts_in_the_same_place()
{
	# Inner begins where Alpha does, in the address space as in the file.
	spoiled classic x86_64 '
import re
found = [m.start(1) for m in re.finditer(rb"SourceAddr</key><integer size=\"64\">(0x[0-9a-f]+)", d)]
d[found[1]:found[1] + 18] = d[found[0]:found[0] + 18]' "begins there, inside"
	spoiled collection arm64 '
a, b = find(0x80000035)[1:3]
d[b + 8:b + 24] = d[a + 8:a + 24]' "begins there, inside"
}

# NAME=PATH of a kext's dictionary: another of the same length in its place.
path()
{
	printf 'text("%s", "%s".ljust(%d, "/")[:%d])' "$1" "$2" ${#1} ${#1}
}

test_bundle_path_that_leads_upwards()
{
	build_file classic x86_64
	patched "$T/classic.x86_64" "$(path /System/Library/Extensions/Beta.kext \
		/System/Library/../../x/Beta.kext)"
	refused "com.example.Beta has the bundle path" -b com.example.Beta
}

test_absolute_executable_path()
{
	build_file classic x86_64
	patched "$T/classic.x86_64" "$(path '>Contents/MacOS/Beta<' '>/tmp/outside/x/Beta<')"
	refused "com.example.Beta has the executable path" -b com.example.Beta
	[ ! -e /tmp/outside ]
}

test_executable_path_that_leads_upwards()
{
	build_file collection x86_64
	patched "$T/collection.x86_64" "$(path 'Contents/MacOS/Beta' 'Contents/../../../x')"
	refused "com.example.Beta has the executable path" -b com.example.Beta
}

# A NUL ends the text: what follows is missing.
test_path_with_a_nul()
{
	build_file classic x86_64
	patched "$T/classic.x86_64" 'text("Extensions/Beta.kext", "Extensions/Be\0a.kext")'
	refused "line 1"
}

# long_path KEY: $T/bad, where the path of Beta under that key has 5,000 more components.
long_path()
{
	build_file classic x86_64
	patched "$T/classic.x86_64" "$INFO; key = b'<key>$1</key><string>'"'
where = u32(at + 48)
xml = bytes(d[where:]).rstrip(b"\0")
last = xml.rindex(key) + len(key)
xml = xml[:last] + b"a/" * 5000 + xml[last:] + b"\0"
d[where:] = xml
put64(at + 40, len(xml))
put64(at - 72 + 32, len(xml) + 4095 & ~4095)
put64(at - 72 + 48, len(xml))'
}

test_executable_path_of_5000_components()
{
	long_path _PrelinkExecutableRelativePath
	refused "com.example.Beta has the executable path" -b com.example.Beta
}

test_bundle_path_of_5000_components()
{
	long_path _PrelinkBundlePath
	refused "com.example.Beta has the bundle path" -b com.example.Beta
}

run_tests
