"""Small kernels and kexts out of names: functions, pointers, calls, and I/O Kit classes with
their vtables, for any CPU."""
import struct
from macho import *

BASES = {X86_64: (0xFFFFFF8000200000, 0xFFFFFF7F80E00000), ARM64: (0xFFFFFFF007004000, 0xFFFFFFF005C00000),
         ARM: (0x80001000, 0x8A000000), I386: (0x00100000, 0x01400000),
         PPC: (0x00010000, 0x00C00000)}
TEXT, CONST, DATA, BSS = 1, 2, 3, 4


class Object:
    """Sections are filled first; addresses exist once build() has placed them."""

    def __init__(self, cpu, **kw):
        self.b = self.builder(cpu, page=0x4000 if cpu == ARM64 else PAGE, **kw)
        self.cpu, self.w = cpu, word(cpu)
        self.pending, self.index, self.references = [], {}, []
        self.section("__TEXT", "__text", align=4, flags=0x80000400)
        self.section("__DATA", "__const", align=4)
        self.section("__DATA", "__data", align=4)
        self.section("__DATA", "__bss", align=4, flags=1)

    builder = Builder

    def section(self, *args, **kw):
        return self.b.section(*args, **kw)

    def append(self, section, data, align=1):
        s = self.b.sections[section - 1]
        if s.zerofill:
            s.size = up(s.size, align)
            s.size += len(data)
            return s.size - len(data)
        s.data += b"\0" * (-len(s.data) % align)
        at = len(s.data)
        s.data += data
        s.size = len(s.data)
        return at

    def symbol(self, name, type_, sect=0, desc=0, value=0, offset=None):
        """offset: into section `sect`, instead of a value."""
        self.pending.append((name, type_, sect, desc, value, offset))
        self.index.setdefault(name, len(self.pending) - 1)
        return len(self.pending) - 1

    def function(self, name, private=False, desc=0):
        at = self.append(TEXT, b"\xc3" + b"\x90" * 15, 16)
        return self.symbol(name, N_SECT | (0 if private else N_EXT), TEXT, desc, offset=at)

    def data(self, name, data, section=DATA, private=False):
        at = self.append(section, data, self.w)
        return self.symbol(name, N_SECT | (0 if private else N_EXT), section, offset=at)

    def undefined(self, name, desc=0):
        if name not in self.index:
            self.symbol(name, N_EXT, desc=desc)
        return self.index[name]

    def pointer(self, to, section=DATA, addend=0):
        """A word that points to a symbol: external if it is undefined, else local."""
        at = self.append(section, bytes(self.w), self.w)
        self.references.append((section, at, to, addend))
        return at

    def zero(self, section=CONST):
        self.append(section, bytes(self.w), self.w)

    def vtable(self, name, slots, private=False):
        """slots: symbol names; what is not defined here becomes an external relocation."""
        self.b.sections[CONST - 1].data += b"\0" * (-len(self.b.sections[CONST - 1].data) % self.w)
        self.symbol(name, N_SECT | (0 if private else N_EXT), CONST,
                    offset=len(self.b.sections[CONST - 1].data))
        self.zero(), self.zero()
        for slot in slots:
            self.pointer(slot, CONST)
        self.zero()

    def resolve(self):
        self.b.place()
        for name, type_, sect, desc, value, offset in self.pending:
            if offset is not None:
                value = self.b.addr(sect, offset)
            self.b.symbols.append((name, type_, self.b.ordinal(sect), desc, value))


class Kernel(Object):
    def __init__(self, cpu):
        super().__init__(cpu, filetype=MH_EXECUTE, base=BASES[cpu][0])
        self.b.with_dysymtab = False
        self.thumb = N_THUMB if cpu == ARM else 0
        self.traps = []

    def function(self, name, private=False, desc=None):
        return super().function(name, private, self.thumb if desc is None else desc)

    def klass(self, name, methods):
        """A class whose every slot is a function, defined when it is not yet."""
        for m in methods:
            if m not in self.index:
                self.function(m)
        self.vtable("__ZTV" + name, methods)
        self.data("__ZN%s10gMetaClassE" % name, bytes(40))

    def trap(self, name):
        if not self.traps:
            self.trap_section = self.section("__TRAP", "__trap", size=0x10000, align=12, flags=1)
        self.traps.append(name)
        self.symbol(name, N_SECT | N_EXT, self.trap_section, offset=0x1000 * len(self.traps))

    def build(self):
        self.resolve()
        e = endian(self.cpu)
        for section, at, to, addend in self.references:
            _, _, _, desc, value = self.b.symbols[self.index[to]]
            value += 1 if desc & N_THUMB else 0
            s = self.b.sections[section - 1]
            s.data[at:at + self.w] = struct.pack(e + ("Q" if self.w == 8 else "I"), value + addend)
        return self.b.build()


