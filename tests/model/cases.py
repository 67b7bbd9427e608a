#!/usr/bin/env python3
"""Links many small kexts with the C linker (tests/linkone) and with the model, and compares:
every byte of the image, or the slug of the refusal.

    cases.py LINKONE [NAME...]     cases.py --list     cases.py --write FOLDER
    cases.py --kernel KERNEL INTERFACE
    cases.py --file LINKONE KEXT   a kext from another linker, plain and with slide information
"""
import os
import subprocess
import sys
import tempfile
from kit import *
from kxld import Link, Refused

OBJECT = ["__ZN8OSObjectD1Ev", "__ZNK8OSObject7releaseEv", "__ZN8OSObject4freeEv"]
META = ["__ZN11OSMetaClassD1Ev", "__ZNK11OSMetaClass4workEv"]
SERVICE = OBJECT + ["__ZN9IOService5startEPS_", "__ZN9IOService4stopEPS_",
                    "__ZN9IOService9configureEv", "__ZN9IOService20_RESERVEDIOService1Ev"]
# What a kext built against an older SDK names: a pad where configure() is now.
OLD = SERVICE[:5] + ["__ZN9IOService20_RESERVEDIOService0Ev"] + SERVICE[6:]
FUNCTIONS = ["_printf", "_IOLog", "__MALLOC_external", "_lck_mtx_lock", "_old", "__Znwm",
             "__ZdlPv", "_gOSKextUnresolved"]
CPUS = {"x86_64": X86_64, "arm64": ARM64, "arm": ARM, "i386": I386}
CASES = {}


def case(*cpus, refused=None, gate=False):
    """gate: refused before the model's part of the work begins."""
    def add(function):
        for cpu in cpus or CPUS:
            name = "%s_%s" % (function.__name__, cpu)
            CASES[name] = (function, CPUS[cpu], refused, gate)
        return function
    return add


def kernel(cpu, weak=False, traps=(), final=False):
    k = Kernel(cpu)
    for name in FUNCTIONS:
        k.function(name)
    k.function("_hidden", private=True)
    k.klass("11OSMetaClass", META)
    k.klass("8OSObject", OBJECT)
    k.klass("9IOService", SERVICE)
    if weak:
        k.function("_kext_weak_symbol_referenced")
    if final:
        k.function("__ZN9IOService14__OSFinalClassEv")
    for name in traps:
        k.trap(name)
    return k.build()


def kpi(cpu):
    names = FUNCTIONS + OBJECT + META + SERVICE[3:] + ["_hidden", "_gone", "_trapped"]
    names += ["__ZN%s10gMetaClassE" % c for c in ("11OSMetaClass", "8OSObject", "9IOService")]
    names += ["__ZTV9IOService", "__ZN9IOService14__OSFinalClassEv"]
    return interface(cpu, names, [("__MALLOC", "__MALLOC_external"),
                                  ("_IOLockLock", "_lck_mtx_lock")], obsolete=("_old",))


class Setup:
    """What one case links: filled by its function."""

    def __init__(self, cpu):
        self.cpu, self.kext = cpu, Kext(cpu)
        self.kernel, self.interface = None, kpi(cpu)
        self.bare = False       # the kernel without an interface
        self.libraries = []     # (image bytes, is_direct)
        self.slides = self.missing = False
        self.address = BASES[cpu][1]
        self.page = None
        self.edit = lambda data: data

    def dependencies(self):
        kernel_ = self.kernel or kernel(self.cpu)
        first = [(kernel_, None if self.bare else self.interface, True)]
        return first + [(data, None, direct) for data, direct in self.libraries]


# --- references -----------------------------------------------------------------------------
@case()
def pointers(s):
    for name in ("_printf", "_IOLog", "_hidden"):
        s.kext.pointer(name)
    s.kext.pointer("_start_stub")
    s.kext.pointer("_kmod_info", addend=12)


@case("x86_64", "arm64", "i386")
def calls(s):
    s.kext.call("_printf")
    s.kext.append(TEXT, b"\x90" * (4 if s.cpu == ARM64 else 3))
    s.kext.call("_IOLog")


@case("x86_64")
def call_by_jcc(s):
    s.kext.call("_printf", b"\x0f\x84")
    s.kext.call("_printf", b"\xe9")


