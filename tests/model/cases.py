#!/usr/bin/env python3
"""Links many small kexts with the C linker (tests/linkone) and with the model, and compares:
every byte of the image, or the slug of the refusal.

    cases.py LINKONE [NAME...]     cases.py --list     cases.py --write FOLDER
    cases.py --kernel KERNEL INTERFACE
    cases.py --file LINKONE KEXT   a kext from another linker, plain and with slide information
"""
import os
import resource
import subprocess
import sys
import tempfile
import cases_layout
import cases_hostile
import cases_indexes
import cases_names
import cases_objects
import cases_split
import cases_vtables
from kxld import Refused
from kxld_forms import link
from setup import *


def prepare(name):
    function, cpu, refused, gate = CASES[name]
    setup = Setup(cpu)
    function(setup)
    return setup, setup.edit(setup.kext.build()), refused, gate


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def command(linkone, folder, setup, kext):
    out = os.path.join(folder, "out")
    args = [linkone, "-o", out, "-a", hex(setup.address)]
    args += ["-s"] * setup.slides + ["-M"] * setup.missing
    if setup.page:
        args += ["-p", str(setup.page)]
    for place in (setup.split or {}).items():
        args += ["-S", "%s=%#x" % place]
    for i, (image, face, direct) in enumerate(setup.dependencies()):
        path = write(folder, "image%d" % i, image)
        if face:
            args += ["-k", path, "-i", write(folder, "interface%d" % i, face)]
        else:
            args += ["-d" if direct else "-D", path]
    return args + [write(folder, "kext", kext)], out


def run_case(linkone, name):
    setup, kext, refused, gate = prepare(name)
    expected = refused
    try:
        if not gate:
            model = link(kext, setup.dependencies(), setup.address, setup.slides, setup.page,
                         setup.missing, setup.split)
            expected = None
    except Refused as reason:
        expected = str(reason)
    if expected != refused:
        return "the model says %s, the case %s" % (expected, refused)
    with tempfile.TemporaryDirectory() as folder:
        args, out = command(linkone, folder, setup, kext)
        done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                              preexec_fn=lambda: limit_memory(folder))
        text = done.stdout.decode(errors="replace")
        if refused:
            if done.returncode == 1 and "error %s:" % refused in text:
                return untold(refused, text)
            return "expected %s, got status %d: %s" % (refused, done.returncode, text)
        if done.returncode:
            return "status %d: %s" % (done.returncode, text)
        with open(out, "rb") as file:
            return compare(bytes(model.out), file.read(), text, model)


def untold(slug, text):
    """What is wrong with bytes of a file is told with their offset in it."""
    if slug not in ("link.input", "link.relocation", "link.overflow") or " offset 0x" in text:
        return None
    if any(word in text for word in ("image would have", "object file", "common symbol", "missing")):
        return None  # of the file as a whole
    return "no offset in: %s" % text


def limit_memory(folder):
    """No link takes more than 8 times its inputs and 16 MiB; 2 MiB are the process's own."""
    if os.environ.get("SAN"):
        return  # a sanitizer's shadow counts as memory
    size = sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))
    limit = 8 * size + (18 << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def compare(expected, found, text, model):
    tail = "kmod_info %#x missing %d %d" % (model.kmod_info, model.missing_direct,
                                            model.missing_slots)
    if tail not in text:
        return "expected '%s' in: %s" % (tail, text)
    if expected == found:
        return None
    if len(expected) != len(found):
        return "size %#x, expected %#x" % (len(found), len(expected))
    at = next(i for i in range(len(found)) if found[i] != expected[i])
    return "byte %#x: %s, expected %s" % (at, found[at:at + 16].hex(), expected[at:at + 16].hex())


class Ready:
    """A kext that another linker made, against a kernel that has all it wants."""

    def __init__(self, data):
        self.data = data

    def build(self):
        return self.data


def run_file(linkone, path, slides):
    with open(path, "rb") as file:
        data = file.read()
    name = "%s%s" % (os.path.basename(path), "_slides" if slides else "")

    def fill(s):
        k = Kernel(s.cpu)
        wanted = [y["name"] for y in File(data).symbols if y["type"] & 0xEE == 0]
        methods = [w for w in wanted if w.startswith("__ZN")]
        for w in wanted:
            if not w.startswith("__ZTV"):
                k.function(w)
        for cls, table in (("11OSMetaClass", []), ("8OSObject", []), ("9IOService", methods[:1])):
            if "__ZTV" + cls not in k.index:
                k.vtable("__ZTV" + cls, table)
        s.kernel, s.interface = k.build(), interface(s.cpu, wanted)
        s.kext, s.slides = Ready(data), slides
    CASES[name] = (fill, File(data).cpu, None, False)
    problem = run_case(linkone, name)
    print("not ok %s: %s" % (name, problem) if problem else "ok %s" % name)
    return problem is not None


def main(args):
    if args[0] == "--file":
        return run_file(args[1], args[2], False) | run_file(args[1], args[2], True)
    if args[0] == "--list":
        print("\n".join(sorted(CASES)))
        return 0
    if args[0] == "--kernel":
        write("", args[1], kernel(X86_64))
        write("", args[2], kpi(X86_64))
        return 0
    if args[0] == "--write":
        os.makedirs(args[1], exist_ok=True)
        for name in sorted(CASES):
            write(args[1], name, prepare(name)[1])
        return 0
    failures = 0
    for name in args[1:] or sorted(CASES):
        problem = run_case(args[0], name)
        print("not ok %s: %s" % (name, problem) if problem else "ok %s" % name)
        failures += problem is not None
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
