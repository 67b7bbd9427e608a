#!/usr/bin/env python3
"""Kexts that fail to link as kexts of real people do, in the system of system.py.

    failures.py FOLDER      FOLDER/kernel, FOLDER/kexts/NAME.kext
"""
import os
import sys
import system
from setup import *

LIBKERN = [("com.apple.kpi.libkern", "18.0")]
CASES = []


def kext(*libraries):
    def add(function):
        CASES.append((function, libraries or LIBKERN))
        return function
    return add


@kext(("com.apple.kpi.bsd", "18.0"))
def undeclared(k):
    k.pointer("_lck_mtx_lock")


@kext()
def unknown(k):
    k.pointer("_nowhere_at_all")


@kext()
def unknown_method(k):
    k.pointer("__ZN9IOService8newThingEi")


@kext(("com.apple.kpi.bsd", "18.0"))
def reserved(k):
    k.pointer("_secret")


@kext(("com.apple.kpi.bsd", "18.0"))
def stale(k):
    k.pointer("_gone")


@kext(*LIBKERN, ("test.level0.kext0", "1.0"))
def duplicate(k):
    k.function("_f00")
    k.pointer("_printf")


@kext(*LIBKERN, ("test.level0.kext0", "0.5"))
def too_old(k):
    k.pointer("_f00")


@kext()
def grown(k):
    k.klass("3Foo", "9IOService", OLD[:3], meta=META)


@kext()
def newer(k):
    k.klass("3Foo", "9IOService", SERVICE[:6] + ["__ZN9IOService12futureMethodEv"], meta=META)


@kext()
def unimplemented(k):
    k.klass("3Foo", "9IOService", SERVICE[:3] + ["__ZN3Foo5startEP9IOService"] + SERVICE[4:],
            meta=META)


@kext()
def orphan(k):
    k.klass("3Foo", "7NoClass", SERVICE, meta=META)


def component(folder, name, names):
    system.bundle(os.path.join(folder, "System.kext", "PlugIns", name + ".kext"),
                  "com.apple.kpi." + name.lower(), name, interface(X86_64, names), "18.7.0",
                  "8.0.0", "<key>OSKernelResource</key><true/>")


def main(folder):
    system.build(X86_64, Kext, folder)
    kexts = os.path.join(folder, "kexts")
    component(kexts, "Bsd", ["_printf", "_gone"])
    component(kexts, "Private", ["_secret"])
    for function, libraries in CASES:
        name, k = function.__name__, Kext(X86_64)
        function(k)
        entries = "".join("<key>%s</key><string>%s</string>" % one for one in libraries)
        system.bundle(os.path.join(kexts, name + ".kext"), "test." + name, "K", k.build(), "1.0",
                      "1.0", "<key>OSBundleLibraries</key><dict>%s</dict>" % entries)


if __name__ == "__main__":
    main(sys.argv[1])
