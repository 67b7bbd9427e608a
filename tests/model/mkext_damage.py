#!/usr/bin/env python3
"""Archives that are damaged or ill-meant, each in a way of its own:

    mkext_damage.py WAY FILE
    mkext_damage.py --list

Checksums are right, so that it is the damage that must be found. Written from the formats;
stdlib only."""
import struct
import sys
import zlib

from mkext_bulk import finish, info

CODE = b"code of a kext, " * 8
U32 = 0xFFFFFFFF
WAYS = {}


def way(function):
    WAYS[function.__name__] = function
    return function


# ---- version 2 ----

def entry(data, packed=None, full=None):
    """Stored, or with a stream and what it claims to expand to."""
    if packed is None:
        return struct.pack(">2I", 0, len(data) if full is None else full) + data
    return struct.pack(">2I", len(packed), len(data) if full is None else full) + packed


def version_2(keys="", body=entry(CODE), at=44, plist=None, sizes=None, count=1):
    """One kext whose executable's entry is at `at`; `sizes`: of the property list as the header
    states them, where that begins being the first."""
    text = plist or ("<dict><key>_MKEXTInfoDictionaries</key><array><dict><key>CFBundleIdentifier</key>"
                     "<string>com.example.Evil</string><key>CFBundleExecutable</key><string>Evil</string>"
                     "<key>_MKEXTExecutable</key><integer>%d</integer>%s</dict></array></dict>\0" % (at, keys))
    text = text.encode() if isinstance(text, str) else text
    first = 44 + len(body)
    return finish(2, count, struct.pack(">3I", *(sizes(first, len(text)) if sizes else (first, 0, len(text))))
                  + body + text)


def resources(*offsets):
    return "<key>_MKEXTResources</key><dict>%s</dict>" % "".join(
        "<key>r%d</key><integer>%d</integer>" % (i, at) for i, at in enumerate(offsets))


def infos(text):
    return "<dict><key>_MKEXTInfoDictionaries</key><array>%s</array></dict>\0" % text


@way
def path_absolute():
    return version_2("<key>_MKEXTExecutableRelativePath</key><string>/etc/evil</string>")


@way
def path_upwards():
    return version_2("<key>_MKEXTExecutableRelativePath</key><string>Contents/../../../evil</string>")


@way
def path_of_bundle_upwards():
    return version_2("<key>_MKEXTBundlePath</key><string>/S/../../evil.kext</string>")


@way
def path_of_resource_upwards():
    body = entry(CODE) + entry(b"text")
    return version_2("<key>_MKEXTResources</key><dict><key>../../evil</key><integer>%d</integer></dict>"
                     % (44 + len(entry(CODE))), body)


@way
def path_with_nul():
    return version_2("<key>_MKEXTExecutableRelativePath</key><string>Contents/MacOS/a\0/../../../../evil</string>")


@way
def path_of_5000_components():
    return version_2("<key>_MKEXTExecutableRelativePath</key><string>%sx</string>" % ("a/" * 5000))


@way
def path_of_resource_of_5000_components():
    body = entry(CODE) + entry(b"text")
    return version_2("<key>_MKEXTResources</key><dict><key>%sx</key><integer>%d</integer></dict>"
                     % ("a/" * 5000, 44 + len(entry(CODE))), body)


@way
def length_of_entry():
    return version_2(body=entry(CODE, full=len(CODE) + 100000))


@way
def length_of_stream():
    return version_2(body=struct.pack(">2I", 0x7FFFFFFF, len(CODE)) + CODE)


@way
def length_of_stream_too_short():
    packed = zlib.compress(CODE)
    return version_2(body=entry(CODE, packed[:-5]))


@way
def length_expanded_too_small():
    return version_2(body=entry(CODE, zlib.compress(CODE), len(CODE) - 1))


@way
def length_expanded_too_large():
    return version_2(body=entry(CODE, zlib.compress(CODE), len(CODE) + 1))


@way
def length_of_plist():
    return version_2(sizes=lambda at, size: (at, 0, size + 1))


@way
def length_of_plist_four_billion():
    return version_2(sizes=lambda at, size: (at, 0, U32))


@way
def checksum_of_stream():
    packed = bytearray(zlib.compress(CODE))
    packed[-1] ^= 1
    return version_2(body=entry(CODE, bytes(packed)))


@way
def checksum_of_resource():
    packed = bytearray(zlib.compress(CODE))
    packed[-1] ^= 1
    return version_2(resources(44 + len(entry(CODE))), entry(CODE) + entry(CODE, bytes(packed)))


@way
def offset_of_plist_outside():
    return version_2(sizes=lambda at, size: (0xFFFFFFF0, 0, size))


@way
def offset_outside():
    return version_2(at=0x7FFFFFF0)


@way
def offset_of_64_bits():
    return version_2(at=(1 << 64) - 4)


@way
def overlap_with_header():
    return version_2(at=40)


@way
def overlap_with_plist():
    return version_2(body=entry(CODE, full=len(CODE) + 20))


@way
def overlap_of_plist_with_entry():
    return version_2(sizes=lambda at, size: (at - 10, 0, size + 10), plist=infos(
        "<dict><key>CFBundleIdentifier</key><string>a.b</string><key>CFBundleExecutable</key>"
        "<string>x</string><key>_MKEXTExecutable</key><integer>44</integer></dict>"),
        body=entry(CODE + b" " * 10))


@way
def overlap_of_entries():
    inner = entry(b"inner")
    return version_2(resources(52), entry(inner + CODE))


@way
def overlap_entry_used_twice():
    return version_2(resources(44))


@way
def count_of_four_billion():
    return version_2(count=U32)


@way
def count_of_5000_kexts():
    return version_2(plist=infos("".join(
        "<dict><key>CFBundleIdentifier</key><string>a.b%d</string></dict>" % i for i in range(5000))))


