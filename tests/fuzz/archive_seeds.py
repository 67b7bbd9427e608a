#!/usr/bin/env python3
"""Seeds for the fuzz targets of archives, small and with every part that one may have:
	tests/fuzz/archive_seeds.py FOLDER [COLLECTION]...
Of collections there will be one for each format that pointers may have."""
import pathlib
import struct
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "model"))
from mkext_bulk import finish, version_1, version_2  # noqa: E402

CODE = struct.pack("<8I", 0xFEEDFACF, 0x01000007, 3, 11, 0, 0, 0, 0) + b"code" * 20


def kext(identifier, path, keys=""):
    return ("<dict><key>CFBundleIdentifier</key><string>%s</string><key>CFBundleVersion</key><string>1.0"
            "</string><key>_MKEXTBundlePath</key><string>%s</string>%s</dict>" % (identifier, path, keys))


def text(key, value):
    return "<key>%s</key><string>%s</string>" % (key, value)


def number(key, value):
    return '<key>%s</key><integer size="32">0x%x</integer>' % (key, value)


def with_everything(packed):
    """A kext with resources, its plug-in, a flat one with an executable path of its own, one that
    has the name of another, one without code."""
    body, offsets = b"", []
    for data in (CODE, CODE[::-1], b"a text", b"another text, " * 9, CODE + b"x"):
        offsets.append(44 + len(body))
        stored = zlib.compress(data, 6) if packed else data
        body += struct.pack(">2I", len(stored) if packed else 0, len(data)) + stored
    resources = "<key>_MKEXTResources</key><dict>%s%s</dict>" % (
        number("a.txt", offsets[2]), number("en.lproj/b", offsets[3]))
    kexts = [
        kext("com.example.a", "/S/A.kext", text("CFBundleExecutable", "A") + number("_MKEXTExecutable", offsets[0])
             + resources),
        kext("com.example.b", "/S/A.kext/Contents/PlugIns/B.kext", text("CFBundleExecutable", "B")
             + number("_MKEXTExecutable", offsets[1])),
        kext("com.example.c", "/S/a.kext/", text("_MKEXTExecutableRelativePath", "C")
             + text("CFBundleExecutable", "C") + number("_MKEXTExecutable", offsets[4])),
        kext("com.example.d.", "/", '<key>k</key><string ID="1">v</string><key>l</key><string IDREF="1"/>'),
    ]
    plist = ("<dict><key>_MKEXTInfoDictionaries</key><array>%s</array></dict>\0" % "".join(kexts)).encode()
    stored = zlib.compress(plist, 6) if packed else plist
    sizes = struct.pack(">3I", 44 + len(body), len(stored) if packed else 0, len(plist))
    return finish(2, len(kexts), sizes + body + stored)


def incompressible():
    """Code that is stored because no stream of it would be smaller."""
    state, code = 1, bytearray(CODE[:32])
    for _ in range(400):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        code.append(state >> 16 & 255)
    plist = ("<dict><key>_MKEXTInfoDictionaries</key><array>%s</array></dict>\0" % kext(
        "com.example.r", "/R.kext", text("CFBundleExecutable", "R") + number("_MKEXTExecutable", 44))).encode()
    entry = struct.pack(">2I", 0, len(code)) + bytes(code)
    return finish(2, 1, struct.pack(">3I", 44 + len(entry), 0, len(plist)) + entry + plist)


def fat(*slices):
    """Packed one behind the other, i386 first, as Darwin's kextcache does it."""
    at, header, data = 8 + 20 * len(slices), struct.pack(">2I", 0xCAFEBABE, len(slices)), b""
    for cpu, slice in zip((7, 0x01000007, 18), slices):
        header += struct.pack(">5I", cpu, 3, at + len(data), len(slice), 0)
        data += slice
    return header + data


