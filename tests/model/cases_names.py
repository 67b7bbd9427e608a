"""Cases: which names bind to what."""
from setup import *


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
