"""Cases: split kexts, whose segments go to places of their own; and vtables of several bases."""
from setup import *

PLACES = {"__TEXT": 0xFFFFFFF005C00000, "__TEXT_EXEC": 0xFFFFFFF006100000,
          "__DATA": 0xFFFFFFF006800000, "__DATA_CONST": 0xFFFFFFF006A04000,
          "__LINKEDIT": 0xFFFFFFF006B00000}


def split(s, info=b"\x7f\x01\x02split"):
    k = s.kext
    s.split, s.slides = dict(PLACES), True
    i = k.section("__TEXT_EXEC", "__text", b"\xc0\x03\x5f\xd6" * 8, align=4, flags=0x80000400)
    k.symbol("_far", N_SECT | N_EXT, i, offset=8)
    j = k.section("__DATA_CONST", "__const", bytes(32), align=3)
    k.symbol("_table", N_SECT | N_EXT, j, offset=8)
    k.pointer("_far")
    k.pointer("_printf", j)
    k.pointer("_table", addend=8)
    k.pointer("_far", j)
    if info is not None:
        s.edit = lambda data: with_info(data, info)
    return k


def with_info(data, info):
    """Appends LC_SEGMENT_SPLIT_INFO and its payload."""
    count, size = struct.unpack_from("<II", data, 16)
    out = bytearray(data)
    struct.pack_into("<II", out, 16, count + 1, size + 16)
    assert not any(out[32 + size:48 + size])
    struct.pack_into("<4I", out, 32 + size, 0x1E, 16, len(data), len(info))
    return bytes(out) + info


@case("arm64")
def split_kext(s):
    split(s)


@case("arm64")
def split_without_info(s):
    split(s, None)


@case("arm64")
def split_without_slides(s):
    split(s)
    s.slides = False


@case("arm64", "x86_64")
def split_from_unaligned_places(s):
    split(s)
    s.split["__DATA"] += 0x18
    s.split["__TEXT_EXEC"] += 4


@case("arm64")
def split_classes_stay(s):
    """The pad that patching would replace stays; the missing superclass is no matter."""
    k = split(s)
    s.interface = interface(s.cpu, FUNCTIONS + OLD + META + ["__ZN9IOService10gMetaClassE",
                                                            "__ZN7Unknown10gMetaClassE"])
    s.kernel = split_kernel(s.cpu)
    foo(s)
    k.klass("3Bar", "7Unknown", OLD[:2], meta=META)


def split_kernel(cpu):
    k = Kernel(cpu)
    for name in FUNCTIONS + OLD + META:
        k.function(name)
    for name in ("9IOService", "7Unknown"):
        k.data("__ZN%s10gMetaClassE" % name, bytes(40))
    return k.build()


@case("arm64", refused="link.vtable")
def split_needs_the_vtables(s):
    k = split(s)
    at = k.pointer("__ZN9IOService10gMetaClassE", CONST)
    k.symbol("__ZN3Foo10superClassE", N_SECT | N_EXT, CONST, offset=at)


@case("arm64")
def old_style_kext(s):
    """Without an address for __TEXT_EXEC the kext is linked as ever."""
    split(s)
    s.split["__TEXT_EXEC"] = 0
    foo(s)


@case("arm64")
def split_branch(s):
    k = split(s)
    at = k.append(TEXT, struct.pack("<I", 0x94000000), 4)
    k.relocation(TEXT, at, "_printf", type=2, length=2, pcrel=1)
    s.slides = False


@case("arm64", refused="link.address")
def split_segment_without_a_place(s):
    split(s)
    del s.split["__DATA_CONST"]


@case("arm64", refused="link.address")
def split_segments_overlap(s):
    split(s)
    s.split["__DATA_CONST"] = s.split["__DATA"]


@case("arm64", refused="link.address")
def split_segment_behind_the_end(s):
    split(s)
    s.split["__DATA"] = s.split["__LINKEDIT"] + 0x100000


@case("arm64", refused="link.address", gate=True)
def split_linkedit_in_front(s):
    split(s)
    s.split["__LINKEDIT"] = s.split["__TEXT"] - 0x100000


@object_case(refused="link.input", gate=True)
def split_object(s):
    s.split = dict(PLACES)


# ---- several bases

@case()
def traps_in_further_bases(s):
    s.kernel = kernel(s.cpu, traps=("_trapped",))
    two_bases(s)


@case(refused="link.missing")
def trap_behind_a_vtable(s):
    """Behind the slots stands no distance to a base's start: what follows is data."""
    s.kernel = kernel(s.cpu, traps=("_trapped",))
    k = s.kext
    k.vtable("__ZTV5Other", OLD[:2])
    k.pointer("_trapped", CONST)


@case(refused="link.missing")
@object_case(refused="link.missing")
def trap_behind_a_number(s):
    """A positive number is no way back to an object's start."""
    s.kernel = kernel(s.cpu, traps=("_trapped",))
    k = s.kext
    k.vtable("__ZTV5Other", OLD[:2])
    k.b.sections[CONST - 1].data[-k.w:] = (k.w * 2).to_bytes(
        k.w, "big" if endian(k.cpu) == ">" else "little")
    k.zero()
    k.pointer("_trapped", CONST)
