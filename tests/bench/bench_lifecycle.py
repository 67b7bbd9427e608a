#!/usr/bin/env python3
"""Cycles of load and unload of a C++ kext with 20 classes, and what the kernel holds resident
with the sample loaded. Prints its rows of bench.json; argument: the build folder. CYCLES in the
environment: how many, 1,000 if it is not set."""
import json
import os
import pathlib
import subprocess
import sys
import time

from world import ROOT, make_kext, run, scratch

CLASSES = 20
WARM_UP = 100

HEAD = """#include <IOKit/IOLib.h>
#include <libkern/c++/OSContainers.h>
#include <mach/mach_types.h>
"""
CLASS = """class Bench{0} : public OSObject {{ OSDeclareDefaultStructors(Bench{0}) }};
OSDefineMetaClassAndStructors(Bench{0}, OSObject)
"""
ROUTINES = """extern "C" kern_return_t Many_start(kmod_info_t *k, void *d) { return 0; }
extern "C" kern_return_t Many_stop(kmod_info_t *k, void *d) { return 0; }
"""


def build(work):
    make_kext(work, "Many", "bench.many",
              HEAD + "".join(CLASS.format(i) for i in range(CLASSES)) + ROUTINES)
    run("make", "-s", "-C", ROOT / "tests/kexts/DummySysctl", f"KEXT_CC={BUILD}/bin/kext-cc",
        f"OUT={work}")


def resident(pid):
    """KiB."""
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") // 1024


def kernel():
    status = subprocess.run(["kextd", "--status", "--json"], check=True, stdout=subprocess.PIPE)
    return json.loads(status.stdout)["Kernel Process"]


def cycles(kext, count):
    """Milliseconds of each load and unload together."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        run("kextload", kext)
        run("kextunload", "-b", "bench.many")
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times)


def measure(work):
    build(work)
    run("kextload", work / "DummySysctl.kext")
    memory = resident(kernel()) / 1024
    cycles(work / "Many.kext", WARM_UP)
    before = resident(kernel())
    times = cycles(work / "Many.kext", int(os.environ.get("CYCLES", 1000)))
    growth = resident(kernel()) - before
    return [
        dict(name="kernel.resident", value=round(memory, 3), unit="MiB", goal=24, better="less"),
        dict(name="lifecycle.median", value=round(times[len(times) // 2], 3), unit="ms", goal=5,
             better="less"),
        dict(name="lifecycle.growth", value=growth, unit="KiB", goal=0, better="less"),
    ]


BUILD = pathlib.Path(sys.argv[1]).resolve()
with scratch(BUILD) as work:
    print(json.dumps(measure(work)))