@way
def bomb_zlib_beyond_its_ratio():
    packed = zlib.compress(CODE)
    return version_2(body=entry(CODE, packed, 1032 * len(packed) + 1))


@way
def bomb_zlib_honest():
    """2.5 GB in 40 streams of 64 MB, which zlib really makes of 62 kB each."""
    packed = zlib.compress(bytes(64 << 20), 9)
    one = struct.pack(">2I", len(packed), 64 << 20) + packed
    return version_2(resources(*(44 + i * len(one) for i in range(1, 40))), one * 40)


@way
def bomb_plist():
    packed = zlib.compress(b" " * (65 << 20), 9)
    return finish(2, 1, struct.pack(">3I", 44, len(packed), 65 << 20) + packed)


@way
def idref_cyclic():
    return version_2(plist=infos('<dict ID="1"><key>CFBundleIdentifier</key><string>a.b</string><key>c</key>'
                                 '<array><dict IDREF="1"/></array></dict>'))


@way
def idref_missing():
    return version_2('<key>c</key><string IDREF="77"/>')


@way
def depth_100000():
    return version_2("<key>c</key>" + "<array>" * 100000 + "</array>" * 100000)


@way
def depth_100000_open():
    return version_2(plist="<dict><key>_MKEXTInfoDictionaries</key>" + "<array>" * 100000)


@way
def idref_bomb():
    """Doubles 60 times by reference."""
    rows = "".join('<key>k%d</key><array ID="%d"><array IDREF="%d"/><array IDREF="%d"/></array>'
                   % (i, i, i - 1, i - 1) for i in range(2, 62))
    return version_2('<key>k1</key><array ID="1"><true/></array>' + rows)


# ---- version 1 ----

def version_1(change=None, count=1, plist=None, stream=None):
    """One kext; `change` sets words of the table: where the plist and the module are, their
    compressed and full sizes."""
    text = plist or info(1)
    stream = stream or b"\xff" + CODE[:8]
    table = {"plist": 64, "plist_size": len(text), "plist_packed": 0, "module": 64 + len(text),
             "module_packed": len(stream), "module_size": 8}
    table.update(change or {})
    words = [table[k] for k in ("plist", "plist_packed", "plist_size")] + [0]
    words += [table[k] for k in ("module", "module_packed", "module_size")] + [0]
    return finish(1, count, struct.pack(">8I", *words) + text + stream)


@way
def old_count_of_four_billion():
    return version_1(count=U32)


@way
def old_count_beyond_the_table():
    return version_1(count=40)


@way
def old_offset_outside():
    return version_1({"module": U32 - 2})


@way
def old_length_of_module():
    return version_1({"module_packed": 0, "module_size": 5000})


@way
def old_length_of_plist():
    return version_1({"plist_size": U32})


@way
def old_length_expanded():
    return version_1({"module_size": 9})


@way
def old_overlap_of_module_with_plist():
    return version_1({"module": 70})


@way
def old_overlap_of_module_with_table():
    return version_1({"module": 40})


@way
def old_overlap_of_the_same():
    return version_1({"module": 64, "module_packed": 0, "module_size": len(info(1))})


@way
def old_bomb():
    return version_1({"module_size": 9 * 9 + 19})


@way
def old_stream_of_unwritten_bytes():
    return version_1({"module_size": 3}, stream=b"\0\xf0\xf0")


@way
def old_idref_cyclic():
    return version_1(plist=b'<dict ID="1"><key>CFBundleIdentifier</key><dict IDREF="1"/></dict>')


@way
def old_depth_100000():
    return version_1(plist=b"<dict><key>a</key>" + b"<array>" * 100000)


# ---- compressed kernels and what is around them ----

def comp(kind, stream, size, checksum=0):
    return struct.pack(">4s4s4I", b"comp", kind, checksum, size, len(stream), 0) + bytes(360) + stream


@way
def bomb_lzss_kernel():
    return comp(b"lzss", bytes(100), 100 * 9 + 19)


@way
def bomb_lzvn_kernel():
    return comp(b"lzvn", bytes(100), 100 * 256 + 1)


@way
def bomb_lzfse():
    """Headers that declare 23,590,000 bytes each, 2.3 GB in all."""
    block = b"bvx2" + struct.pack("<I3Q", 23590000, 10000 << 40, 0, 122) + bytes(90)
    return block * 100 + b"bvx$"


@way
def bomb_lzfse_within_bounds():
    """1.9 GB declared, but the first block has no tables: next to nothing may be allocated."""
    block = b"bvx2" + struct.pack("<I3Q", 23590000, 10000 << 40, 0, 122) + bytes(90)
    return block * 80 + b"bvx$"


@way
def checksum_of_kernel():
    kernel = b"\xcf\xfa\xed\xfe" + bytes(60)
    stream = b"".join(b"\xff" + kernel[i:i + 8] for i in range(0, 64, 8))
    return comp(b"lzss", stream, 64, zlib.adler32(kernel) ^ 1)


@way
def layers_without_end():
    data = b"MKXT"
    for _ in range(100):
        data = b"bvx-" + struct.pack("<I", len(data)) + data + b"bvx$"
    return data


@way
def fat_slice_outside():
    return struct.pack(">7I", 0xCAFEBABE, 1, 0x01000007, 3, 28, 1000, 0)


@way
def fat_of_four_billion_slices():
    return struct.pack(">7I", 0xCAFEBABE, U32, 0x01000007, 3, 28, 0, 0)


if __name__ == "__main__":
    if sys.argv[1] == "--list":
        print("\n".join(WAYS))
    else:
        with open(sys.argv[2], "wb") as file:
            file.write(WAYS[sys.argv[1]]())
