"""Cases: kexts that mean harm: counts and sizes beyond the file, tables that overlap, classes
in a circle. Each is refused with a reason, in no time and within the memory of every case."""
from setup import *


def commands(data):
    """(command, offset) of each load command."""
    e, w = form_of(data)
    count, at = struct.unpack_from(e + "I", data, 16)[0], 32 if w == 8 else 28
    for _ in range(count):
        command, size = struct.unpack_from(e + "II", data, at)
        yield command, at
        at += size


def put(data, at, *words):
    e, _ = form_of(data)
    return data[:at] + struct.pack(e + "%dI" % len(words), *words) + data[at + 4 * len(words):]


def change(number, field, *words):
    """An edit: words at a field of the first load command of that number."""
    def edit(data):
        at = next(at for command, at in commands(data) if command == number)
        return put(data, at + field, *words)
    return edit


def segment(cpu):
    return 0x19 if word(cpu) == 8 else 1


def both(function):
    """For bundles of all CPUs and objects of two."""
    return lambda **kw: (case(**kw)(function), object_case(**kw)(function))[0]


def symbols_of_4_gib(s):
    s.edit = change(2, 12, 0xFFFFFFFF)


def strings_of_4_gib(s):
    s.edit = change(2, 20, 0xFFFFFFFF)


def symbols_at_the_end_of_the_address_space(s):
    s.edit = change(2, 8, 0xFFFFFFF0, 0x15555556)


def table_of_sections_of_4_gib(s):
    s.edit = change(segment(s.cpu), 64 if word(s.cpu) == 8 else 48, 0xFFFFFFFF)


def section_of_4_gib(s):
    def edit(data):
        at = next(at for command, at in commands(data) if command == segment(s.cpu))
        return put(data, at + (72 + 40 if word(s.cpu) == 8 else 56 + 36), 0xFFFFFFF0)
    s.edit = edit


def alignment_of_everything(s):
    def edit(data):
        at = next(at for command, at in commands(data) if command == segment(s.cpu))
        return put(data, at + (72 + 52 if word(s.cpu) == 8 else 56 + 44), 0xFFFFFFFF)
    s.edit = edit


for function, slug in ((symbols_of_4_gib, "macho.symtab"), (strings_of_4_gib, "macho.symtab"),
                       (symbols_at_the_end_of_the_address_space, "macho.symtab"),
                       (table_of_sections_of_4_gib, "macho.segment"),
                       (section_of_4_gib, "macho.section"),
                       (alignment_of_everything, "link.input")):
    both(function)(refused=slug, gate=True)


@case(refused="macho.command", gate=True)
def relocations_of_4_gib(s):
    s.edit = change(0xB, 76, 0xFFFFFFFF)


@case(refused="macho.command", gate=True)
def indirect_symbols_of_4_gib(s):
    s.edit = change(0xB, 60, 0xFFFFFFFF)


@case(refused="link.input", gate=True)
def image_out_of_proportion(s):
    """A zerofill of 1 GiB in a file of a few pages."""
    s.kext.section("__DATA", "__huge", size=1 << 30, align=3, flags=1)


@object_case(refused="link.input", gate=True)
def object_out_of_proportion(s):
    s.kext.section("__DATA", "__huge", size=1 << 30, align=3, flags=1)


@object_case(refused="link.input", gate=True)
def alignments_out_of_proportion(s):
    for i in range(200):
        s.kext.section("__DATA", "__wide%d" % i, size=1, align=0, flags=1)

    def edit(data):
        at = next(at for command, at in commands(data) if command == 1)
        for i in range(4, 204):
            data = put(data, at + 56 + 68 * i + 44, 30 + i % 2)
        return data
    s.edit = edit


@object_case(refused="link.input", gate=True)
def one_table_for_all_sections(s):
    """200 sections that name the same table: 25 times the file, if it were indexed for each."""
    for i in range(200):
        s.kext.section("__DATA", "__s%d" % i, bytes(8), align=2)
    for _ in range(500):
        s.kext.pointer("_printf")

    def edit(data):
        at = next(at for command, at in commands(data) if command == 1)
        table = File(data).unpack("II", at + 56 + 68 * 2 + 48)
        for i in range(204):
            data = put(data, at + 56 + 68 * i + 48, *table)
        return data
    s.edit = edit


@object_case(refused="macho.section", gate=True)
def section_relocations_of_4_gib(s):
    s.edit = change(1, 56 + 52, 0xFFFFFFFF)


@object_case(refused="link.input", gate=True)
def two_segments_in_an_object(s):
    s.kext.b.commands.append(lambda e: struct.pack(e + "II16s8I", 1, 56, b"", 0x200000, 0x1000,
                                                   0, 0, 7, 7, 0, 0))


def classes_in_a_circle(s):
    for name, parent in (("1A", "1B"), ("1B", "1C"), ("1C", "1A")):
        s.kext.klass(name, parent, OLD, meta=META)
    s.kext.pointer("_printf")


def vtables_on_top_of_each_other(s):
    """600 classes, each with a vtable that starts one slot further into the same slots."""
    k = s.kext
    start = len(k.b.sections[CONST - 1].data)
    start += -start % k.w
    for _ in range(1200):
        k.pointer("_printf", CONST)
    k.zero()
    for i in range(600):
        name = "4C%03d" % i
        k.data("__ZN%s10gMetaClassE" % name, bytes(8), BSS)
        for table in ("__ZTV" + name, "__ZTVN%s9MetaClassE" % name):
            k.symbol(table, N_SECT | N_EXT, CONST, offset=start + i * k.w)
        k.symbol("__ZN%s10superClassE" % name, N_SECT | N_EXT, CONST, offset=start)


def vtable_runs_off(s):
    """The slots fill the section to its last byte."""
    k = s.kext
    foo(s)
    i = k.section("__DATA", "__vtable", bytes(2 * k.w), align=3)
    k.symbol("__ZTV3Bar", N_SECT | N_EXT, i, offset=0)
    k.symbol("__ZTVN3Bar9MetaClassE", N_SECT | N_EXT, i, offset=0)
    for slot in OLD:
        k.pointer(slot, i)
    at = k.pointer("__ZN9IOService10gMetaClassE", CONST)
    k.symbol("__ZN3Bar10superClassE", N_SECT | N_EXT, CONST, offset=at)


for function in (classes_in_a_circle, vtable_runs_off):
    both(function)(refused="link.vtable")
both(vtables_on_top_of_each_other)(refused="link.vtable", gate=True)
