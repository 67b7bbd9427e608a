"""Cases: numbers that lead out of the table they count in: strings, sections, symbols, places,
indirect entries; and segments that overlap or do not hold what they claim."""
from cases_hostile import change, commands, put, segment
from setup import *


def field(data, number, at):
    """The word at an offset of the first load command of that number."""
    start = next(where for command, where in commands(data) if command == number)
    return struct.unpack_from(File(data).e + "I", data, start + at)[0]


def change_symbol(kind, change_entry):
    """An edit of the first symbol of that kind (n_type & 0xe): entry bytes in and out."""
    def edit(data):
        at, count = field(data, 2, 8), field(data, 2, 12)
        size = 16 if form_of(data)[1] == 8 else 12
        for i in range(at, at + count * size, size):
            if data[i + 4] & 0xEE == kind:
                entry = change_entry(data[i:i + size], form_of(data)[0])
                return data[:i] + entry + data[i + size:]
        raise LookupError(kind)
    return edit


def change_relocation(table, *words):
    """An edit of the first entry of a table; None keeps a word."""
    def edit(data):
        at = field(data, 0xB, 64 if table == "external" else 72)
        old = struct.unpack_from("<2I", data, at)
        return put(data, at, *[o if w is None else w(o) for o, w in zip(old, words)])
    return edit


def both(**kw):
    return lambda function: (case(**kw)(function), object_case(**kw)(function))[0]


@both(refused="link.input", gate=True)
def name_beyond_the_strings(s):
    s.kext.pointer("_printf")
    s.edit = change_symbol(0xE, lambda entry, e: struct.pack(e + "I", 0xFFFFFF) + entry[4:])


@both(refused="link.input", gate=True)
def section_beyond_the_file(s):
    s.kext.pointer("_printf")
    s.edit = change_symbol(0xE, lambda entry, e: entry[:5] + b"\xc8" + entry[6:])


@both(refused="link.input", gate=True)
def alias_beyond_the_strings(s):
    s.kext.pointer("_printf")
    s.edit = change_symbol(0, lambda entry, e: entry[:4] + b"\x0b" + entry[5:8] + struct.pack(
        e + ("Q" if len(entry) == 16 else "I"), 0x7FFFFFFF))


@case(refused="link.relocation", gate=True)
def relocation_of_no_symbol(s):
    s.kext.pointer("_printf")
    s.edit = change_relocation("external", None, lambda w: w | 0xFFFFFF)


@case(refused="link.relocation", gate=True)
def relocation_of_no_section(s):
    s.kext.pointer("_start_stub")
    s.kext.pointer("_printf")
    s.edit = change_relocation("local", None, lambda w: w & ~0xFFFFFF | 77)


@case(refused="link.relocation", gate=True)
def relocation_far_away(s):
    s.kext.pointer("_printf")
    s.edit = change_relocation("external", lambda w: 0x7FFFFFF0, None)


@case(refused="link.relocation", gate=True)
def relocation_across_the_end(s):
    """The last byte of the section, of which a pointer needs more."""
    s.kext.pointer("_printf")
    last = s.kext.section("__LAST", "__last", bytes(3), align=3)
    s.kext.symbol("_last", N_SECT | N_EXT, last, offset=0)

    def edit(data):
        at = next(y["value"] for y in File(data).symbols if y["name"] == "_last")
        return change_relocation("external", lambda w: at, None)(data)
    s.edit = edit


@case("arm", "i386", refused="link.input", gate=True)
def symbol_pointers_beyond_the_table(s):
    s.kext.section("__DATA", "__nl_symbol_ptr", bytes(4), align=2, flags=6, res1=99)
    s.kext.b.indirect = [0x80000000]
    s.kext.pointer("_printf")


@case("arm", "i386", refused="link.input", gate=True)
def symbol_pointer_of_no_symbol(s):
    s.kext.section("__DATA", "__nl_symbol_ptr", bytes(4), align=2, flags=6)
    s.kext.b.indirect = [0x3FFFFFFF]
    s.kext.pointer("_printf")


def resize_first_segment(more):
    def edit(data):
        at = 56 - 24 if word(File(data).cpu) == 8 else 28
        size = field(data, segment(File(data).cpu), at)
        return change(segment(File(data).cpu), at, size + more)(data)
    return edit


@case(refused="link.input", gate=True)
def segments_overlap(s):
    s.kext.pointer("_printf")
    s.edit = resize_first_segment(0x4000)


@case(refused="link.input", gate=True)
def section_of_another_segment(s):
    s.kext.pointer("_printf")
    s.edit = lambda data: data.replace(b"__const\0\0\0\0\0\0\0\0\0__DATA\0",
                                       b"__const\0\0\0\0\0\0\0\0\0__DATB\0", 1)


@both(refused="link.input", gate=True)
def library_instead_of_a_kext(s):
    s.kext.pointer("_printf")
    s.edit = lambda data: put(data, 12, 6)


@case()
def superclass_behind_zerofill(s):
    """Darwin's linker reads the pointer to the superclass at its address, as if that were its
    place in the file; behind zerofill it is not."""
    k = s.kext
    k.section("__TEXT", "__none", size=0x8000, align=4, flags=1)
    foo(s)
    k.klass("3Bar", "3Foo", OLD, meta=META)
    k.pointer("_printf")
