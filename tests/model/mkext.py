"""Writes mkext archives without the C code, from a folder of kexts and the property list's text,
and compares: given the same text all bytes must be the same.

    mkext.py FILE FOLDER [--root ROOT] [--stored]
                ROOT: left out of the paths that are stored; stored: nothing is compressed

Prints the version, CPU and number of kexts of each slice."""
import argparse
import os
import plistlib
import struct
import sys
import xml.etree.ElementTree as ET
import zlib
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from prelink import lzss, read, slices, thin, value_of  # noqa: E402

MAGIC, SIGNATURE = 0x4D4B5854, 0x4D4F5358


def packed(data, stored):
    """zlib's own bytes at level 6 if there are fewer of them; and the two sizes."""
    stream = zlib.compress(data, 6)
    if stored or len(stream) >= len(data):
        return data, struct.pack(">2I", 0, len(data))
    return stream, struct.pack(">2I", len(stream), len(data))


def header(body, version, count, cpu, sub):
    rest = struct.pack(">4I", version, count, cpu, sub) + body
    return struct.pack(">4I", MAGIC, SIGNATURE, 16 + len(rest), zlib.adler32(rest)) + rest


def executable(bundle, info, cpu):
    for layout in ("Contents/MacOS", "."):
        path = os.path.normpath(os.path.join(layout, info.get("CFBundleExecutable", "")))
        if "CFBundleExecutable" in info and os.path.isfile(os.path.join(bundle, path)):
            return path, thin(read(os.path.join(bundle, path)), cpu)
    return None, None


def info_text(bundle):
    for name in ("Contents/Info.plist", "Info.plist"):
        if os.path.isfile(os.path.join(bundle, name)):
            return read(os.path.join(bundle, name))


def version_2(data, root, stored, cpu, sub):
    """Each kext's dictionary names its bundle; the rest follows from the bundle."""
    at, small, full = struct.unpack_from(">3I", data, 32)
    text = zlib.decompress(data[at:at + small]) if small else data[at:at + full]
    assert len(text) == full and text[-1] == 0 and text.count(0) == 1
    infos = value_of(ET.fromstring(text[:-1].decode()), {})["_MKEXTInfoDictionaries"]
    body = b""
    for info in infos:
        bundle = root + info.pop("_MKEXTBundlePath")
        plain = {key: value for key, value in info.items() if not key.startswith("_MKEXT")}
        assert plain == plistlib.loads(info_text(bundle)), bundle
        path, code = executable(bundle, plain, cpu)
        if code is None:
            assert plain.keys() == info.keys(), bundle
            continue
        assert info["_MKEXTExecutableRelativePath"] == path
        assert info["_MKEXTExecutable"] == 44 + len(body), "a gap"
        stream, sizes = packed(code, stored)
        body += sizes + stream
    stream, sizes = packed(text, stored)
    words = struct.pack(">I", 44 + len(body)) + sizes
    return header(words + body + stream, 0x02002001, len(infos), cpu, sub), len(infos)


def version_1(data, found, cpu, sub):
    """A list's text tells its bundle. LZSS streams are taken as they are if they unpack to
    what they must; they are kept when they are not longer."""
    count = struct.unpack_from(">I", data, 20)[0]
    table, body = b"", b""

    def record(number, wanted):
        at, small, full, time = struct.unpack_from(">4I", data, 32 + 16 * number)
        stream = data[at:at + (small or full)]
        plain = lzss(stream, full) if small else stream
        assert wanted is None or plain == wanted, "record %d" % number
        assert small <= full and time == 0
        return plain, stream, struct.pack(">4I", 32 + 32 * count + len(body), small, full, 0)
    for i in range(count):
        text, stream, words = record(2 * i, None)
        bundle = found[text]
        table, body = table + words, body + stream
        _, code = executable(bundle, plistlib.loads(text), cpu)
        words = bytes(16)
        if code is not None:
            _, stream, words = record(2 * i + 1, code)
            body += stream
        table += words
    return header(table + body, 0x01008000, count, cpu, sub), count


def bundles(folder):
    return {info_text(path): path for path, _, _ in os.walk(folder) if path.endswith(".kext")}


def check(options):
    data = read(options.file)
    parts = [(None, None, data)]
    if data[:4] == b"\xca\xfe\xba\xbe":
        parts = list(slices(data))
    for cpu, sub, part in parts:
        version, _, part_cpu, part_sub = struct.unpack_from(">4I", part, 16)
        assert cpu in (None, part_cpu) and sub in (None, part_sub)
        if version == 0x01008000:
            made, count = version_1(part, bundles(options.folder), part_cpu, part_sub)
        else:
            made, count = version_2(part, options.root, options.stored, part_cpu, part_sub)
        assert made == part, "the bytes differ"
        print("%08x %x %d" % (version, part_cpu, count))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("folder")
    parser.add_argument("--root", default="")
    parser.add_argument("--stored", action="store_true")
    check(parser.parse_args())