@case("x86_64", "arm64", refused="link.overflow")
def call_out_of_reach(s):
    s.kext.call("_printf")
    s.address = 0xFFFFFE0000000000


@case()
def aliases(s):
    s.kext.pointer("__MALLOC")
    s.kext.pointer("_IOLockLock")


@case()
def indirect_symbol(s):
    s.kext.symbol("_mine", N_INDR | N_EXT, value="_printf")
    s.kext.pointer("_mine")


@case()
def obsolete(s):
    s.kext.pointer("_old")


@case(refused="link.unresolved")
def unresolved(s):
    s.kext.pointer("_nobody")


@case(refused="link.unresolved")
def listed_but_gone(s):
    s.kext.pointer("_gone")


@case()
def private_new_through_interface(s):
    s.kext.pointer("__Znwm")


@case("x86_64", "arm", refused="link.unresolved")
def private_new_from_bare_kernel(s):
    s.bare = True
    s.kext.pointer("__Znwm")


@case("x86_64", "arm")
def bare_kernel(s):
    s.bare = True
    s.kext.pointer("_printf")


@case()
def own_private_new(s):
    s.kext.function("__Znwm")
    s.kext.pointer("__Znwm")
    s.kext.pointer("_printf")


@case(refused="link.unresolved")
def weak_untested(s):
    s.kext.undefined("_maybe", N_WEAK)
    s.kext.pointer("_maybe")


@case()
def weak_filler(s):
    s.kext.undefined("_maybe", N_WEAK)
    s.kext.undefined("_gOSKextUnresolved")
    s.kext.pointer("_maybe")


@case()
def weak_function(s):
    s.kernel = kernel(s.cpu, weak=True)
    s.kext.undefined("_maybe", N_WEAK)
    s.kext.undefined("_gOSKextUnresolved")
    s.kext.pointer("_maybe")


@case()
def weak_found(s):
    s.kext.undefined("_printf", N_WEAK)
    s.kext.pointer("_printf")


@case(refused="link.common")
def common(s):
    s.kext.symbol("_shared", N_EXT, value=8)


@case(refused="link.duplicate")
def duplicate(s):
    s.kext.function("_printf")


@case()
def hidden_duplicate(s):
    s.kext.symbol("_printf", N_SECT | N_EXT | N_PEXT, TEXT, offset=0)
    s.kext.pointer("_IOLog")


@case()
def exported_but_not_listed(s):
    s.kext.function("_kext_weak_symbol_referenced")
    s.kernel = kernel(s.cpu, weak=True)
    s.kext.pointer("_IOLog")


@case()
def debugger_symbols(s):
    k = s.kext
    k.symbol("/src/a.c", 0x64, TEXT, value=0)
    k.symbol("/src/a.o", 0x66, 3, 1, value=0x5F000000)
    k.symbol("", 0x2E, TEXT, offset=16)
    k.symbol("_f", 0x24, TEXT, offset=16)
    k.symbol("", 0x24, value=16)
    k.symbol("_gone", 0x26, 0, value=5)
    k.symbol("_abs", N_ABS | N_EXT, value=0x1234)
    k.symbol("_abs_sect", N_ABS, 2, value=0x1234)
    k.symbol("_no_section", N_SECT | N_EXT, 0, value=0x40)
    k.pointer("_printf")


@case("x86_64", refused="link.input")
def unknown_debugger_symbol(s):
    s.kext.symbol("x", 0x32)


@case("x86_64", refused="link.input")
def prebound_symbol(s):
    s.kext.symbol("_x", N_EXT | 0xC)


@case("arm")
def thumb(s):
    s.kext.function("_mine", desc=N_THUMB)
    s.kext.pointer("_mine")
    s.kext.pointer("_printf")


@case("arm", "i386")
def symbol_pointers(s):
    k = s.kext
    section = k.section("__DATA", "__nl_symbol_ptr", align=2, flags=6, res1=1)
    k.undefined("_printf")
    at = k.append(section, struct.pack("<4I", 0, 0x40, 0x50, 8))
    k.undefined("_IOLog")
    k.b.indirect = [99, k.index["_printf"], 0x80000000, 0xC0000000, k.index["_IOLog"]]
    k.pointer("_printf")
    assert at == 0


