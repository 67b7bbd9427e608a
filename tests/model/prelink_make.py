"""Writes what a prelinked kernel is made from: FOLDER/kernel, with empty __PRELINK segments,
and FOLDER/Extensions with System.kext and its KPI plug-in, libraries, drivers, a plist-only
kext and, by name, a kext that cannot be linked.

    prelink_make.py FOLDER [DRIVERS [BROKEN [REQUIRED]]] [--fat]
    prelink_make.py --filled FILE       a kernel that holds kexts already

--fat: kernel and kexts for i386 and x86_64; every second driver for x86_64 alone."""
import os
import plistlib
import struct
import sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import *  # noqa: E402
from setup import FUNCTIONS, META, OBJECT, SERVICE, OLD  # noqa: E402

KPI = "com.apple.kpi.test"


def fat(images):
    """A fat file of (CPU, image), each slice at a page."""
    out, at = bytearray(struct.pack(">2I", 0xCAFEBABE, len(images))), 0x1000
    for cpu, image in images:
        out += struct.pack(">5I", cpu, 3, at, len(image), 12)
        at = up(at + len(image), 0x1000)
    for _, image in images:
        out += bytes(-len(out) % 0x1000) + image
    return bytes(out)


def for_all(cpus, make):
    images = [(cpu, make(cpu)) for cpu in cpus]
    return fat(images) if len(images) > 1 else images[0][1]


def make_kernel(filled=False, cpu=X86_64):
    k = Kernel(cpu)
    for name in FUNCTIONS:
        k.function(name)
    k.klass("11OSMetaClass", META)
    k.klass("8OSObject", OBJECT)
    k.klass("9IOService", SERVICE)
    k.data("_version", b"Darwin Kernel Version 19.6.0: test\0" + bytes(5))
    k.section("__PRELINK_TEXT", "__text", data=b"kext" if filled else b"", align=0)
    k.section("__PRELINK_INFO", "__info", align=0)
    return k.build()


def add_kmod_info(kext, identifier, version):
    """kmod_info as it is compiled: version 1, no id, pointers to start and stop."""
    for name in ("_start", "_stop"):
        kext.function(name, private=True)
    word, start = ("Q", 180) if kext.w == 8 else ("I", 160)
    info = struct.pack("<%siI64s64si%s" % (word, 4 * word), 0, 1, 0xFFFFFFFF, identifier.encode(),
                       version.encode(), -1, 0, 0, 0, 0) + bytes(2 * kext.w)
    at = kext.append(DATA, info, 8)
    kext.symbol("_kmod_info", N_SECT | N_EXT, DATA, offset=at)
    for offset, name in ((start, "_start"), (start + kext.w, "_stop")):
        kext.references.append((DATA, at + offset, name, 0))


def write_kext(folder, name, identifier, image=None, libraries=(), executable="Contents/MacOS/",
               **more):
    path = os.path.join(folder, name + ".kext", "Contents")
    os.makedirs(os.path.join(path, "MacOS"), exist_ok=True)
    info = {"CFBundleIdentifier": identifier, "CFBundlePackageType": "KEXT",
            "CFBundleVersion": "1.2.3", "CFBundleInfoDictionaryVersion": "6.0"}
    if image:
        info["CFBundleExecutable"] = name
        with open(os.path.join(path, "MacOS", name), "wb") as file:
            file.write(image)
    if libraries:
        info["OSBundleLibraries"] = {l: "1.0" if l != KPI else "8.0" for l in libraries}
    info.update(more)
    with open(os.path.join(path, "Info.plist"), "wb") as file:
        plistlib.dump(info, file, sort_keys=False)
    return path


def library(number, cpu=X86_64):
    kext = Kext(cpu, kmod=False)
    kext.function("_library_%d" % number)
    kext.call(FUNCTIONS[0])
    kext.pointer("_library_%d" % number)
    add_kmod_info(kext, "com.example.Library%d" % number, "1.2.3")
    return kext.build()


def driver(number, missing=(), cpu=X86_64):
    kext = Kext(cpu, kmod=False)
    kext.append(TEXT, bytes(range(256)) * number)
    start = "__ZN3Foo5startEP9IOService"
    kext.function(start)
    kext.klass("3Foo", "9IOService", OLD[:3] + [start] + OLD[4:], meta=META)
    for name in FUNCTIONS[:2] + list(missing):
        kext.call(name)
        kext.pointer(name, addend=8)
    for i in range(150):  # enough symbols of its own that it is a page shorter without them
        kext.function("_private_function_number_%d" % i, private=True)
    kext.call("_library_%d" % (number % 2))
    kext.pointer(start)
    add_kmod_info(kext, "com.example.Driver%d" % number, "1.2.3")
    return kext.build()


def generate(folder, drivers=3, broken=0, required=None, cpus=(X86_64,)):
    extensions = os.path.join(folder, "Extensions")
    os.makedirs(extensions, exist_ok=True)
    with open(os.path.join(folder, "kernel"), "wb") as file:
        file.write(for_all(cpus, lambda cpu: make_kernel(cpu=cpu)))
    system = {"OSKernelResource": True, "OSBundleCompatibleVersion": "1.0", "CFBundleVersion": "19.6.0",
              "OSBundleRequired": "Root"}
    path = write_kext(extensions, "System", "com.apple.kernel", **system)
    names = FUNCTIONS + OBJECT + META + SERVICE[3:]
    names += ["__ZN%s10gMetaClassE" % c for c in ("11OSMetaClass", "8OSObject", "9IOService")]
    names += ["__ZTV9IOService", "__ZTV8OSObject", "__ZTV11OSMetaClass"]
    write_kext(os.path.join(path, "PlugIns"), "Test", KPI, for_all(cpus, lambda cpu: interface(cpu, names)),
               **system)
    personality = {"IOKitPersonalities": {"Foo": {"IOClass": "Foo", "IOProviderClass": "IOService",
                                                  "IOProbeScore": 0x2A, "IONames": [" a<&>b "]}}}
    for i in range(2):
        write_kext(extensions, "Library%d" % i, "com.example.Library%d" % i,
                   for_all(cpus, lambda cpu: library(i, cpu)), [KPI],
                   OSBundleCompatibleVersion="1.0", OSBundleRequired="Root")
    for i in range(drivers):
        more = dict(personality)
        if i % 2 == 0:
            more["OSBundleRequired"] = ("Local-Root", "Network-Root", "Safe Boot")[i // 2 % 3]
        write_kext(extensions, "Driver%d" % i, "com.example.Driver%d" % i,
                   for_all(cpus[i % 2 * (len(cpus) - 1):], lambda cpu: driver(i, cpu=cpu)),
                   [KPI, "com.example.Library%d" % (i % 2)], **more)
    for i in range(broken):
        more = {"OSBundleRequired": required} if required else {}
        write_kext(extensions, "Broken%d" % i, "com.example.Broken%d" % i, driver(i, ["_nowhere"]),
                   [KPI, "com.example.Library%d" % (i % 2)], **more)
    write_kext(extensions, "Bare", "com.example.Bare", OSBundleRequired="Console", **personality)


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--fat"]
    if words[0] == "--filled":
        with open(words[1], "wb") as out:
            out.write(make_kernel(True))
    else:
        generate(words[0], *(int(a) for a in words[1:3]), *words[3:4],
                 cpus=(I386, X86_64) if "--fat" in sys.argv else (X86_64,))
