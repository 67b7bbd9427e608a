"""Cases: kexts that are object files, for i386 and ppc."""
from setup import *


def code(k, *words):
    """Instructions of 4 bytes."""
    return k.append(TEXT, b"".join(struct.pack(endian(k.cpu) + "I", w) for w in words), 4)


def number(k, value):
    return k.append(DATA, struct.pack(endian(k.cpu) + "I", value & 0xFFFFFFFF), 4)


@object_case()
def minimal(s):
    pass


@object_case()
def pointers_and_calls(s):
    k = s.kext
    for name in ("_printf", "_IOLog", "_printf"):
        code(k, 0x60000000)
        k.call(name)
    k.function("_own")
    k.pointer("_own", addend=8)
    k.pointer("_printf", addend=4)
    k.pointer("_kmod_info", CONST)


@object_case()
def ascending_relocations(s):
    s.kext.b.descending = False
    foo(s)


@object_case()
def without_uuid(s):
    s.kext.b.uuid = None
    s.kext.pointer("_printf")


@object_case()
def header_of_two_pages(s):
    for i in range(80):
        s.kext.section("__DATA", "__s%d" % i, bytes(8), align=2)
    s.kext.pointer("_printf")


@object_case()
def header_that_just_fits(s):
    """28 + 56 + 179 sections of 68 + 24 are 8 short of three pages: a UUID would not fit."""
    s.kext.b.uuid = None
    for i in range(175):
        s.kext.section("__DATA", "__s%d" % i, bytes(8), align=2)
    s.kext.b.sections[0].align = 14
    s.address = 0x00C00000


@object_case()
def own_linkedit_is_dropped(s):
    s.kext.b.linkedit = True
    s.kext.pointer("_printf")


@object_case()
def stabs_and_absolutes(s):
    k = s.kext
    k.symbol("_limit", N_ABS | N_EXT, value=0x123)
    k.symbol("file.c", 0x64, TEXT, offset=0)
    k.symbol("f:1", 0x20, value=7)
    k.symbol("", 0x4E, DATA, offset=4)
    k.symbol("_private", N_SECT | N_PEXT | N_EXT, DATA, offset=0)


@object_case()
def build_version_is_dropped(s):
    s.kext.b.commands.append(lambda e: struct.pack(e + "6I", 0x32, 24, 1, 0xA0900, 0, 0))


@object_case(refused="link.input", gate=True)
def version_min(s):
    s.kext.b.commands.append(lambda e: struct.pack(e + "4I", 0x24, 16, 0xA0600, 0xA0600))


# ---- sections

def many_sections(s):
    k = s.kext
    rows = [("__TEXT", "__cstring", 2), ("__DATA", "__zeta", 0), ("__DATA", "__alpha", 0),
            ("__OWN", "__own", 0), ("__TEXT", "__late", 0)]
    for segment, name, flags in rows:
        i = k.section(segment, name, b"abcdefg", align=2 if name != "__alpha" else 5, flags=flags)
        k.symbol("_in" + name, N_SECT | N_EXT, i, offset=1)
    k.pointer("_in__alpha")
    k.pointer("_in__own")
    k.pointer("_in__late", CONST)
    return k


def kernel_with(cpu, *extra):
    k = Kernel(cpu)
    for name in FUNCTIONS:
        k.function(name)
    for segment, name in extra:
        k.section(segment, name, b"12345678")
    return k.build()


@object_case()
def sections_in_file_order(s):
    many_sections(s).b.file_order = [1, 5, 9, 2, 3, 4, 6, 7, 8]


@object_case()
def sections_in_kernel_order(s):
    many_sections(s).b.file_order = [9, 5, 1, 7, 6, 4, 3, 2, 8]
    s.kernel = kernel_with(s.cpu, ("__TEXT", "__const"), ("__TEXT", "__late"), ("__DATA", "__alpha"),
                           ("__DATA", "__zeta"))


@object_case()
def foreign_segment_in_front(s):
    many_sections(s).b.file_order = [8, 9, 1, 7, 4, 2, 3, 6, 5]


@object_case()
def segments_out_of_order(s):
    many_sections(s).b.file_order = [4, 3, 2, 1, 5, 9, 6, 7, 8]


@object_case()
def two_of_one_name(s):
    k = s.kext
    for text in (b"first", b"second"):
        i = k.section("__DATA", "__data", text, align=0)
        k.symbol("_" + text.decode(), N_SECT | N_EXT, i, offset=0)
    k.b.file_order = [1, 4, 2, 5, 3, 6]