def threads(words):
    """A kernel for arm64e, of before there were chained fixups: __thread_starts tells of pointers."""
    text, page = 0xFFFFFFF007004000, 0x1000
    info = b"<dict><key>_PrelinkInfoDictionary</key><array></array></dict>\0"

    def segment(name, number, sections=()):
        head = struct.pack("<2I16s4Q4I", 0x19, 72 + 80 * len(sections), name, text + number * page, page,
                           number * page, page, 7, 7, len(sections), 0)
        return head + b"".join(struct.pack("<16s16s2Q8I", s, name, text + number * page + at, size,
                                           number * page + at, 0, 0, 0, 0, 0, 0, 0) for s, at, size in sections)
    commands = [segment(b"__TEXT", 0, [(b"__thread_starts", 0x800, 4 * len(words))]), segment(b"__DATA", 1),
                segment(b"__PRELINK_INFO", 2, [(b"__info", 0, len(info))])]
    file = bytearray(3 * page)
    header = struct.pack("<8I", 0xFEEDFACF, 0x0100000C, 2, 2, len(commands), sum(map(len, commands)), 1, 0)
    file[:len(header) + sum(map(len, commands))] = header + b"".join(commands)
    struct.pack_into("<%dI" % len(words), file, 0x800, *words)
    # A signed pointer, four or eight bytes behind it by the unit another one, then none.
    struct.pack_into("<2Q", file, page + 0x10, 1 << 63 | 2 << 51 | 0x1000, text & (1 << 43) - 1 | 0xFF << 43)
    struct.pack_into("<Q", file, page + 0x20, 1 << 63 | 0x40)
    file[2 * page:2 * page + len(info)] = info
    return bytes(file)


def with_format(file, number):
    """A collection whose chains are said to have pointers of another format."""
    file = bytearray(file)
    at = 32
    for _ in range(struct.unpack_from("<I", file, 16)[0]):
        command, size, offset = struct.unpack_from("<3I", file, at)
        if command == 0x80000034:
            starts = offset + struct.unpack_from("<I", file, offset + 4)[0]
            for i in range(struct.unpack_from("<I", file, starts)[0]):
                place = struct.unpack_from("<I", file, starts + 4 + 4 * i)[0]
                if place:
                    struct.pack_into("<H", file, starts + place + 6, number)
        at += size
    return bytes(file)


# All of the dialect, and what property lists of users have besides.
DIALECT = b"""<?xml version="1.0"?><!DOCTYPE plist><plist version="1.0"><!-- all --><dict ID="0">
<key>a &lt;&amp;&gt;</key><string ID="1">b &#65;&#x42; &quot;&apos; </string><key>c</key><string IDREF="1"/>
<key>d</key><string><![CDATA[<raw>]]></string><key>e</key><data ID="2">aGVs bG8=</data>
<key>f</key><data format="hex" ID="3">00 ff 7F</data><key>g</key><set ID="4"><integer size="8">-1</integer>
<integer size="64" ID="5">0xffffffffffffffff</integer></set><key>h</key><array><data IDREF="2"/><set IDREF="4"/>
<integer IDREF="5"/><true/><false/><string/><data/><array/><dict/><set/><integer/></array>
<key>i</key><integer size="16">010</integer></dict></plist>\n\0"""

out = pathlib.Path(sys.argv[1])
small = with_everything(False)
for target, name, data in (
        ("mkext1", "bulk", version_1(2, 300)),
        ("mkext2", "bulk", version_2(2, 640)),
        ("mkext2", "packed", with_everything(True)),
        ("mkext2", "stored", small),
        ("fat", "two", fat(b"nothing", small)),
        ("fat", "three", fat(small, small[:60], CODE)),
        ("mkext2", "fat", fat(b"nothing", small)),
        ("mkext1", "fat", fat(b"nothing", version_1(1, 300))),
        ("prelinked", "threads", threads([0, 0x1010, 0xFFFFFFFF])),
        ("prelinked", "wide-threads", threads([1, 0x1010, 0x1020])),
        ("mkext2", "incompressible", incompressible()),
        ("value", "dialect", DIALECT),
        ("value", "dialect-without-entities", DIALECT.replace(b"&quot;&apos;", b"").replace(b"&#65;&#x42;", b"")),
        ("value", "mkext", small[struct.unpack_from(">I", small, 32)[0]:])):
    (out / target).mkdir(parents=True, exist_ok=True)
    (out / target / ("archive-" + name)).write_bytes(data)

for path in map(pathlib.Path, sys.argv[2:]):
    for form in 1, 2, 6, 7, 8, 9, 10, 11, 12:
        (out / "collection" / ("%s-%d" % (path.name, form))).write_bytes(with_format(path.read_bytes(), form))