# --- relocation forms -------------------------------------------------------------------------
@case("x86_64")
def signed_forms(s):
    k = s.kext
    k.undefined("_printf")
    for type_ in (1, 6, 7, 8):
        at = k.append(TEXT, b"\x48\x8d\x05" + struct.pack("<i", -type_)) + 3
        k.relocation(TEXT, at, "_printf", type=type_, length=2, pcrel=1)
        at = k.append(TEXT, b"\x48\x8d\x05" + struct.pack("<i", 0x100)) + 3
        k.relocation(TEXT, at, DATA, "locals", type=type_, length=2, pcrel=1)


@case("x86_64")
def differences(s):
    k = s.kext
    at = k.append(DATA, struct.pack("<q", 0x1000), 8)
    k.relocation(DATA, at, "_printf", type=5, length=3)
    k.relocation(DATA, at, "_IOLog", type=0, length=3)
    at = k.append(DATA, struct.pack("<i", -8), 4)
    k.relocation(DATA, at, "_start_stub", type=5, length=2)
    k.relocation(DATA, at, "_kmod_info", type=0, length=2)
    at = k.append(DATA, struct.pack("<q", 77), 8)
    k.relocation(DATA, at, TEXT, "locals", type=5, length=3)
    k.relocation(DATA, at, DATA, "locals", type=0, length=3)


@case("x86_64", refused="link.overflow")
def difference_too_large(s):
    s.address = 0x10000000
    at = s.kext.append(DATA, bytes(4), 4)
    s.kext.relocation(DATA, at, "_start_stub", type=5, length=2)
    s.kext.relocation(DATA, at, "_printf", type=0, length=2)


@case("x86_64", refused="link.relocation")
def global_offset_table(s):
    at = s.kext.append(TEXT, bytes(8))
    s.kext.relocation(TEXT, at, "_printf", type=3, length=2, pcrel=1)


@case("x86_64", "arm64", refused="link.relocation")
def short_pointer(s):
    at = s.kext.append(DATA, bytes(8), 8)
    s.kext.relocation(DATA, at, "_printf", type=0, length=2)


@case("arm64", refused="link.relocation")
def page_form(s):
    at = s.kext.append(TEXT, bytes(4), 4)
    s.kext.relocation(TEXT, at, "_printf", type=3, length=2, pcrel=1)


@case("x86_64", "arm64", "i386", refused="link.relocation")
def lone_half_of_a_pair(s):
    at = s.kext.append(DATA, bytes(8), 8)
    kind = {X86_64: (5, 3), ARM64: (1, 3), I386: (2, 2)}[s.cpu]
    s.kext.relocation(DATA, at, "_printf", type=kind[0], length=kind[1])


@case(refused="link.relocation")
def place_without_data(s):
    at = s.kext.append(BSS, bytes(8), 8)
    s.kext.relocation(BSS, at, "_printf", type=0, length=3 if s.kext.w == 8 else 2)


@case()
def absolute_entries_first(s):
    s.kext.relocation(DATA, 0, 0, "locals", type=0, length=2)
    s.kext.pointer("_start_stub")
    s.kext.pointer("_printf")


@case()
def external_entry_among_local_ones(s):
    foo(s)
    size = 3 if s.kext.w == 8 else 2
    for i in range(2):
        at = s.kext.append(DATA, bytes(s.kext.w), s.kext.w)
        s.kext.relocation(DATA, at, "_printf", "locals", type=0, length=size)


@case("arm64")
def backward_branch(s):
    at = s.kext.append(TEXT, struct.pack("<I", 0x97FFFFFF), 4)
    s.kext.relocation(TEXT, at, "_printf", type=2, length=2, pcrel=1)


@case("arm")
def local_branch(s):
    at = s.kext.append(TEXT, struct.pack("<I", 0xEBFFFFFE), 4)
    s.kext.relocation(TEXT, at, TEXT, "locals", type=5, length=2, pcrel=1)
    s.kext.pointer("_printf")


@case("arm", refused="link.relocation")
def far_branch(s):
    at = s.kext.append(TEXT, struct.pack("<I", 0xEBFFFFFE), 4)
    s.kext.relocation(TEXT, at, "_printf", type=5, length=2, pcrel=1)


