"""Reads and writes the Mach-O files that the linker's tests need: MH_KEXT_BUNDLE, MH_EXECUTE
and MH_OBJECT for any CPU, with given sections, symbols and relocations. Written from the file
format; stdlib only."""
import struct

I386, X86_64, ARM, ARM64, PPC = 7, 0x01000007, 12, 0x0100000C, 18
MH_OBJECT, MH_EXECUTE, MH_KEXT_BUNDLE = 1, 2, 11
N_EXT, N_PEXT, N_ABS, N_SECT, N_INDR = 1, 0x10, 2, 0xE, 0xA
N_THUMB, N_OBSOLETE, N_WEAK = 8, 0x20, 0x40
PAGE = 0x1000


def endian(cpu):
    return ">" if cpu == PPC else "<"


def word(cpu):
    return 8 if cpu & 0x01000000 else 4


def up(value, unit):
    return (value + unit - 1) // unit * unit


class Section:
    def __init__(self, segment, name, data=b"", size=None, align=3, flags=0, res1=0, res2=0):
        self.segment, self.name, self.data = segment, name, bytearray(data)
        self.size = len(data) if size is None else size
        self.align, self.flags, self.res1, self.res2 = align, flags, res1, res2
        self.addr = self.offset = 0
        self.relocs = []  # of an object file's section; addresses count from its start

    zerofill = property(lambda self: self.flags & 0xFF in (1, 12))


class Reloc:
    def __init__(self, address, symbol, type=0, length=None, pcrel=0, extern=0, value=None):
        self.address, self.symbol, self.type = address, symbol, type
        self.length, self.pcrel, self.extern, self.value = length, pcrel, extern, value
        self.order, self.pair = address, None  # in an object file

    def pack(self, cpu):
        if self.value is not None:  # scattered
            head = 1 << 31 | self.pcrel << 30 | self.length << 28 | self.type << 24
            return struct.pack(endian(cpu) + "II", head | self.address, self.value)
        if endian(cpu) == ">":
            bits = self.symbol << 8 | self.pcrel << 7 | self.length << 5
            bits |= self.extern << 4 | self.type
        else:
            bits = self.symbol | self.pcrel << 24 | self.length << 25
            bits |= self.extern << 27 | self.type << 28
        return struct.pack(endian(cpu) + "II", self.address, bits)


