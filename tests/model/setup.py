"""What the cases share: a kernel with a few classes, its KPI symbol set, and what one case
links. A case is a function that fills a Setup; CASES holds one entry per case and CPU."""
import struct
from kit import *

OBJECT = ["__ZN8OSObjectD1Ev", "__ZNK8OSObject7releaseEv", "__ZN8OSObject4freeEv"]
META = ["__ZN11OSMetaClassD1Ev", "__ZNK11OSMetaClass4workEv"]
SERVICE = OBJECT + ["__ZN9IOService5startEPS_", "__ZN9IOService4stopEPS_",
                    "__ZN9IOService9configureEv", "__ZN9IOService20_RESERVEDIOService1Ev"]
# What a kext built against an older SDK names: a pad where configure() is now.
OLD = SERVICE[:5] + ["__ZN9IOService20_RESERVEDIOService0Ev"] + SERVICE[6:]
FUNCTIONS = ["_printf", "_IOLog", "__MALLOC_external", "_lck_mtx_lock", "_old", "__Znwm",
             "__ZdlPv", "_gOSKextUnresolved"]
CPUS = {"x86_64": X86_64, "arm64": ARM64, "arm": ARM, "i386": I386}
OBJECT_CPUS = {"i386": I386, "ppc": PPC}
CASES = {}


def case(*cpus, refused=None, gate=False):
    """gate: refused before the model's part of the work begins."""
    def add(function):
        for cpu in cpus or CPUS:
            name = "%s_%s" % (function.__name__, cpu)
            CASES[name] = (function, CPUS[cpu], refused, gate)
        return function
    return add


def object_case(*cpus, **kw):
    """A case whose kext is an object file."""
    def add(function):
        def fill(s):
            s.kext = ObjectKext(s.cpu)
            function(s)
        for cpu in cpus or OBJECT_CPUS:
            CASES["object_%s_%s" % (function.__name__, cpu)] = (
                fill, OBJECT_CPUS[cpu], kw.get("refused"), kw.get("gate", False))
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
        self.page = self.split = None
        self.edit = lambda data: data

    def dependencies(self):
        kernel_ = self.kernel or kernel(self.cpu)
        first = [(kernel_, None if self.bare else self.interface, True)]
        return first + [(data, None, direct) for data, direct in self.libraries]


def set_align(data, section, exponent):
    f = File(data)
    at = data.index(section.encode() + b"\0")
    return data[:at + 32 + 2 * f.w + 4] + struct.pack(f.e + "I", exponent) + \
        data[at + 32 + 2 * f.w + 8:]


def foo(s, slots=None, **kw):
    """class Foo : IOService that overrides start()."""
    s.kext.function("__ZN3Foo5startEP9IOService")
    s.kext.klass("3Foo", "9IOService", slots or OLD[:3] + ["__ZN3Foo5startEP9IOService"] + OLD[4:],
                 meta=META, **kw)


def two_bases(s):
    """A class of three bases: a table for each, of which the later ones hold traps."""
    k = s.kext
    k.vtable("__ZTV5Other", OLD[:2] + ["_trapped"])
    size = struct.calcsize("Q") if k.w == 8 else 4
    for i in (1, 2):
        # the distance to the object's start takes the place of the zero that ends the slots
        data = k.b.sections[CONST - 1].data
        data[-k.w:] = (-i * k.w & (1 << 8 * size) - 1).to_bytes(
            size, "big" if endian(k.cpu) == ">" else "little")
        k.zero()
        for slot in OLD[:i] + ["_trapped"]:
            k.pointer(slot, CONST)
        k.zero()


def link_of(s, other):
    """Another object file, linked, as a dependency."""
    from kxld_forms import link
    return bytes(link(other.build(), [(kernel(s.cpu), s.interface, True)],
                      s.address + 0x40000).out)