@case("i386")
def scattered(s):
    k = s.kext
    at = k.append(DATA, struct.pack("<I", 0x20), 4)
    k.relocation(DATA, at, 0, "locals", type=0, length=2, value_at=(TEXT, 4))
    at = k.append(DATA, struct.pack("<I", 0x30), 4)
    k.relocation(DATA, at, 0, "locals", type=2, length=2, value_at=(DATA, 4))
    k.relocation(DATA, 0, 0, "locals", type=1, length=2, value_at=(TEXT, 0))
    k.pointer("_printf")


@case("i386")
def local_displacement(s):
    at = s.kext.append(TEXT, b"\xe8" + struct.pack("<i", -5)) + 1
    s.kext.relocation(TEXT, at, TEXT, "locals", type=0, length=2, pcrel=1)
    s.kext.pointer("_printf")


# --- layout -----------------------------------------------------------------------------------
@case()
def more_segments(s):
    k = s.kext
    k.section("__TEXT", "__cstring", b"text\0", align=0, flags=2)
    k.section("__DATA_CONST", "__auth_sections_x", b"constant", align=3)
    k.section("__HIB", "__zero", size=0x3000, align=12, flags=1)
    k.pointer("_printf")
    k.pointer("_start_stub")


@case()
def section_with_its_own_alignment(s):
    section = s.kext.section("__TEXT", "__lit", bytes(16), align=2, flags=0xE)
    s.kext.section("__DATA", "__pad", bytes(4), align=2)
    odd = s.kext.section("__DATA", "__odd", align=2)
    at = s.kext.append(odd, bytes(s.kext.w))
    s.kext.symbol("_odd", N_SECT | N_EXT, odd, offset=at)
    s.kext.relocation(odd, at, "_printf", type=0, length=3 if s.kext.w == 8 else 2)
    s.kext.pointer("_odd")
    # Claims more alignment than its address has, so that it moves alone.
    s.edit = lambda data: set_align(data, "__odd", 6)
    assert section


@case("x86_64", refused="link.address")
def alignment_beyond_the_page(s):
    s.kext.pointer("_printf")
    s.edit = lambda data: set_align(data, "__text", 25)


@case()
def version_commands(s):
    s.kext.pointer("_printf")
    s.kext.b.commands = [lambda e: struct.pack(e + "4I", 0x24, 16, 0xA0F00, 0xA1000),
                         lambda e: struct.pack(e + "IIQ", 0x2A, 16, 0x123456789A),
                         lambda e: struct.pack(e + "4I", 0x26, 16, 0, 0)]


@case()
def build_version(s):
    s.kext.pointer("_printf")
    s.kext.b.commands = [lambda e: struct.pack(e + "6I", 0x32, 24, 2, 0xA0000, 0xC0000, 0)]


@case()
def build_version_of_unknown_platform(s):
    s.kext.pointer("_printf")
    s.kext.b.commands = [lambda e: struct.pack(e + "6I", 0x32, 24, 9, 0xA0000, 0xC0000, 0)]


@case()
def without_uuid(s):
    s.kext.b.uuid = None
    s.kext.pointer("_printf")


@case()
def larger_pages(s):
    s.kext.b.page = 0x4000
    s.page = 0x4000
    s.kext.pointer("_printf")


@case("x86_64", refused="link.address", gate=True)
def unaligned_address(s):
    s.kext.pointer("_printf")
    s.address += 0x800


@case("x86_64", refused="link.input", gate=True)
def unknown_load_command(s):
    s.kext.pointer("_printf")
    s.kext.b.commands = [lambda e: struct.pack(e + "4I", 0x99, 16, 0, 0)]


@case("x86_64", refused="link.input", gate=True)
def without_dysymtab(s):
    s.kext.b.with_dysymtab = False


@case(refused="link.kmod_info")
def without_kmod_info(s):
    s.kext = Kext(s.cpu, kmod=False)
    s.kext.pointer("_printf")


@case(refused="link.kmod_info")
def short_kmod_info(s):
    s.kext = Kext(s.cpu, kmod=False)
    s.kext.pointer("_printf")
    s.kext.data("_kmod_info", bytes(100))


@case()
def slide_information(s):
    s.slides = True
    for name in ("_printf", "_start_stub", "_IOLog", "_kmod_info"):
        s.kext.pointer(name)
    if s.cpu not in (ARM,):
        s.kext.call("_printf")