class Builder:
    """Segments are laid out one after the other from `base`, page aligned. Symbols are
    (name, type, section index from 1, desc, value); values and relocation addresses are
    the caller's, who asks `addr(index)` after `place()`."""

    def __init__(self, cpu, filetype=MH_KEXT_BUNDLE, base=0, subtype=3, page=PAGE):
        self.cpu, self.filetype, self.base, self.subtype = cpu, filetype, base, subtype
        self.sections, self.symbols, self.externals, self.locals = [], [], [], []
        self.indirect, self.commands, self.uuid = [], [], bytes(range(16))
        self.page = page
        self.text_room = 0x800  # for the load commands in front of __TEXT
        self.with_dysymtab = True

    def section(self, *args, **kw):
        self.sections.append(Section(*args, **kw))
        return len(self.sections)

    def ordinal(self, index):
        """The number in the file of a section, which goes segment by segment; 0 stays 0."""
        order = [s for name in self.segments() for s in self.sections if s.segment == name]
        return order.index(self.sections[index - 1]) + 1 if index else 0

    def segments(self):
        names = []
        for s in self.sections:
            if s.segment not in names:
                names.append(s.segment)
        return names

    def place(self):
        at, offset = self.base, 0
        self.layout = []
        for name in self.segments():
            start, start_offset = at, offset
            if name == self.segments()[0]:
                at += self.text_room
                offset += self.text_room
            for s in (s for s in self.sections if s.segment == name):
                pad = up(at, 1 << s.align) - at
                at, offset = at + pad, offset + pad
                s.addr = at
                at += s.size
                if s.zerofill:
                    continue
                s.offset = offset
                offset += s.size
            file_size = offset - start_offset
            at = up(at, self.page)
            offset = up(offset, self.page)
            self.layout.append((name, start, at - start, start_offset, file_size))
        self.end, self.end_offset = at, offset

    def addr(self, index, offset=0):
        return self.sections[index - 1].addr + offset

    def symbol_table(self):
        """The table and its strings."""
        e, w = endian(self.cpu), word(self.cpu)
        strings = bytearray(b"\0")
        table = bytearray()

        def string(name):
            at = len(strings)
            strings.extend(name.encode() + b"\0")
            return at

        for name, type_, sect, desc, value in self.symbols:
            if isinstance(value, str):
                value = string(value)
            table += struct.pack(e + "IBBH" + ("Q" if w == 8 else "I"), string(name), type_,
                                 sect, desc, value & (1 << 8 * w) - 1)
        return table, strings

    def build(self):
        e, w = endian(self.cpu), word(self.cpu)
        table, strings = self.symbol_table()
        loc = b"".join(r.pack(self.cpu) for r in self.locals)
        ext = b"".join(r.pack(self.cpu) for r in self.externals)
        ind = b"".join(struct.pack(e + "I", i) for i in self.indirect)
        at = self.end_offset
        places = []
        blob = b""
        for part in (bytes(table), loc, ext, ind, bytes(strings)):
            places.append(at + len(blob))
            blob += part + b"\0" * (-len(part) % 8)
        commands = [self.segment_command(*row) for row in self.layout]
        commands.append(self.segment_command("__LINKEDIT", self.end, up(len(blob), self.page),
                                             at, len(blob)))
        commands.append(struct.pack(e + "6I", 2, 24, places[0], len(self.symbols), places[4],
                                    len(strings)))
        if self.with_dysymtab:
            commands.append(struct.pack(
                e + "20I", 0xB, 80, *[0] * 12, places[3], len(self.indirect), places[2],
                len(self.externals), places[1], len(self.locals)))
        if self.uuid:
            commands.append(struct.pack(e + "II", 0x1B, 24) + self.uuid)
        commands += [c(e) if callable(c) else c for c in self.commands]
        body = b"".join(commands)
        header = struct.pack(e + "7I", 0xFEEDFACF if w == 8 else 0xFEEDFACE, self.cpu,
                             self.subtype, self.filetype, len(commands), len(body), 0x85)
        header += b"\0" * (4 if w == 8 else 0)
        out = bytearray(at) + blob
        out[:len(header) + len(body)] = header + body
        for s in self.sections:
            assert s.zerofill or not s.offset or s.offset >= len(header) + len(body)
            if s.offset:
                out[s.offset:s.offset + s.size] = s.data
        return bytes(out)

    def segment_command(self, name, start, size, offset, file_size):
        e, w = endian(self.cpu), word(self.cpu)
        q = "Q" if w == 8 else "I"
        sections = [s for s in self.sections if s.segment == name]
        prot = 5 if name == "__TEXT" else 3
        base, each = (72, 80) if w == 8 else (56, 68)
        out = struct.pack(e + "II16s" + q * 4 + "4I", 0x19 if w == 8 else 1,
                          base + each * len(sections), name.encode(), start, size, offset,
                          file_size, 7, prot, len(sections), 0)
        for s in sections:
            out += struct.pack(e + "16s16s" + q * 2 + "7I", s.name.encode(), name.encode(),
                               s.addr, s.size, s.offset, s.align, 0, 0, s.flags, s.res1, s.res2)
            out += b"\0" * (4 if w == 8 else 0)
        return out


