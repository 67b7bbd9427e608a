#!/usr/bin/env python3
"""libkern's dictionary, symbols and reference counts against GLib's, the same work in one run: in
a kext's start, and in a program of the host. Prints its rows of bench.json; argument: the build
folder."""
import json
import pathlib
import re
import subprocess
import sys

from world import ROOT, make_kext, run, scratch

GLIB_FLAGS = ["pkg-config", "--cflags", "--libs", "gobject-2.0"]


def figures(text):
    """Thousandths of nanoseconds of each operation, by name."""
    return {name: int(value) for name, value in re.findall(r"objects: (\w+) (\d+)", text)}


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def measure(work):
    make_kext(work, "Bench", "bench.objects", (ROOT / "tests/bench/objects_kext.cpp").read_text())
    run("cc", "-O2", ROOT / "tests/bench/objects_glib.c", "-o", work / "glib",
        *output(*GLIB_FLAGS).split())
    theirs = figures(output(work / "glib"))
    run("kextload", work / "Bench.kext")
    ours = figures(output("kdmesg"))
    return [dict(name=f"objects.{name}", value=round(ours[name] / theirs[name], 3), unit="ratio",
                 goal=1.5, better="less") for name in ("dictionary", "symbol", "retain")]


with scratch(pathlib.Path(sys.argv[1]).resolve()) as work:
    print(json.dumps(measure(work)))