@object_case()
def library_before_the_kernel(s):
    """Only a kernel gives the order."""
    k = many_sections(s)
    k.b.file_order = [9, 5, 1, 7, 6, 4, 3, 2, 8]
    other = ObjectKext(s.cpu)
    other.function("_offered")
    s.libraries.append((link_of(s, other), True))
    k.pointer("_offered")


@object_case(refused="link.address")
def alignment_beyond_the_address(s):
    s.kext.section("__DATA", "__wide", bytes(16), align=13)
    s.address += 0x1000


@object_case()
def zerofill_beyond_the_address(s):
    i = s.kext.section("__DATA", "__wide", size=16, align=13, flags=1)
    s.kext.symbol("_wide", N_SECT | N_EXT, i, offset=0)
    s.kext.pointer("_wide")
    s.address += 0x1000


@object_case(refused="link.input")
def type_of_section(s):
    s.kext.section("__DATA", "__la_symbol_ptr", bytes(8), flags=7)


# ---- common symbols

@object_case()
def commons(s):
    k = s.kext
    k.common("_a", 3)
    k.common("_b", 40, 5)
    k.common("_c", 1, 1)
    k.common("_private", 8, ext=N_EXT | N_PEXT)
    k.pointer("_b", addend=4)
    k.pointer("_c", CONST)


@object_case()
def commons_behind_old_ones(s):
    k = s.kext
    i = k.section("__DATA", "__common", size=13, align=2, flags=1)
    k.section("__DATA", "__last", bytes(4))
    k.symbol("_old_common", N_SECT | N_EXT, i, offset=8)
    k.common("_new", 100, 4)
    k.pointer("_new")
    k.pointer("_old_common")


@object_case()
def commons_in_kernel_order(s):
    s.kext.common("_new", 4, 2)
    s.kext.pointer("_new")
    s.kernel = kernel_with(s.cpu, ("__DATA", "__common"), ("__DATA", "__later"))


@object_case(refused="link.duplicate")
def common_that_the_kernel_has(s):
    s.kext.common("_printf", 4)


@object_case(refused="link.input")
def common_section_with_data(s):
    s.kext.section("__DATA", "__common", bytes(16))
    s.kext.common("_new", 4)


@object_case(refused="link.input", gate=True)
def enormous_common(s):
    for i in range(40):
        s.kext.common("_huge%d" % i, 0x7FFFFFFF, 15)


# ---- relocations

@object_case("i386")
def i386_forms(s):
    k = s.kext
    at = code(k, 0x11223344)
    k.relocation(TEXT, at, DATA, "", type=0, length=2, pcrel=1)
    at = number(k, 0x24)
    k.relocation(DATA, at, 0, "", type=0, length=2, value_at=(TEXT, 4))
    for type_ in (2, 4):
        at = number(k, 0x30)
        k.relocation(DATA, at, 0, "", type=type_, length=2, value_at=(DATA, 4),
                     pair=(0, 0, 1, (CONST, 0)))


@object_case()
def scattered_at_a_border(s):
    """A value where one section ends and another starts belongs to the second."""
    k = s.kext
    i = k.section("__DATA", "__tail", bytes(32), align=5)
    j = k.section("__DATA", "__next", bytes(16), align=5)
    m = k.section("__DATA", "__between", bytes(64), align=2)
    s.kernel = kernel_with(s.cpu, ("__DATA", "__tail"), ("__DATA", "__between"))
    k.b.file_order = [1, i, j, m, 2, 3, 4]
    at = number(k, 4)
    k.relocation(DATA, at, 0, "", type=0, length=2, value_at=(j, 0))
    at = number(k, 4)
    k.relocation(DATA, at, 0, "", type=0, length=2, value_at=(BSS, 64))


@object_case("i386", refused="link.relocation")
def i386_wrong_pair(s):
    at = number(s.kext, 0)
    s.kext.relocation(DATA, at, 0, "", type=2, length=2, value_at=(DATA, 4),
                      pair=(0, 0, 0, (CONST, 0)))


@object_case(refused="link.relocation")
def lone_half(s):
    kind = {I386: 2, PPC: 4}[s.cpu]
    s.kext.relocation(DATA, 0, 0, "", type=kind, length=2, value_at=(DATA, 4))


