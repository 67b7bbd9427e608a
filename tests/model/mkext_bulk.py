#!/usr/bin/env python3
"""Archives that expand to far more than they are, to see how much memory that takes:

    mkext_bulk.py VERSION KEXTS SIZE FILE

VERSION is 1 or 2, SIZE the bytes of each executable (about; of one alike for version 1).
Written from the formats; stdlib only."""
import struct
import sys
import zlib

VERSIONS = {1: 0x01008000, 2: 0x02002001}


def finish(version, count, rest):
    """Behind the header's checksum comes what it covers."""
    body = struct.pack(">4I", VERSIONS[version], count, 0x01000007, 3) + rest
    return b"MKXTMOSX" + struct.pack(">2I", 16 + len(body), zlib.adler32(body)) + body


def info(number, extra=""):
    return ("<dict><key>CFBundleIdentifier</key><string>com.example.k%d</string><key>CFBundleExecutable"
            "</key><string>x%d</string><key>CFBundleVersion</key><string>1.0</string>%s</dict>"
            % (number, number, extra)).encode()


def version_1(count, size):
    """Groups of eight matches of 18 blanks, which is what the ring begins with."""
    groups = size // 144
    stream = (b"\0" + b"\0\x0f" * 8) * groups
    table, data, at = b"", b"", 32 + 32 * count
    for number in range(count):
        text = info(number)
        table += struct.pack(">8I", at + len(data), 0, len(text), 0,
                             at + len(data) + len(text), len(stream), groups * 144, 0)
        data += text + stream
    return finish(1, count, table + data)


def version_2(count, size):
    packed = zlib.compress(bytes(range(64)) * (size // 64), 6)
    entry = struct.pack(">2I", len(packed), size // 64 * 64) + packed
    texts = b"".join(info(n, "<key>_MKEXTExecutable</key><integer>%d</integer>" % (44 + n * len(entry)))
                     for n in range(count))
    plist = b"<dict><key>_MKEXTInfoDictionaries</key><array>" + texts + b"</array></dict>\0"
    sizes = struct.pack(">3I", 44 + count * len(entry), 0, len(plist))
    return finish(2, count, sizes + entry * count + plist)


if __name__ == "__main__":
    version, count, size = map(int, sys.argv[1:4])
    with open(sys.argv[4], "wb") as file:
        file.write((version_1 if version == 1 else version_2)(count, size))