@case()
def nothing_external(s):
    s.slides = True
    s.kext.pointer("_start_stub")
    s.kext.klass("3Foo", "3Foo", [], metaless=True)


# --- vtables ----------------------------------------------------------------------------------
def foo(s, slots=None, **kw):
    """class Foo : IOService that overrides start()."""
    s.kext.function("__ZN3Foo5startEP9IOService")
    s.kext.klass("3Foo", "9IOService", slots or OLD[:3] + ["__ZN3Foo5startEP9IOService"] + OLD[4:],
                 meta=META, **kw)


@case()
def patched_pad(s):
    foo(s)


@case()
def patched_two_classes_deep(s):
    # The subclass comes first, so that order of symbols is not order of work.
    s.kext.klass("3Bar", "3Foo", OLD[:3] + ["__ZN3Foo5startEP9IOService"] + OLD[4:] +
                 ["__ZN3Bar4moreEv"], meta=META)
    s.kext.function("__ZN3Bar4moreEv")
    foo(s)


@case()
def patched_metaclass(s):
    s.kext.function("__ZN3Foo5startEP9IOService")
    s.kext.klass("3Foo", "9IOService", SERVICE, meta=[META[0], "__ZN11OSMetaClass9_RESERVEDEv"])


@case()
def patched_with_own_definition(s):
    s.kext.function(SERVICE[5])
    s.kext.pending[-1] = s.kext.pending[-1][:1] + (N_SECT | N_EXT | N_PEXT,) + s.kext.pending[-1][2:]
    foo(s)


@case()
def coalesced_method(s):
    """An external relocation to a definition of the kext's own: an override."""
    k = s.kext
    k.function("__ZN3Foo9configureEv")
    foo(s)
    slot = next(r for r in k.references if r[2] == OLD[5])
    k.references.remove(slot)
    k.relocation(slot[0], slot[1], "__ZN3Foo9configureEv", type=0, length=3 if k.w == 8 else 2)


@case()
def pure_slot(s):
    s.kext.function("___cxa_pure_virtual", private=True)
    foo(s, OLD[:3] + ["___cxa_pure_virtual"] + OLD[4:])


@case(refused="link.vtable")
def newer_sdk(s):
    foo(s, SERVICE[:6] + ["__ZN9IOService6futureEv"])


@case(refused="link.vtable")
def superclass_has_grown(s):
    foo(s, SERVICE[:5])


@case("x86_64", "arm64", "arm", refused="link.vtable")
def declared_not_implemented(s):
    foo(s, SERVICE[:5] + ["__ZN3Foo9configureEv"] + SERVICE[6:])


@case("i386")
def declared_not_implemented_lenient(s):
    foo(s, SERVICE[:5] + ["__ZN3Foo9configureEv"] + SERVICE[6:])


@case(refused="link.vtable")
def final_superclass(s):
    s.kernel = kernel(s.cpu, final=True)
    foo(s)


@case(refused="link.vtable")
def final_own_superclass(s):
    foo(s)
    s.kext.function("__ZN3Foo14__OSFinalClassEv")
    s.kext.klass("3Bar", "3Foo", OLD, meta=META)


@case("x86_64", "arm64", "arm", refused="link.vtable")
def missing_metaclass_vtable(s):
    foo(s, metaless=True)


@case("i386")
def missing_metaclass_vtable_lenient(s):
    foo(s, metaless=True)


@case(refused="link.vtable")
def unknown_superclass(s):
    s.kext.undefined("__ZN5Other10gMetaClassE", N_WEAK)
    s.kext.undefined("_gOSKextUnresolved")
    s.kext.klass("3Foo", "5Other", SERVICE, meta=META)


@case("x86_64", refused="link.vtable")
def own_ancestor(s):
    s.kext.klass("3Foo", "3Bar", SERVICE, meta=META)
    s.kext.klass("3Bar", "3Foo", SERVICE, meta=META)


@case("x86_64", "arm64", "arm")
def pointer_into_vtable(s):
    s.kext.pointer("__ZTV9IOService", addend=2 * s.kext.w)