@object_case(refused="link.relocation")
def place_beyond_the_section(s):
    at = number(s.kext, 0)
    s.kext.relocation(DATA, at + 2, "_printf", "", type=0, length=2)


@object_case(refused="link.relocation")
def unknown_form(s):
    at = number(s.kext, 0)
    s.kext.relocation(DATA, at, "_printf", "", type=14, length=2)


@object_case("ppc")
def ppc_words(s):
    k = s.kext
    at = number(k, 0x24)
    k.relocation(DATA, at, 0, "", type=0, length=2, value_at=(TEXT, 4))
    for type_ in (8, 15):
        at = number(k, 0x30)
        k.relocation(DATA, at, 0, "", type=type_, length=2, value_at=(DATA, 4),
                     pair=(0, 0, 1, (CONST, 0)))


@object_case("ppc")
def ppc_halves(s):
    k = s.kext
    for symbol, value in (("_printf", 0), ("_printf", 0x12348), ("_printf", 0x7FF0),
                          ("_kmod_info", 0x18), (DATA, 0x1238)):
        for sign in (1, -1):
            full = sign * value & 0xFFFFFFFF
            high, low = full >> 16, full & 0xFFFF
            at = code(k, 0x3C600000 | high, 0x60630000 | low, 0x3C600000 | (full + 0x8000 >> 16) & 0xFFFF,
                      0x38630000 | low)
            k.half(4, at, symbol, low)
            k.half(5, at + 4, symbol, high)
            k.half(6, at + 8, symbol, low)
            k.half(5, at + 12, symbol, high)


@object_case("ppc")
def ppc_scattered_half(s):
    k = s.kext
    at = code(k, 0x3C600000, 0x60630010)
    k.relocation(TEXT, at, 0, "", type=4, length=2, value_at=(DATA, 4), pair=(0x10, 0, 1, None))
    k.relocation(TEXT, at + 4, 0, "", type=5, length=2, value_at=(DATA, 4), pair=(0, 0, 1, None))


@object_case("ppc", refused="link.relocation")
def ppc_half_with_wrong_pair(s):
    at = code(s.kext, 0x3C600000)
    s.kext.relocation(TEXT, at, "_printf", "", type=4, length=2, pair=(0, 0xFFFFFF, 0, None))


@object_case("ppc")
def ppc_branches(s):
    k = s.kext
    at = code(k, 0x48000001)
    k.relocation(TEXT, at, TEXT, "", type=3, length=2, pcrel=1)
    k.function("_near")
    for length, word in ((2, 0x41820000), (3, 0x41820000), (3, 0x41A20000), (3, 0x4182FFFC)):
        at = code(k, word | -len(k.b.sections[0].data) & 0xFFFC)
        k.relocation(TEXT, at, "_near", "", type=2, length=length, pcrel=1)


@object_case("ppc")
def ppc_sign_turns_the_guess(s):
    """The branch's target is behind it in the file and in front of it in the image."""
    k = s.kext
    i = k.section("__TEXT", "__cold", bytes(32), align=2)
    k.symbol("_cold", N_SECT | N_EXT, i, offset=0)
    for word in (0x41820004, 0x4182FFF8, 0x41A20004):
        at = code(k, word)
        k.relocation(TEXT, at, "_cold", "", type=2, length=3, pcrel=1)
    k.b.file_order = [1, i, 2, 3, 4]


@object_case("ppc", refused="link.overflow")
def ppc_branch_too_far(s):
    at = code(s.kext, 0x41820000)
    s.kext.relocation(TEXT, at, "_printf", "", type=2, length=2, pcrel=1)


@object_case("ppc", refused="link.overflow")
def ppc_call_too_far(s):
    s.address = 0x04000000
    s.kext.call("_printf")


@object_case("ppc")
def ppc_island_calls(s):
    k = s.kext
    for offset in (0, 16):
        at = code(k, 0x48000009, 0x60000000, 0x3D800000, 0x618C0000, 0x7D8903A6, 0x4E800420)
        k.half(13, at, "_printf", offset, pcrel=1)
        k.half(6, at + 8, "_printf", offset)
        k.half(5, at + 12, "_printf", 0)
    at = code(k, 0x48000009)
    k.relocation(TEXT, at, DATA, "", type=13, length=2, pcrel=1, pair=(0x40, 0xFFFFFF, 1, None))


@object_case("ppc")
def ppc_island_calls_from_afar(s):
    s.address = 0x04000000
    ppc_island_calls(s)