class ObjectBuilder(Builder):
    """An object file: one unnamed segment from address 0 on, sections in the order given,
    each with its own relocations. 32-bit only."""

    def __init__(self, cpu, **kw):
        super().__init__(cpu, MH_OBJECT, **kw)
        self.descending = True  # the order in which the assembler writes relocations
        self.linkedit = False   # an empty __LINKEDIT, as some tools leave it
        self.segment_size = None
        self.file_order = None  # indexes of sections, when not as they were made

    def ordered(self):
        return [self.sections[i - 1] for i in self.file_order or range(1, len(self.sections) + 1)]

    def ordinal(self, index):
        return self.ordered().index(self.sections[index - 1]) + 1 if index else 0

    def place(self):
        at = 0
        for s in self.ordered():
            at = s.addr = up(at, 1 << s.align)
            at += s.size
        self.end = at

    def build(self):
        e, count = endian(self.cpu), len(self.ordered())
        extra = [c(e) if callable(c) else c for c in self.commands]
        if self.uuid:
            extra.append(struct.pack(e + "II", 0x1B, 24) + self.uuid)
        if self.linkedit:
            extra.append(struct.pack(e + "II16s8I", 1, 56, b"__LINKEDIT", 0x100000, 0x1000, 0, 0,
                                     7, 1, 0, 0))
        size = 56 + 68 * count + 24 + sum(map(len, extra))
        data = bytearray(28 + size)
        for s in self.ordered():
            if not s.zerofill:
                data += b"\0" * (-len(data) % 16)
                s.offset = len(data)
                data += s.data
        file_size = len(data) - 28 - size
        tables = []
        for s in self.ordered():
            data += b"\0" * (-len(data) % 4)
            tables.append(len(data))
            order = sorted(s.relocs, key=lambda r: r.order, reverse=self.descending)
            data += b"".join(r.pack(self.cpu) + (r.pair.pack(self.cpu) if r.pair else b"")
                             for r in order)
        table, strings = self.symbol_table()
        data += b"\0" * (-len(data) % 4)
        symbols = len(data)
        data += table + strings
        body = struct.pack(e + "II16s8I", 1, 56 + 68 * count, b"", 0,
                           self.end if self.segment_size is None else self.segment_size,
                           28 + size, file_size, 7, 7, count, 0)
        for s, at in zip(self.ordered(), tables):
            n = sum(2 if r.pair else 1 for r in s.relocs)
            body += struct.pack(e + "16s16s9I", s.name.encode(), s.segment.encode(), s.addr, s.size,
                                s.offset, s.align, at if n else 0, n, s.flags, s.res1, s.res2)
        body += struct.pack(e + "6I", 2, 24, symbols, len(self.symbols), symbols + len(table),
                            len(strings))
        body += b"".join(extra)
        data[:28] = struct.pack(e + "7I", 0xFEEDFACE, self.cpu, self.subtype, MH_OBJECT,
                                2 + len(extra), len(body), 0)
        data[28:28 + len(body)] = body
        return bytes(data)


def interface(cpu, undefined=(), aliases=(), obsolete=()):
    """A KPI symbol set: names, (name, target) aliases, and which names are obsolete."""
    b = Builder(cpu)
    b.with_dysymtab = False
    for name in undefined:
        b.symbols.append((name, N_EXT, 0, N_OBSOLETE if name in obsolete else 0, 0))
    for name, target in aliases:
        b.symbols.append((name, N_INDR | N_EXT, 0, N_OBSOLETE if name in obsolete else 0, target))
    b.place()
    b.end_offset = PAGE
    return b.build()


def form_of(data):
    """struct's sign of its byte order, and the bytes of a word, by its magic alone."""
    return (">" if data[:3] == b"\xfe\xed\xfa" else "<",
            8 if b"\xcf" in (data[:1], data[3:4]) else 4)