@case("x86_64", "arm", "i386", refused="link.pure_virtual")
def pure_virtual_call(s):
    s.kext.function("___cxa_pure_virtual", private=True)
    at = s.kext.append(DATA, (4 * s.kext.w).to_bytes(s.kext.w, "little"), s.kext.w)
    s.kext.relocation(DATA, at, "__ZTV8Abstract", type=0, length=3 if s.kext.w == 8 else 2)
    k = Kernel(s.cpu)
    for name in ("_printf", "___cxa_pure_virtual"):
        k.function(name, desc=0)
    k.klass("8Abstract", ["_printf", "_printf", "___cxa_pure_virtual"])
    s.kernel, s.bare = k.build(), True


# --- other kexts ------------------------------------------------------------------------------
def library(s, hidden=False):
    """A linked kext that defines class Lib : IOService and a function."""
    k = Kext(s.cpu)
    k.function("_lib_function")
    k.function("__ZN3Lib3newEv", private=hidden)
    k.klass("3Lib", "9IOService", OLD + ["__ZN3Lib3newEv"], meta=META)
    k.pointer("_printf")
    first = Link(k.build(), [(kernel(s.cpu), s.interface, True)], s.address)
    s.address += first.total
    return bytes(first.out)


@case()
def against_library(s):
    s.libraries = [(library(s), True)]
    s.kext.pointer("_lib_function")
    s.kext.klass("3Sub", "3Lib", OLD + ["__ZN3Lib6renameEv"], meta=META)


@case()
def hidden_method_of_library(s):
    s.libraries = [(library(s, hidden=True), True)]
    s.kext.klass("3Sub", "3Lib", OLD + [OLD[0]], meta=META)


@case()
def indirect_library_gives_vtables(s):
    s.libraries = [(library(s), False)]
    s.kext.undefined("__ZN3Lib10gMetaClassE", N_WEAK)
    s.kext.undefined("_gOSKextUnresolved")
    s.kext.klass("3Sub", "3Lib", OLD + ["__ZN3Lib6renameEv"], meta=META)


@case(refused="link.unresolved")
def indirect_library_gives_no_names(s):
    s.libraries = [(library(s), False)]
    s.kext.pointer("_lib_function")


@case(refused="link.duplicate")
def duplicate_of_library(s):
    s.libraries = [(library(s), True)]
    s.kext.function("_lib_function")


@case()
def last_library_wins(s):
    for _ in range(2):
        k = Kext(s.cpu)
        k.function("_both")
        k.pointer("_printf")
        linked = Link(k.build(), [(kernel(s.cpu), s.interface, True)], s.address)
        s.libraries.append((bytes(linked.out), True))
        s.address += linked.total
    s.kext.pointer("_both")


# --- symbols that the kernel only traps ---------------------------------------------------------
@case(refused="link.missing")
def missing_direct(s):
    s.kernel = kernel(s.cpu, traps=["_trapped"])
    s.kext.pointer("_trapped")


@case()
def missing_allowed(s):
    s.kernel = kernel(s.cpu, traps=["_trapped"])
    s.kext.pointer("_trapped")
    s.kext.pointer("_trapped")
    s.missing = True


@case()
def missing_slot(s):
    k = Kernel(s.cpu)
    for name in FUNCTIONS + OBJECT + META:
        k.function(name)
    k.klass("11OSMetaClass", META)
    k.trap("__ZN9IOService9configureEv")
    k.trap(SERVICE[6])
    k.klass("9IOService", SERVICE)
    s.kernel = k.build()
    foo(s)


def set_align(data, section, exponent):
    f = File(data)
    at = data.index(section.encode() + b"\0")
    return data[:at + 32 + 2 * f.w + 4] + struct.pack(f.e + "I", exponent) + \
        data[at + 32 + 2 * f.w + 8:]


# --- running ----------------------------------------------------------------------------------
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
            model = Link(kext, setup.dependencies(), setup.address, setup.slides, setup.page,
                         setup.missing)
            expected = None
    except Refused as reason:
        expected = str(reason)
    if expected != refused:
        return "the model says %s, the case %s" % (expected, refused)
    with tempfile.TemporaryDirectory() as folder:
        args, out = command(linkone, folder, setup, kext)
        done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        text = done.stdout.decode(errors="replace")
        if refused:
            if done.returncode == 1 and "error %s:" % refused in text:
                return None
            return "expected %s, got status %d: %s" % (refused, done.returncode, text)
        if done.returncode:
            return "status %d: %s" % (done.returncode, text)
        with open(out, "rb") as file:
            return compare(bytes(model.out), file.read(), text, model)


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
