#!/usr/bin/env python3
"""Archives and their codecs against bare zlib on the same bytes (code of programs of this
machine), and the listing of a prelinked kernel of 100 MB. Prints its rows of bench.json;
argument: the build folder."""
import glob
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/model"))
from prelink_large import KEXTS, prelinked  # noqa: E402

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
