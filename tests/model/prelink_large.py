#!/usr/bin/env python3
"""A prelinked kernel as large as real ones: prelink_large.py FILE writes one of 100 MB."""
import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import prelink_make  # noqa: E402
from macho import File, up  # noqa: E402

KEXTS, IMAGE, INFO = 300, 300 << 10, 30 << 10


def prelinked():
    """A kernel with 300 kexts of 300 KiB whose dictionaries have 30 KiB each."""
    kernel = bytearray(prelink_make.make_kernel())
    f = File(bytes(kernel))
    address = up(max(s["addr"] + s["size"] for s in f.segments), 0x1000)
    image = prelink_make.driver(0)
    image += bytes(IMAGE - len(image))
    entry = ("<dict><key>IOClass</key><string>Foo</string><key>IOProviderClass</key><string>IOPCIDevice"
             "</string><key>IOPCIMatch</key><string>0x12345678&amp;0xffff</string>"
             '<key>IOProbeScore</key><integer size="32">0x3e8</integer></dict>')
    rows = []
    for i in range(KEXTS):
        personalities = "".join("<key>P%d</key>%s" % (k, entry) for k in range(INFO // (len(entry) + 16)))
        at = address + i * IMAGE
        rows.append(
            "<dict><key>CFBundleIdentifier</key><string>com.example.kext%d</string>"
            "<key>CFBundleVersion</key><string>1.0</string><key>CFBundleExecutable</key><string>x</string>"
            "<key>IOKitPersonalities</key><dict>%s</dict><key>_PrelinkBundlePath</key><string>/S/K%d.kext</string>"
            "<key>_PrelinkExecutableRelativePath</key><string>Contents/MacOS/x</string>"
            '<key>_PrelinkExecutableSourceAddr</key><integer size="64">0x%x</integer>'
            '<key>_PrelinkExecutableLoadAddr</key><integer size="64">0x%x</integer>'
            '<key>_PrelinkExecutableSize</key><integer size="64">0x%x</integer>'
            '<key>_PrelinkKmodInfo</key><integer size="64">0x%x</integer></dict>'
            % (i, personalities, i, at, at, IMAGE, at + 0x2000))
    info = ("<dict><key>_PrelinkInfoDictionary</key><array>%s</array></dict>\0" % "".join(rows)).encode()
    out = bytearray(kernel) + bytes(-len(kernel) % 0x1000)
    at = 32
    extents = {b"__PRELINK_TEXT": image * KEXTS, b"__PRELINK_INFO": info}
    for _ in range(struct.unpack_from("<I", kernel, 16)[0]):
        command, size = struct.unpack_from("<2I", kernel, at)
        content = extents.get(bytes(kernel[at + 8:at + 24]).rstrip(b"\0")) if command == 0x19 else None
        if content:
            room = up(len(content), 0x1000)
            struct.pack_into("<4Q", out, at + 24, address, room, len(out), room)
            struct.pack_into("<2QI", out, at + 72 + 32, address, len(content), len(out))
            out += content + bytes(room - len(content))
            address += room
        at += size
    return out, len(info)


if __name__ == "__main__":
    with open(sys.argv[1], "wb") as file:
        file.write(prelinked()[0])
