"""
An independent reader of linked kexts for the tests of kextld: checks what must hold for every
kext, and then runs the expressions of a test, each of which must be true.

    kext_image.py FILE [EXPRESSION...]

In an expression, k is the image: k.at(name) an address, k.u64(a), k.u32(a) words, k.i32(a) signed,
k.leads(a, trailing=0) where the distance at a leads, k.external[a] = (name, type, length, pcrel),
k.local[a] = section ordinal, k.section('__DATA,__got'), k.kind[name] = (n_type, section name, desc).
"""
import struct
import sys


class Image:
    def __init__(self, path):
        self.data = open(path, "rb").read()
        self.segments, self.sections, self.commands = [], [], []
        (magic, self.cpu, self.subtype, self.filetype, self.ncmds, self.cmdsize, self.flags,
         _) = struct.unpack_from("<8I", self.data, 0)
        assert magic == 0xFEEDFACF, "magic"
        self.uuid = None
        at = 32
        for _ in range(self.ncmds):
            command, size = struct.unpack_from("<2I", self.data, at)
            self.commands.append(command)
            self.read_command(command, at)
            at += size
        assert at == 32 + self.cmdsize, "sizeofcmds"
        self.read_symbols()
        self.read_relocations()

    def read_command(self, command, at):
        if command == 0x19:
            name, *words = struct.unpack_from("<16s4Q4I", self.data, at + 8)
            keys = "address size offset filesize maxprot initprot nsects flags".split()
            segment = dict(zip(keys, words), name=name.rstrip(b"\0").decode())
            self.segments.append(segment)
            for i in range(segment["nsects"]):
                self.read_section(segment, at + 72 + 80 * i)
        elif command == 2:
            self.symtab = struct.unpack_from("<4I", self.data, at + 8)
        elif command == 0xB:
            self.dysymtab = struct.unpack_from("<18I", self.data, at + 8)
        elif command == 0x1B:
            self.uuid = self.data[at + 8:at + 24]

    def read_section(self, segment, at):
        name, owner, *words = struct.unpack_from("<16s16s2Q8I", self.data, at)
        keys = "address size offset align reloff nreloc flags r1 r2 r3".split()
        section = dict(zip(keys, words), name=name.rstrip(b"\0").decode(), segment=segment)
        assert owner.rstrip(b"\0").decode() == segment["name"], "segname of a section"
        self.sections.append(section)

    def string(self, offset):
        start = self.symtab[2] + offset
        return self.data[start:self.data.index(b"\0", start)].decode()

    def read_symbols(self):
        self.names, self.kind, self.value = [], {}, {}
        for i in range(self.symtab[1]):
            strx, kind, section, desc, value = struct.unpack_from(
                "<IBBHQ", self.data, self.symtab[0] + 16 * i)
            name = self.string(strx)
            where = self.title(self.sections[section - 1]) if section else None
            self.names.append(name)
            self.kind.setdefault(name, (kind, where, desc))
            self.value.setdefault(name, value)

    def read_relocations(self):
        self.external, self.local = {}, {}
        for offset, count, into in ((self.dysymtab[14], self.dysymtab[15], self.external),
                                    (self.dysymtab[16], self.dysymtab[17], self.local)):
            for i in range(count):
                address, word = struct.unpack_from("<2I", self.data, offset + 8 * i)
                number, pcrel = word & 0xFFFFFF, word >> 24 & 1
                length, extern, kind = word >> 25 & 3, word >> 27 & 1, word >> 28
                assert address not in self.external and address not in self.local, "twice"
                if into is self.external:
                    assert extern, "extern bit"
                    into[address] = (self.names[number], kind, length, pcrel)
                    assert number >= self.dysymtab[4], "refers to a defined symbol"
                else:
                    assert not extern and (kind, length, pcrel) == (0, 3, 0), "local kind"
                    into[address] = number

    def title(self, section):
        return section["segment"]["name"] + "," + section["name"]

    def section(self, title):
        return next((s for s in self.sections if self.title(s) == title), None)

    def at(self, name):
        assert self.kind[name][0] & 0xE == 0xE, name + " is not in a section"
        return self.value[name]

    def bytes(self, address, size):
        for s in self.segments:
            if s["address"] <= address and address + size <= s["address"] + s["size"]:
                start = address - s["address"]
                content = self.data[s["offset"]:s["offset"] + s["filesize"]]
                return content[start:start + size].ljust(size, b"\0")
        raise AssertionError("address 0x%x is in no segment" % address)

    def u8(self, address):
        return self.bytes(address, 1)[0]

    def u32(self, address):
        return struct.unpack("<I", self.bytes(address, 4))[0]

    def i32(self, address):
        return struct.unpack("<i", self.bytes(address, 4))[0]

    def u64(self, address):
        return struct.unpack("<Q", self.bytes(address, 8))[0]

    def leads(self, address, trailing=0):
        return address + 4 + trailing + self.i32(address)

    def text(self, address):
        out = b""
        while self.u8(address + len(out)):
            out += bytes([self.u8(address + len(out))])
        return out.decode()


