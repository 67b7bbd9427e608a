#!/usr/bin/env python3
"""Archives and their codecs against bare zlib on the same bytes (code of programs of this
machine), and the listing of a prelinked kernel of 100 MB. Prints its rows of bench.json;
argument: the build folder."""
import glob
import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/model"))
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


def listing(build, work):
    path = os.path.join(work, "prelinked")
    data, info = prelinked()
    with open(path, "wb") as file:
        file.write(data)
    if len(data) < 90e6 or info < 8.5e6:
        sys.exit("bench_archive: the kernel has %d bytes, its dictionary %d" % (len(data), info))
    times = []
    for _ in range(7):
        start = time.perf_counter()
        done = subprocess.run([pathlib.Path(build) / "bin/mkextunpack", "-v", path], check=True,
                              stdout=subprocess.PIPE)
        times.append((time.perf_counter() - start) * 1000)
        if done.stdout.count(b"com.example.kext") != KEXTS:
            sys.exit("bench_archive: the list is not complete")
    return statistics.median(times)


def samples():
    """Machine code: the largest libraries that are surely there."""
    found = sorted(glob.glob("/usr/lib/llvm-14/lib/libLLVM-14.so*") + glob.glob("/usr/lib/llvm-14/lib/libclang-cpp.so*"))
    real = sorted({os.path.realpath(f) for f in found})
    return real or [sys.executable]


def main(build):
    tool = pathlib.Path(build).resolve() / "tests/archivebench"
    subprocess.run(["make", "-s", f"BUILD={build}", f"{build}/tests/archivebench"], cwd=ROOT, check=True,
                   stdout=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="kext-archive.") as work:
        code = os.path.join(work, "code")
        with open(code, "wb") as out:
            for path in samples():
                with open(path, "rb") as file:
                    file.seek(16 << 20)
                    out.write(file.read(24 << 20))
        with tempfile.TemporaryFile() as out:
            subprocess.run([tool, "5", code], check=True, stdout=out)
            out.seek(0)
            t = json.load(out)
        listed = listing(build, work)
    megabytes = t["bytes"] / 1e6

    def row(name, value, unit, goal, better):
        return dict(name=name, value=round(value, 3), unit=unit, goal=goal, better=better)
    print(json.dumps([
        row("unpack.ratio1", t["inflate"] / t["unpack1"], "x", 1.8, "more"),
        row("unpack.ratio2", t["inflate"] / t["unpack2"], "x", 3.2, "more"),
        row("pack.ratio1", t["deflate"] / t["pack1"], "x", 0.95, "more"),
        row("pack.ratio2", t["deflate"] / t["pack2"], "x", 1.8, "more"),
        row("lzss.decode", megabytes / t["lzss_decode"], "MB/s", 600, "more"),
        row("lzvn.decode", megabytes / t["lzvn_decode"], "MB/s", 900, "more"),
        row("lzss.encode", megabytes / t["lzss_encode"], "MB/s", 20, "more"),
        row("list.prelinked", listed, "ms", 200, "less"),
    ]))


main(sys.argv[1])
