#!/usr/bin/env python3
"""kextcache -c on the generated set of 400 kexts: time on one thread and two, against the time
that linking alone takes of it (an uncompressed kernel), and peak memory against input and output.
Prints its rows of bench.json; argument: the build folder."""
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import gen_link  # noqa: E402
import prelink_make  # noqa: E402

ROUNDS = 3


def kernel_with_room(names):
    """The generated kernel with the segments that kexts go into."""
    kernel, *rest = make_kernel(names)
    kernel.section("__PRELINK_TEXT", "__text", align=0)
    kernel.section("__PRELINK_INFO", "__info", align=0)
    return kernel, *rest


make_kernel, gen_link.make_kernel = gen_link.make_kernel, kernel_with_room
make_kext = gen_link.make_kext


def named_kext(names, index, *rest):
    """kmod_info as it is compiled, which the generated kexts leave empty."""
    kext, made = make_kext(names, index, *rest)
    at = kext.pending[kext.index["_kmod_info"]][5]
    data = kext.b.sections[gen_link.DATA - 1].data
    data[at + 8:at + 16] = b"\x01\0\0\0\xff\xff\xff\xff"
    data[at + 16:at + 16 + 64] = b"com.example.kext%03d".ljust(64, b"\0") % index
    data[at + 80:at + 144] = b"1.2.3".ljust(64, b"\0")
    return kext, made


gen_link.make_kext = named_kext


def bundles(folder):
    """What the generator wrote, as kexts in FOLDER/Extensions."""
    gen_link.generate(folder)
    top = os.path.join(folder, "Extensions")
    system = {"OSKernelResource": True, "OSBundleCompatibleVersion": "1.0", "CFBundleVersion": "19.6.0"}
    kpis = ["com.apple.kpi.part%d" % i for i in range(gen_link.KPIS)]
    path = prelink_make.write_kext(top, "System", "com.apple.kernel", **system)

    def image(name):
        return pathlib.Path(folder, name).read_bytes()
    for i, kpi in enumerate(kpis):
        prelink_make.write_kext(os.path.join(path, "PlugIns"), "Part%d" % i, kpi, image("kpi%d" % i),
                                **system)
    for line in pathlib.Path(folder, "plan").read_text().splitlines():
        name, is_library, *direct = line.split("|")[0].split()
        more = {"OSBundleCompatibleVersion": "1.0"} if is_library == "1" else {}
        prelink_make.write_kext(top, name, "com.example." + name, image(name), **more, OSBundleLibraries={
            **{kpi: "8.0" for kpi in kpis}, **{"com.example.kext%03d" % int(d): "1.0" for d in direct}})
    return top


def run(build, folder, *options):
    """Seconds and peak memory in bytes."""
    start = time.monotonic()
    made = subprocess.Popen([f"{build}/bin/kextcache", "-z", "-v", *options, "-c", f"{folder}/out", "-K",
                             f"{folder}/kernel", f"{folder}/Extensions"], stderr=subprocess.PIPE)
    said = made.stderr.read().decode()
    _, status, usage = os.wait4(made.pid, 0)
    if status or re.search("omit|left out", said):
        sys.exit("bench_prelink: " + said[-2000:])
    return time.monotonic() - start, usage.ru_maxrss * 1024


def main(build):
    with tempfile.TemporaryDirectory(prefix="kext-prelink.") as folder:
        top = bundles(folder)
        size = sum(p.stat().st_size for p in pathlib.Path(top).rglob("*") if p.is_file())
        size += os.path.getsize(f"{folder}/kernel")
        times = {}
        for _ in range(ROUNDS):
            for name, options in (("bare", ("-uncompressed",)), ("lzss", ("-j", "2")),
                                  ("lzvn", ("-compression", "lzvn"))):
                times.setdefault(name, []).append(run(build, folder, *options))
                if name == "bare":
                    made = os.path.getsize(f"{folder}/out")

    def row(name, value, unit, better="less"):
        return dict(name="prelink." + name, value=round(value, 3), unit=unit, goal=None, better=better)
    median = {name: statistics.median(t for t, _ in runs) for name, runs in times.items()}
    memory = statistics.median(m for _, m in times["bare"])
    print(json.dumps([row(name, value, "s") for name, value in median.items()] +
                     [row("memory", memory / (size + made), "ratio"), row("input", size / 1e6, "MB", "more"),
                      row("output", made / 1e6, "MB", "more")]))


main(sys.argv[1])
