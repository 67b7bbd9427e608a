#!/usr/bin/env python3
"""Seeds for the fuzz targets of archives, small and with every part that one may have:
	tests/fuzz/archive_seeds.py FOLDER"""
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


def fat(*slices):
    """Packed one behind the other, i386 first, as Darwin's kextcache does it."""
    at, header, data = 8 + 20 * len(slices), struct.pack(">2I", 0xCAFEBABE, len(slices)), b""
    for cpu, slice in zip((7, 0x01000007, 18), slices):
        header += struct.pack(">5I", cpu, 3, at + len(data), len(slice), 0)
        data += slice
    return header + data


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
        ("value", "mkext", small[struct.unpack_from(">I", small, 32)[0]:])):
    (out / target).mkdir(parents=True, exist_ok=True)
    (out / target / ("archive-" + name)).write_bytes(data)