@object_case("ppc", refused="link.relocation")
def ppc_pcrel_word(s):
    s.kext.relocation(DATA, number(s.kext, 0), "_printf", "", type=0, length=2, pcrel=1)


# ---- classes

@object_case()
def patched_pad(s):
    foo(s)


@object_case()
def methods_of_its_own(s):
    for name in ("__ZN3Foo4freeEv", "__ZN3Foo4stopEP9IOService"):
        s.kext.function(name)
    foo(s, ["__ZN8OSObjectD1Ev", "__ZNK8OSObject7releaseEv", "__ZN3Foo4freeEv",
            "__ZN3Foo5startEP9IOService", "__ZN3Foo4stopEP9IOService"] + OLD[5:])


@object_case()
def class_of_a_class(s):
    """What the subclass names is the superclass's own method, and a pad that is patched."""
    foo(s)
    s.kext.klass("3Bar", "3Foo", OLD, meta=META)


@object_case()
def no_metaclass_vtable(s):
    foo(s, metaless=True)


@object_case(refused="link.vtable")
def too_few_slots(s):
    foo(s, OLD[:4])


@object_case(refused="link.vtable")
def vtable_without_relocations(s):
    k = s.kext
    i = k.section("__DATA", "__bare", bytes(64))
    k.data("__ZN3Foo10gMetaClassE", bytes(40), BSS)
    k.symbol("__ZTV3Foo", N_SECT | N_EXT, i, offset=0)
    at = k.pointer("__ZN9IOService10gMetaClassE", CONST)
    k.symbol("__ZN3Foo10superClassE", N_SECT | N_EXT, CONST, offset=at)


@object_case(refused="link.vtable")
def no_relocations_for_no_slots(s):
    """A superclass without slots asks for none, but a vtable has relocations."""
    k = Kernel(s.cpu)
    k.klass("11OSMetaClass", META)
    k.klass("5Empty", [])
    for name in FUNCTIONS:
        k.function(name)
    s.kernel, s.bare = k.build(), True
    i = s.kext.section("__DATA", "__bare", bytes(64))
    s.kext.symbol("__ZTV3Foo", N_SECT | N_EXT, i, offset=0)
    at = s.kext.pointer("__ZN5Empty10gMetaClassE", CONST)
    s.kext.symbol("__ZN3Foo10superClassE", N_SECT | N_EXT, CONST, offset=at)


@object_case(refused="link.vtable")
def vtable_off_the_section(s):
    k = s.kext
    foo(s)
    k.b.sections[CONST - 1].data += bytes(8)
    k.symbol("__ZTV3Bar", N_SECT | N_EXT, CONST, offset=len(k.b.sections[CONST - 1].data) - 8)
    for slot in OLD:
        k.pointer(slot, CONST)
    k.symbol("__ZN3Bar10superClassE", N_SECT | N_EXT, CONST,
             offset=k.b.sections[CONST - 1].data.index(bytes(4)))


@object_case(refused="link.vtable")
def class_that_is_its_own_superclass(s):
    s.kext.klass("3Foo", "3Foo", OLD, meta=META)


@object_case(refused="link.unresolved")
def nobody_has_it(s):
    s.kext.pointer("_nobody")


@object_case(refused="link.missing")
def direct_reference_to_a_trap(s):
    s.kernel = kernel(s.cpu, traps=("_trapped",))
    s.kext.pointer("_trapped")


@object_case()
def traps_in_slots(s):
    s.kernel = kernel(s.cpu, traps=("_trapped",))
    s.kext.vtable("__ZTV5Other", OLD[:2] + ["_trapped"])


@object_case()
def traps_in_further_bases(s):
    s.kernel = kernel(s.cpu, traps=("_trapped",))
    two_bases(s)


@object_case()
def library_of_its_own(s):
    """A linked object file as a dependency."""
    base = ObjectKext(s.cpu)
    base.function("__ZN3Foo5startEP9IOService")
    base.klass("3Foo", "9IOService", OLD[:3] + ["__ZN3Foo5startEP9IOService"] + OLD[4:], meta=META)
    base.function("_helper")
    base.common("_shared", 64)
    s.libraries.append((link_of(s, base), True))
    s.kext.klass("3Bar", "3Foo", OLD, meta=META)
    s.kext.pointer("_helper")
    s.kext.pointer("_shared")
    s.kext.call("_helper")
    s.address += 0x100000
