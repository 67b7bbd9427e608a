#!/usr/bin/env python3
"""Links files of many megabytes whose tables are all that they hold, with 8 times the input and
16 MiB of memory, and 2 MiB for the process.

    large.py LINKONE
"""
import os
import subprocess
import sys
import tempfile
import cases
from cases_hostile import change
from cases_indexes import field
from setup import *

COUNT = 400000


def many_symbols(data):
    """Definitions of one short name, each of which goes to the output."""
    e, w = form_of(data)
    at, count = field(data, 2, 8), field(data, 2, 12)
    size = 16 if w == 8 else 12
    strings, length = field(data, 2, 16), field(data, 2, 20)
    more = struct.pack(e + "IBBH" + ("Q" if w == 8 else "I"), length, N_ABS | N_EXT, 0, 0, 1)
    end = len(data) + -len(data) % 8
    table = data[at:at + count * size] + more * COUNT
    text = data[strings:strings + length] + b"_x\0"
    return change(2, 8, end, count + COUNT, end + len(table), len(text))(
        data.ljust(end, b"\0") + table + text)


def many_relocations(data):
    """The first external relocation over and over; a bundle's."""
    at, count = field(data, 0xB, 64), field(data, 0xB, 68)
    end = len(data) + -len(data) % 8
    table = data[at:at + 8 * count] + data[at:at + 8] * COUNT
    return change(0xB, 64, end, count + COUNT)(data.ljust(end, b"\0") + table)


def run(linkone, name, edit, cpu, form):
    s = Setup(cpu)
    s.kext = form(cpu)
    foo(s)
    s.kext.pointer("_printf")
    data = edit(s.kext.build())
    with tempfile.TemporaryDirectory() as folder:
        args, out = cases.command(linkone, folder, s, data)
        done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100,
                              preexec_fn=lambda: cases.limit_memory(folder))
        if done.returncode or len(data) < 8 * COUNT:
            print("not ok %s: %d bytes, %s" % (name, len(data), done.stdout.decode()))
            return 1
    print("ok %s" % name)
    return 0


def main(linkone):
    failures = 0
    for name, cpu in CPUS.items():
        failures += run(linkone, "many_symbols_" + name, many_symbols, cpu, Kext)
        failures += run(linkone, "many_relocations_" + name, many_relocations, cpu, Kext)
    for name, cpu in OBJECT_CPUS.items():
        failures += run(linkone, "many_symbols_object_" + name, many_symbols, cpu, ObjectKext)
    return failures != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
