#!/usr/bin/env python3
"""A system of its own for tests of kextutil: a kernel of Darwin 18.7.0, the System.kext that
belongs to it, and 24 kexts in four levels, each with a class, that use each other; and the
check of the symbol files made of them against the model.

    system.py build KIND FOLDER     FOLDER/kernel, /kexts/*.kext, /addresses (ID@ADDRESS lines)
    system.py check KIND FOLDER SYMBOLS

KIND is an architecture, or object_i386 or object_ppc for kexts that are object files.
"""
import os
import sys
from kxld_forms import link
from setup import *

LEVELS, WIDTH, STEP = 4, 6, 0x40000
PLIST = """<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>CFBundleIdentifier</key><string>%s</string>
<key>CFBundleExecutable</key><string>%s</string>
<key>CFBundlePackageType</key><string>KEXT</string>
<key>CFBundleVersion</key><string>%s</string>
<key>OSBundleCompatibleVersion</key><string>%s</string>
%s</dict></plist>
"""


def bundle(folder, identifier, name, executable, version, compatible, more):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(executable)
    with open(os.path.join(folder, "Info.plist"), "w") as file:
        file.write(PLIST % (identifier, name, version, compatible, more))


def system_kernel(cpu):
    k = Kernel(cpu)
    for name in FUNCTIONS:
        k.function(name)
    k.klass("11OSMetaClass", META)
    k.klass("8OSObject", OBJECT)
    k.klass("9IOService", SERVICE)
    k.data("_version", b"Darwin Kernel Version 18.7.0: for tests\0")
    return k.build()


def positions():
    return [(level, n) for level in range(LEVELS) for n in range(WIDTH)]


def identifier(level, n):
    return "test.level%d.kext%d" % (level, n)


def below(level, n):
    return [] if level == 0 else [(level - 1, n), (level - 1, (n + 1) % WIDTH)]


def all_below(level, n):
    found = []
    for one in below(level, n):
        for other in all_below(*one) + [one]:
            if other not in found:
                found.append(other)
    return found


def kext(cpu, form, level, n):
    k = form(cpu)
    name = "K%d%d" % (level, n)
    k.function("_f%d%d" % (level, n))
    k.function("__ZN3%s5startEP9IOService" % name)
    k.klass("3" + name, "9IOService",
            OLD[:3] + ["__ZN3%s5startEP9IOService" % name] + OLD[4:], meta=META)
    # The first of a level takes the longest, so that schedules differ.
    for i in range(4000 if n == 0 else 0):
        k.function("_f%d%d_%d" % (level, n, i))
    k.pointer("_printf")
    for other in below(level, n):
        k.pointer("_f%d%d" % other, addend=4)
    for name in ["_IOLog"] + ["_f%d%d" % other for other in below(level, n)]:
        # ARM kernels lie out of a call's reach.
        (k.pointer if cpu == ARM else k.call)(name)
    return k.build()


def address(cpu, level, n):
    return BASES[cpu][1] + (level * WIDTH + n) * STEP


def build(cpu, form, folder):
    kexts = os.path.join(folder, "kexts")
    system = os.path.join(kexts, "System.kext")
    os.makedirs(system)
    with open(os.path.join(folder, "kernel"), "wb") as file:
        file.write(system_kernel(cpu))
    with open(os.path.join(system, "Info.plist"), "w") as file:
        text = PLIST % ("com.apple.kernel", "none", "18.7.0", "18.7.0",
                        "<key>OSKernelResource</key><true/>")
        file.write(text.replace("<key>CFBundleExecutable</key><string>none</string>", ""))
    bundle(os.path.join(system, "PlugIns", "Libkern.kext"), "com.apple.kpi.libkern", "Libkern",
           kpi(cpu), "18.7.0", "8.0.0", "<key>OSKernelResource</key><true/>")
    with open(os.path.join(folder, "addresses"), "w") as file:
        file.write("# load addresses\n\n")
        for level, n in positions():
            libraries = [("com.apple.kpi.libkern", "18.0")]
            libraries += [(identifier(*one), "1.0") for one in below(level, n)]
            entries = "".join("<key>%s</key><string>%s</string>" % one for one in libraries)
            bundle(os.path.join(kexts, "K%d%d.kext" % (level, n)), identifier(level, n), "K",
                   kext(cpu, form, level, n), "1.2", "1.0",
                   "<key>OSBundleLibraries</key><dict>%s</dict>" % entries)
            file.write("%s@%x\n" % (identifier(level, n), address(cpu, level, n)))


def check(cpu, form, symbols):
    kernel_, interface_, linked = system_kernel(cpu), kpi(cpu), {}
    for one in positions():
        deps = [(kernel_, interface_, True)]
        deps += [(linked[other], None, True) for other in below(*one)]
        deps += [(linked[other], None, False) for other in all_below(*one)
                 if other not in below(*one)]
        linked[one] = bytes(link(kext(cpu, form, *one), deps, address(cpu, *one)).out)
        with open(os.path.join(symbols, identifier(*one) + ".sym"), "rb") as file:
            if file.read() != linked[one]:
                sys.exit("%s.sym is not what the model links" % identifier(*one))
    found = sorted(os.listdir(symbols))
    if len(found) != len(linked):
        sys.exit("%d symbol files: %s" % (len(found), found))


def kind(name):
    """(CPU, class of its kexts)"""
    if name.startswith("object_"):
        return OBJECT_CPUS[name[7:]], ObjectKext
    return CPUS[name], Kext


if __name__ == "__main__":
    if sys.argv[1] == "build":
        build(*kind(sys.argv[2]), sys.argv[3])
    else:
        check(*kind(sys.argv[2]), sys.argv[4])