class File:
    """A parsed file: what the model reads its inputs with."""

    def __init__(self, data):
        self.data = data
        self.e, self.w = form_of(data)
        _, self.cpu, self.subtype, self.filetype, count, _, _ = self.unpack("7I", 0)
        self.segments, self.sections, self.symbols = [], [], []
        self.externals, self.locals, self.indirect = [], [], []
        self.uuid, self.version_min, self.source_version = None, None, None
        self.split_info = b""
        at = 32 if self.w == 8 else 28
        for _ in range(count):
            command, size = self.unpack("II", at)
            self.command(command, at)
            at += size

    def unpack(self, form, at):
        return struct.unpack_from(self.e + form, self.data, at)

    def command(self, command, at):
        if command in (1, 0x19):
            self.segment(at)
        elif command == 2:
            self.symtab(*self.unpack("4I", at + 8))
        elif command == 0xB:
            ind, nind, ext, next_, loc, nloc = self.unpack("6I", at + 56)
            self.indirect = list(self.unpack("%dI" % nind, ind))
            self.externals = [self.reloc(ext + 8 * i) for i in range(next_)]
            self.locals = [self.reloc(loc + 8 * i) for i in range(nloc)]
        elif command == 0x1B:
            self.uuid = self.data[at + 8:at + 24]
        elif command in (0x24, 0x25, 0x2F, 0x30):
            self.version_min = (command, self.unpack("I", at + 8)[0])
        elif command == 0x32:
            platform, minos = self.unpack("II", at + 8)
            names = {1: 0x24, 2: 0x25, 3: 0x2F, 4: 0x30}
            if platform in names:
                self.version_min = (names[platform], minos)
        elif command == 0x1E:
            at, size = self.unpack("II", at + 8)
            self.split_info = self.data[at:at + size]
        elif command == 0x2A:
            self.source_version = self.unpack("Q", at + 8)[0]

    def segment(self, at):
        q = "Q" if self.w == 8 else "I"
        name, addr, size, off, fsize, _, _, n, _ = self.unpack("16s" + q * 4 + "4I", at + 8)
        segment = dict(name=name.rstrip(b"\0").decode(), addr=addr, size=size, off=off,
                       fsize=fsize, sections=[])
        self.segments.append(segment)
        at += 72 if self.w == 8 else 56
        for _ in range(n):
            sect, seg, a, s, o, align, reloff, nreloc, flags, r1, r2 = self.unpack(
                "16s16s" + q * 2 + "7I", at)
            section = dict(name=sect.rstrip(b"\0").decode(), seg=seg.rstrip(b"\0").decode(), addr=a, size=s,
                           off=o, align=align, flags=flags, r1=r1, r2=r2, segment=segment,
                           relocs=[self.reloc(reloff + 8 * i) for i in range(nreloc)])
            segment["sections"].append(section)
            self.sections.append(section)
            at += 80 if self.w == 8 else 68

    def symtab(self, symoff, nsyms, stroff, strsize):
        strings = self.data[stroff:stroff + strsize]

        def string(at):
            return strings[at:strings.index(b"\0", at)].decode()
        size = 16 if self.w == 8 else 12
        for i in range(nsyms):
            strx, type_, sect, desc, value = self.unpack(
                "IBBH" + ("Q" if self.w == 8 else "I"), symoff + size * i)
            alias = string(value) if type_ & 0xE0 == 0 and type_ & 0xE == 0xA else None
            self.symbols.append(dict(name=string(strx), type=type_, sect=sect, desc=desc,
                                     value=value, alias=alias))

    def reloc(self, at):
        first, second = self.unpack("II", at)
        if first >> 31 and self.w == 4:
            return Reloc(first & 0xFFFFFF, 0, first >> 24 & 15, first >> 28 & 3,
                         first >> 30 & 1, 0, second)
        if self.e == ">":
            return Reloc(first, second >> 8, second & 15, second >> 5 & 3, second >> 7 & 1,
                         second >> 4 & 1)
        return Reloc(first, second & 0xFFFFFF, second >> 28, second >> 25 & 3, second >> 24 & 1,
                     second >> 27 & 1)