def check_layout(k):
    assert (k.cpu, k.subtype, k.filetype, k.flags) == (0x01000007, 3, 11, 0x85), "header"
    assert k.commands[-1] in (0x1B, 0x2A) and set(k.commands) <= {0x19, 2, 0xB, 0x1B, 0x2A}
    names = [s["name"] for s in k.segments]
    assert names[0] == "__TEXT" and names[-1] == "__LINKEDIT", names
    prots = {"__TEXT": 5, "__LINKEDIT": 1}
    address = offset = 0
    for s in k.segments:
        assert s["address"] == address and s["offset"] == offset, "gap before " + s["name"]
        assert s["address"] % 4096 == s["size"] % 4096 == s["offset"] % 4096 == 0, s["name"]
        assert s["initprot"] == prots.get(s["name"], 3), "initprot of " + s["name"]
        assert s["filesize"] <= s["size"]
        address, offset = address + s["size"], offset + s["filesize"]
    assert offset == len(k.data), "file size"
    end = 32 + k.cmdsize
    for s in k.sections:
        zero_fill = s["flags"] & 0xFF == 1
        assert s["address"] >= end and s["address"] % (1 << s["align"]) == 0, k.title(s)
        assert s["reloff"] == s["nreloc"] == 0
        owner = s["segment"]
        assert s["address"] + s["size"] <= owner["address"] + owner["size"]
        if zero_fill:
            assert s["offset"] == 0
        else:
            assert s["offset"] - owner["offset"] == s["address"] - owner["address"]
            assert s["offset"] + s["size"] <= owner["offset"] + owner["filesize"]
        end = s["address"] + s["size"]


def check_symbols(k):
    first_local, locals_, first_defined, defined, first_undefined, undefined = k.dysymtab[:6]
    assert first_local == 0 and first_defined == locals_
    assert first_undefined == locals_ + defined
    assert first_undefined + undefined == k.symtab[1], "symbol counts"
    assert k.symtab[2] + k.symtab[3] == len(k.data), "strings come last"
    for i in range(k.symtab[1]):
        kind, section, _, value = struct.unpack_from("<BBHQ", k.data, k.symtab[0] + 16 * i + 4)
        external, undef = kind & 1, kind & 0xE == 0
        assert bool(external) == (i >= locals_), "group of " + k.names[i]
        assert undef == (i >= first_undefined), "group of " + k.names[i]
        assert not kind & 0xE0
        if section:
            s = k.sections[section - 1]
            assert s["address"] <= value <= s["address"] + s["size"], k.names[i]
    for start, count in ((first_defined, defined), (first_undefined, undefined)):
        part = k.names[start:start + count]
        assert part == sorted(set(part)), "order of symbols"


def check_relocations(k):
    for address, (name, kind, length, pcrel) in k.external.items():
        assert k.kind[name][0] == 1, name + " is not undefined"
        assert (kind, length, pcrel) in ((0, 3, 0), (2, 2, 1)), "external kind"
        if kind == 2:
            assert k.u32(address) == 0 and address < k.segments[0]["size"]
    for address, ordinal in k.local.items():
        s = k.sections[ordinal - 1]
        assert s["address"] <= k.u64(address) <= s["address"] + s["size"], hex(address)


def main():
    k = Image(sys.argv[1])
    assert k.uuid is None or (k.uuid != bytes(16) and k.uuid[8] & 0xC0 == 0x80), "uuid"
    check_layout(k)
    check_symbols(k)
    check_relocations(k)
    for expression in sys.argv[2:]:
        if not eval(expression, {"k": k}):  # our own tests' text
            sys.exit("false for %s: %s" % (sys.argv[1], expression))


if __name__ == "__main__":
    main()
