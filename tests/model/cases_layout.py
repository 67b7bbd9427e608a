"""Cases: forms of relocations, and the layout of the output."""
from setup import *


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


@case()
def more_segments(s):
    k = s.kext
    k.section("__TEXT", "__cstring", b"text\0", align=0, flags=2)
    k.section("__DATA_CONST", "__auth_sections_x", b"constant", align=3)
    k.section("__HIB", "__zero", size=0x3000, align=12, flags=1)
    k.pointer("_printf")
    k.pointer("_start_stub")


@case()
def empty_segment_with_sections(s):
    """It is left out together with its sections, and those behind it move up in number."""
    k = s.kext
    k.section("__EMPTY", "__nothing", b"", align=0)
    k.section("__EMPTY", "__neither", size=0, align=0, flags=1)
    more = k.section("__MORE", "__more", align=3)
    k.data("_behind", b"behind!!", section=more)
    k.pointer("_behind")
    k.pointer("_printf", section=more)


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