class Kext(Object):
    def __init__(self, cpu, kmod=True, **kw):
        super().__init__(cpu, **kw)
        self.calls, self.extra = [], []
        if kmod:
            self.data("_kmod_info", bytes(196 if self.w == 8 else 168))
            # start and stop, as libkmod's declaration macro makes them
            self.function("_start_stub", private=True)
        self.append(BSS, bytes(64))

    def call(self, name, opcode=b"\xe8"):
        """A call instruction with an external branch relocation."""
        if self.cpu == ARM64:
            at = self.append(TEXT, struct.pack("<I", 0x94000000), 4)
        else:
            at = self.append(TEXT, opcode + bytes(4)) + len(opcode)
        self.calls.append((at, name))

    def relocation(self, section, at, symbol, table="externals", **kw):
        """Any relocation: symbol is a name (external) or a section ordinal (local)."""
        self.extra.append((section, at, symbol, table, kw))

    def klass(self, name, parent, slots, meta=("__ZN11OSMetaClassD1Ev",), metaless=False):
        """What OSDefineMetaClassAndStructors leaves in a kext."""
        self.data("__ZN%s10gMetaClassE" % name, bytes(40), BSS)
        self.vtable("__ZTV" + name, slots)
        if not metaless:
            self.vtable("__ZTVN%s9MetaClassE" % name, list(meta))
        at = self.pointer("__ZN%s10gMetaClassE" % parent, CONST)
        self.symbol("__ZN%s10superClassE" % name, N_SECT | N_EXT, CONST, offset=at)

    def is_external(self, name):
        return self.pending[self.index[name]][1] & 0xE != N_SECT

    def place_reloc(self, table, section, at, *args, **kw):
        reloc = Reloc(self.b.addr(section, at), *args, **kw)
        getattr(self.b, table).append(reloc)
        return reloc

    def place_call(self, at, name):
        kind = {X86_64: 2, ARM64: 2, I386: 0, ARM: 5}[self.cpu]
        address = self.b.addr(TEXT, at)
        self.place_reloc("externals", TEXT, at, self.index[name], kind, 2, 1, 1)
        if self.cpu == I386:  # the place holds the way from its end to address 0
            self.b.sections[0].data[at:at + 4] = struct.pack("<i", -(address + 4))

    def build(self):
        for _, _, to, _ in self.references:
            if to not in self.index:
                self.undefined(to)
        for _, name in self.calls:
            self.undefined(name)
        for _, _, symbol, table, _ in self.extra:
            if isinstance(symbol, str):
                self.undefined(symbol)
        self.resolve()
        b, e, size = self.b, endian(self.cpu), 3 if self.w == 8 else 2
        for section, at, to, addend in self.references:
            value = addend
            if self.is_external(to):
                self.place_reloc("externals", section, at, self.index[to], 0, size, 0, 1)
            else:
                _, _, sect, desc, base = b.symbols[self.index[to]]
                value += base + (1 if desc & N_THUMB else 0)
                self.place_reloc("locals", section, at, sect, 0, size)  # sect: an ordinal already
            b.sections[section - 1].data[at:at + self.w] = struct.pack(
                e + ("Q" if self.w == 8 else "I"), value)
        for at, name in self.calls:
            self.place_call(at, name)
        for section, at, symbol, table, kw in self.extra:
            extern = isinstance(symbol, str)
            value = kw.pop("value_at", None)
            if value:
                kw["value"] = b.addr(*value)
            pair = kw.pop("pair", None)
            reloc = self.place_reloc(table, section, at,
                                     self.index[symbol] if extern else b.ordinal(symbol),
                                     extern=int(extern), **kw)
            if pair:  # of an object file: (address, symbol, type, section and offset or None)
                to, value = pair[3], None
                if to:
                    value = b.addr(*to)
                reloc.pair = Reloc(pair[0], pair[1], pair[2], 2, kw.get("pcrel", 0), value=value)
        return b.build()


class ObjectKext(Kext):
    """A kext that is an object file: a section's relocations count from its start."""
    builder = ObjectBuilder

    def place_reloc(self, table, section, at, *args, **kw):
        reloc = Reloc(at, *args, **kw)
        self.b.sections[section - 1].relocs.append(reloc)
        return reloc

    def place_call(self, at, name):
        """The place holds the way from the instruction (i386: its end) to the section's start."""
        if self.cpu == PPC:
            word_ = struct.pack(">I", 0x48000001 | -at & 0x03FFFFFC)
        else:
            word_ = struct.pack("<i", -(at + 4))
        self.b.sections[0].data[at:at + 4] = word_
        self.place_reloc("", TEXT, at, self.index[name], 3 if self.cpu == PPC else 0, 2, 1, 1)

    def call(self, name, opcode=b"\xe8"):
        if self.cpu != PPC:
            return super().call(name, opcode)
        self.calls.append((self.append(TEXT, bytes(4), 4), name))

    def common(self, name, size, exponent=0, ext=N_EXT):
        self.symbol(name, ext, desc=exponent << 8, value=size)

    def half(self, type_, at, symbol, other, pcrel=0, section=TEXT):
        """A relocation whose pair's address holds `other`."""
        self.relocation(section, at, symbol, "", type=type_, length=2, pcrel=pcrel,
                        pair=(other, 0xFFFFFF, 1, None))
