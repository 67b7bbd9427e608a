"""Cases: vtables, libraries, and symbols that the kernel only traps."""
from kxld import Link
from setup import *


def named(length):
    """class IIII… : IOService, whose mangled name has that length."""
    digits = len(str(length))
    return "%d%s" % (length - digits, "I" * (length - digits))


@case()
def class_name_of_300_characters(s):
    """Darwin's linker gives up without a word at more than 255."""
    s.kext.klass(named(300), "9IOService", OLD, meta=META)


@case(refused="link.vtable", gate=True)
def class_name_of_1100_characters(s):
    s.kext.klass(named(1100), "9IOService", OLD, meta=META)


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
