"""
Builds prelinked kernels and kernel collections from kexts compiled by clang, and checks what
mkextunpack makes of them: written from the formats, stdlib only, apart from the code under test.

    prelinked.py build KIND CPU FILE OBJECT...     KIND: classic, early, split, threads, collection,
                                                   system, members, formN, and prelinked kernels
                                                   whose kexts have links of their own:
                                                   classicchains, splitchains, splitthreads
    prelinked.py check KIND CPU FOLDER OBJECT...   the unpacked bundles against the objects

OBJECT is a Mach-O object file; its kext is called com.example.NAME, after the file's name, and
stands in NAME.kext; a file called A+B.o is the plug-in B of A.kext.
"""
import base64
import os
import plistlib
import struct
import sys

from macho import File, up
from prelinked_chains import chains, own_chains, thread_section

CPUS = {"x86_64": (0x01000007, 3), "i386": (7, 3), "arm64": (0x0100000C, 0), "ppc": (18, 0)}
PROTECTION = {"__TEXT": 5, "__TEXT_EXEC": 5}
BASE = {"x86_64": 0xFFFFFF8000200000, "i386": 0x200000, "arm64": 0xFFFFFE0007004000}
NOWHERE = 0x7FFFFFFFFFFFFFFF
EXTRA = b"\x01\x02\x03\x04\x05\x06\x07\x08"  # of LC_FUNCTION_STARTS


class Section:
    def __init__(self, segment, name, data, size, align, flags):
        self.segment, self.name, self.data, self.size = segment, name, bytearray(data), size
        self.align, self.flags, self.address = align, flags, 0

    zerofill = property(lambda self: self.flags & 0xFF == 1)


class Kext:
    """Sections, symbols (name, type, section or None, offset) and pointers (section, offset,
    target section, target offset) of an object file."""
    header_room = 0x800  # at the start of __TEXT

    def __init__(self, path, split):
        self.name = os.path.basename(path)[:-2]
        self.parent = None
        if "+" in self.name:
            self.parent, self.name = self.name.split("+")
        self.identifier = "com.example." + self.name
        self.path = "/System/Library/Extensions/%s.kext" % (self.parent or self.name)
        if self.parent:
            self.path += "/Contents/PlugIns/%s.kext" % self.name
        file = File(open(path, "rb").read())
        self.width, self.order = file.w, file.e
        self.sections, self.symbols, self.pointers = [], [], []
        self.headers = self.section_headers(file)
        for s, at in zip(file.sections, self.headers):
            segment = file.unpack("16s", at + 16)[0].rstrip(b"\0").decode()
            if split and segment == "__TEXT":
                segment = "__TEXT_EXEC"
            data = b"" if s["flags"] & 0xFF == 1 else file.data[s["off"]:s["off"] + s["size"]]
            self.sections.append(Section(segment, s["name"], data, s["size"], s["align"],
                                         s["flags"] & 0xFF | s["flags"] & 0x80000400))
        for y in file.symbols:
            assert y["sect"], "the kext must be complete: %s is undefined" % y["name"]
            home = self.sections[y["sect"] - 1]
            self.symbols.append((y["name"], y["type"], home,
                                 y["value"] - file.sections[y["sect"] - 1]["addr"]))
        self.read_pointers(file)

    def read_pointers(self, file):
        for number, s in enumerate(file.sections):
            offset, count = file.unpack("II", self.headers[number] + (56, 48)[self.width == 4])
            here = self.sections[number]
            for i in range(count):
                r = file.reloc(offset + 8 * i)
                assert r.type == 0 and not r.pcrel and 1 << r.length == self.width, s["name"]
                addend = int.from_bytes(here.data[r.address:r.address + self.width],
                                        "little" if self.order == "<" else "big")
                if r.extern:
                    _, _, home, target = self.symbols[r.symbol]
                    target += addend
                else:
                    home = self.sections[r.symbol - 1]
                    target = addend - file.sections[r.symbol - 1]["addr"]
                self.pointers.append((here, r.address, home, target))

    @staticmethod
    def section_headers(file):
        """Where the section headers stand: an object file has them in one segment command."""
        header, base, each = (32, 72, 80) if file.w == 8 else (28, 56, 68)
        at = header
        while file.unpack("I", at)[0] not in (1, 0x19):
            at += file.unpack("I", at + 4)[0]
        return [at + base + each * i for i in range(len(file.sections))]

    def segments(self):
        names = ["__TEXT"]
        for s in self.sections:
            if s.segment not in names:
                names.append(s.segment)
        return names

    def of(self, segment):
        return [s for s in self.sections if s.segment == segment]

    def size_of(self, segment, page):
        """Gives the sections offsets in their segment; its size in memory and in the file."""
        at = self.header_room if segment == "__TEXT" else 0
        end = at
        for s in sorted(self.of(segment), key=lambda s: s.zerofill):
            at = up(at, 1 << s.align)
            s.offset = at
            at += s.size
            if not s.zerofill:
                end = at
        return up(max(at, 1), page), up(max(end, 1), page)

    def place(self, addresses):
        self.addresses = addresses
        for s in self.sections:
            s.address = addresses[s.segment] + s.offset
        self.kmod_info = next(home.address + at for name, _, home, at in self.symbols
                              if name == "_kmod_info")

    def word(self, value):
        return struct.pack(self.order + ("Q" if self.width == 8 else "I"), value)

    def content(self, section, plain=True):
        """A section's bytes once the kext has its addresses."""
        data = bytearray(section.data)
        for here, at, home, target in self.pointers:
            if here is section and plain:
                data[at:at + self.width] = self.word(home.address + target)
        return bytes(data)

    def segment_content(self, segment, page, plain=True):
        data = bytearray(self.size_of(segment, page)[1])
        for s in self.of(segment):
            if not s.zerofill:
                data[s.offset:s.offset + s.size] = self.content(s, plain)
        return bytes(data)

    def symbol_table(self, strings):
        out = b""
        for name, kind, home, at in self.symbols:
            out += struct.pack(self.order + "IBBH", len(strings), kind, self.ordinal(home), 0)
            out += self.word(home.address + at)
            strings += name.encode() + b"\0"
        return out

    def ordinal(self, section):
        order = [s for name in self.segments() for s in self.of(name)]
        return order.index(section) + 1


def segment_command(order, width, name, address, size, offset, file_size, sections=(), prot=None):
    q = "Q" if width == 8 else "I"
    base, each = (72, 80) if width == 8 else (56, 68)
    prot = PROTECTION.get(name, 3) if prot is None else prot
    out = struct.pack(order + "II16s" + q * 4 + "4I", 0x19 if width == 8 else 1,
                      base + each * len(sections), name.encode(), address, size, offset,
                      file_size, prot, prot, len(sections), 0)
    for s in sections:
        where = 0 if s.zerofill else offset + s.address - address
        out += struct.pack(order + "16s16s" + q * 2 + "7I", s.name.encode(), name.encode(),
                           s.address, s.size, where, s.align, 0, 0, s.flags, 0, 0)
        out += b"\0" * (4 if width == 8 else 0)
    return out


def header(order, width, cpu, filetype, commands, flags):
    number, subtype = CPUS[cpu]
    body = b"".join(commands)
    out = struct.pack(order + "7I", 0xFEEDFACF if width == 8 else 0xFEEDFACE, number, subtype,
                      filetype, len(commands), len(body), flags)
    return out + b"\0" * (4 if width == 8 else 0) + body


class Image:
    """A file as an address space: pieces of bytes at addresses, in the order added."""

    def __init__(self, cpu, page):
        self.cpu, self.page, self.pieces, self.size = cpu, page, [], 0

    def add(self, name, address, data, sections=(), size=None):
        offset = self.size
        self.pieces.append([name, address, bytearray(data), offset, sections,
                            up(len(data) if size is None else size, self.page)])
        self.size = up(offset + len(data), self.page)
        return offset

    def build(self, filetype, commands, order="<", width=8):
        rows = [segment_command(order, width, name, address, size, offset, len(data), sections)
                for name, address, data, offset, sections, size in self.pieces]
        out = bytearray(self.size)
        for _, _, data, offset, _, _ in self.pieces:
            out[offset:offset + len(data)] = data
        head = header(order, width, self.cpu, filetype, rows + list(commands), 1)
        assert len(head) <= len(self.pieces[0][2])
        out[:len(head)] = head
        return bytes(out)


def symtab_commands(order, where, count, strings_at, strings, starts_at):
    return [struct.pack(order + "6I", 2, 24, where, count, strings_at, len(strings)),
            struct.pack(order + "20I", 0xB, 80, 0, count, *[0] * 16),
            struct.pack(order + "4I", 0x26, 16, starts_at, len(EXTRA))]


def whole_kext(kext, cpu, load, page, bare=False, form=None):
    """A kext as the linker leaves it: file offsets and addresses differ by `load` alone, and
    __LINKEDIT of its own, or none when it is bare; with a form, pointers are links of its own
    chains. Its bytes."""
    addresses, at = {}, load
    for name in kext.segments():
        addresses[name] = at
        at += kext.size_of(name, page)[0]
    kext.place(addresses)
    strings = bytearray(b"\0")
    table = kext.symbol_table(strings)
    table += b"\0" * (-len(table) % 8) + EXTRA
    linkedit = at
    blob = table + strings
    rows = []
    out = bytearray(linkedit - load)
    for name in kext.segments():
        data = kext.segment_content(name, page, plain=not form)
        begin = addresses[name] - load
        size = kext.size_of(name, page)[0]
        out[begin:begin + len(data)] = data
        rows.append(segment_command(kext.order, kext.width, name, addresses[name], size, begin,
                                    size, kext.of(name)))
    chains_at = len(blob) + -len(blob) % 8
    if bare:
        blob = b""
    else:
        blob = bytes(blob).ljust(chains_at + (0x400 if form else 0), b"\0")
        rows.append(segment_command(kext.order, kext.width, "__LINKEDIT", linkedit,
                                    up(len(blob), page), linkedit - load, up(len(blob), page)))
        rows += symtab_commands(kext.order, linkedit - load, len(kext.symbols),
                                linkedit - load + len(table), strings,
                                linkedit - load + len(table) - len(EXTRA))
    head = header(kext.order, kext.width, cpu, 11, rows, 1)
    assert len(head) <= 0x800
    out[:len(head)] = head
    if form:
        image = Image(cpu, page)
        image.add("", load, out)
        table = own_chains(form, image, [kext], {}, 0, page, linkedit - load + chains_at)
        assert len(table) <= 0x400
        out = image.pieces[0][2]
        blob = blob[:chains_at] + table.ljust(len(blob) - chains_at, b"\0")
    return bytes(out + blob + b"\0" * (-len(blob) % page))


def info(kext, keys):
    out = "<dict><key>CFBundleIdentifier</key><string>%s</string>" % kext.identifier
    out += "<key>CFBundleExecutable</key><string>%s</string>" % kext.name
    out += "<key>CFBundleVersion</key><string>1.2.3</string>"
    out += "<key>CFBundlePackageType</key><string>KEXT</string>"
    out += "<key>_PrelinkBundlePath</key><string>%s</string>" % kext.path
    out += ("<key>_PrelinkExecutableRelativePath</key><string>Contents/MacOS/%s</string>"
            % kext.name)
    for key, value in keys.items():
        out += '<key>%s</key><integer size="64">0x%x</integer>' % (key, value)
    return out + "</dict>"


def pseudo(collection):
    out = "<dict><key>CFBundleIdentifier</key><string>com.apple.kpi.mach</string>"
    out += "<key>CFBundleVersion</key><string>20.0.0</string>"
    out += "<key>OSKernelResource</key><true/>"
    out += ("<key>_PrelinkBundlePath</key><string>/System/Library/Extensions/System.kext/PlugIns"
            "/Mach.kext</string>")
    if collection:
        for key in ("LoadAddr", "SourceAddr"):
            out += ('<key>_PrelinkExecutable%s</key><integer size="64">0x%x</integer>'
                    % (key, NOWHERE))
    return out + "</dict>"


def root(dictionaries, keys=""):
    text = "<dict><key>_PrelinkInfoDictionary</key><array>%s</array>%s</dict>"
    return (text % ("".join(dictionaries), keys)).encode() + b"\0"


def info_piece(image, address, text):
    section = Section("__PRELINK_INFO", "__info", text, len(text), 0, 0)
    section.address = address
    image.add("__PRELINK_INFO", address, text, [section])


def page_of(cpu):
    return 0x4000 if cpu == "arm64" else 0x1000


def build_classic(cpu, kexts, early=False, form=None):
    """Kexts back to back in __PRELINK_TEXT; on x86_64 linked for 2 GiB below the kernel's end."""
    page, order, width = page_of(cpu), kexts[0].order, kexts[0].width
    image = Image(cpu, page)
    base = BASE[cpu]
    image.add("__TEXT", base, b"\0" * page)
    source = first = base + 16 * page
    load = base + page - 0x80000000 if cpu == "x86_64" and not early else source
    text, dictionaries = b"", [pseudo(False)]
    for kext in kexts:
        data = whole_kext(kext, cpu, load, page, form=form)
        keys = {"_PrelinkExecutableLoadAddr": load, "_PrelinkExecutableSourceAddr": source,
                "_PrelinkExecutableSize": len(data), "_PrelinkKmodInfo": kext.kmod_info}
        if early:
            del keys["_PrelinkExecutableLoadAddr"], keys["_PrelinkExecutableSourceAddr"]
            keys["_PrelinkExecutable"] = source
        dictionaries.append(info(kext, keys))
        text += data
        load += len(data)
        source += len(data)
    section = Section("__PRELINK_TEXT", "__text", text, len(text), 12, 0)
    section.address = first
    image.add("__PRELINK_TEXT", first, text, [section])
    xml = root(dictionaries)
    if early:
        xml = b"<array>" + "".join(dictionaries).encode() + b"</array>\0"
    info_piece(image, up(source, page), xml)
    return image.build(2, [], order, width)


def spread(cpu, kexts, image, regions, filetype, more=0):
    """Segments by kind, one region after the other; kexts share the __LINKEDIT, which is to grow
    by `more`. Adds all but the information to the image; the members' headers are complete."""
    page = page_of(cpu)
    at = max(p[1] for p in image.pieces) + 64 * page
    placed = {}
    for _, names in regions:
        for kext in kexts:
            for name in kext.segments():
                if name in names:
                    placed.setdefault(kext.name, {})[name] = at
                    at += kext.size_of(name, page)[0]
        at += 16 * page
    strings, tables = bytearray(b"\0" + b"unused\0" * 3), []
    for kext in kexts:
        kext.place(placed[kext.name])
        tables.append(kext.symbol_table(strings))
    linkedit = at
    blob, starts = bytearray(), []
    for table in tables:
        starts.append(len(blob))
        blob += table + EXTRA
        blob += b"\0" * (-len(blob) % 8)
    strings_at = len(blob)
    blob += strings
    # Where the file has each address: regions are added below in this order.
    first = {}
    offset = image.size
    for region, names in regions:
        begin = min(a for k in kexts for n, a in placed[k.name].items() if n in names)
        end = max(a + k.size_of(n, page)[0] for k in kexts for n, a in placed[k.name].items()
                  if n in names)
        first[region] = (begin, end, offset)
        offset = up(offset + end - begin, page)
    linkedit_at = offset
    for region, names in regions:
        begin, end, where = first[region]
        data = bytearray(end - begin)
        for number, kext in enumerate(kexts):
            for name in (n for n in kext.segments() if n in names):
                at = placed[kext.name][name] - begin
                content = kext.segment_content(name, page, plain=image.plain)
                data[at:at + len(content)] = content
                if name == "__TEXT":
                    head = member_header(cpu, kext, regions, first, linkedit, linkedit_at,
                                         len(blob) + more, starts[number], strings_at, len(strings),
                                         filetype)
                    data[at:at + len(head)] = head
        assert image.add(region, begin, data) == where
    return linkedit, blob


def member_header(cpu, kext, regions, first, linkedit, linkedit_at, linkedit_size, start,
                  strings_at, strings_size, filetype):
    page, rows = page_of(cpu), []
    for name in kext.segments():
        begin, _, where = next(first[r] for r, names in regions if name in names)
        size, file_size = kext.size_of(name, page)
        address = kext.addresses[name]
        rows.append(segment_command("<", 8, name, address, size, where + address - begin,
                                    file_size, kext.of(name)))
    rows.append(segment_command("<", 8, "__LINKEDIT", linkedit, up(linkedit_size, page),
                                linkedit_at, linkedit_size))
    table = linkedit_at + start
    rows += symtab_commands("<", table, len(kext.symbols), linkedit_at + strings_at,
                            b"\0" * strings_size, table + 16 * len(kext.symbols))
    flags = 0x80000001 if filetype == 12 else 1
    head = header("<", 8, cpu, 11, rows, flags)
    assert len(head) <= 0x800
    return head


def addresses_of(kext, page):
    size = sum(kext.size_of(name, page)[0] for name in kext.segments())
    return {"_PrelinkExecutableLoadAddr": kext.addresses["__TEXT"],
            "_PrelinkExecutableSourceAddr": kext.addresses["__TEXT"],
            "_PrelinkExecutableSize": size, "_PrelinkKmodInfo": kext.kmod_info}


def add_threads(image, kext):
    """Fills its section, which the check then expects to find."""
    section = kext.sections[-1]
    section.data[:] = thread_section(image, [kext], kext.addresses["__TEXT"], section.size)
    piece = next(p for p in image.pieces if p[1] <= section.address < p[1] + len(p[2]))
    at = section.address - piece[1]
    piece[2][at:at + section.size] = section.data


def build_split(cpu, kexts, threads=False, own=None):
    """threads: pointers are links, and the kernel has a section that leads to them; own: each
    kext has, "threads" or "chains"."""
    image = Image(cpu, page_of(cpu))
    image.plain = not threads and not own
    for kext in kexts if own == "threads" else []:
        kext.sections.append(Section("__TEXT", "__thread_starts", bytes(0x100), 0x100, 2, 0))
    starts = Section("__TEXT", "__thread_starts", bytes(0x1000), 0x1000, 2, 0)
    starts.address, starts.offset = BASE[cpu] + 0x2000, 0x2000
    image.add("__TEXT", BASE[cpu], b"\0" * page_of(cpu), [starts] if threads else ())
    regions = [("__PRELINK_TEXT", ["__TEXT"]), ("__PLK_TEXT_EXEC", ["__TEXT_EXEC"]),
               ("__PRELINK_DATA", ["__DATA"]), ("__PLK_DATA_CONST", ["__DATA_CONST", "__LD"])]
    present = {n for k in kexts for n in k.segments()}
    regions = [r for r in regions if present & set(r[1])]
    linkedit, blob = spread(cpu, kexts, image, regions, 2, 0x1000 if own == "chains" else 0)
    if own == "chains":
        blob += b"\0" * (-len(blob) % 8)
        blob += own_chains(7, image, kexts, {}, 0, page_of(cpu), image.size + len(blob))
    for kext in kexts if own == "threads" else []:
        add_threads(image, kext)
    image.add("__PLK_LINKEDIT", linkedit, blob)
    if threads:
        image.pieces[0][2][0x2000:0x3000] = thread_section(image, kexts, BASE[cpu])
    rows = [pseudo(False)] + [info(k, addresses_of(k, page_of(cpu))) for k in kexts]
    info_piece(image, up(linkedit + len(blob), 0x4000) + 0x10000, root(rows))
    return image.build(2, [])


# --- collections


def build_collection(cpu, kexts, level=0, form=None, members_own=False, bases=None, wants=()):
    """form: of the pointers, the one of collections without it. members_own: each member tells
    of its own. bases: lowest addresses of all collections, which is filled for this one. wants:
    keys with the identifiers of others."""
    page = page_of(cpu)
    image = Image(cpu, page)
    image.plain = False
    base = BASE[cpu] + level * 0x40000000
    image.add("__TEXT", base, b"\0" * 0x4000)
    lowest = base
    if cpu == "x86_64":  # lies below the header
        lowest = base - 0x100000
        image.add("__HIB", lowest, b"\xAA" * page)
    bases = {} if bases is None else bases
    bases[level] = lowest
    members = []
    if level == 0:  # a kernel without anything
        kernel = header("<", 8, cpu, 2, [segment_command("<", 8, "__TEXT", base + 0x10000, page,
                                                         image.size, page)], 0x80000001)
        where = image.add("__TEXT_EXEC", base + 0x10000, kernel + b"\0" * (page - len(kernel)))
        members.append(("com.apple.kernel", base + 0x10000, where))
    regions = [("__PRELINK_TEXT", ["__TEXT"]), ("__REGION0", ["__TEXT_EXEC"]),
               ("__REGION1", ["__DATA", "__DATA_CONST", "__LD"])]
    present = {n for k in kexts for n in k.segments()}
    regions = [r for r in regions if present & set(r[1])]
    linkedit, blob = spread(cpu, kexts, image, regions, 12)
    text_at = next(p for p in image.pieces if p[0] == "__PRELINK_TEXT")
    for kext in kexts:
        at = kext.addresses["__TEXT"]
        members.append((kext.identifier, at, text_at[3] + at - text_at[1]))
    blob += b"\0" * (-len(blob) % 8)
    form = form or (11 if cpu == "x86_64" else 8)
    commands = []
    if members_own:
        blob += own_chains(form, image, kexts, bases, level, page, image.size + len(blob))
    else:
        payload = chains(form, image, kexts, bases, level, page)
        commands = [struct.pack("<4I", 0x80000034, 16, image.size + len(blob), len(payload))]
        blob += payload
    image.add("__LINKEDIT", linkedit, blob)
    rows = [pseudo(True)] + [info(k, addresses_of(k, page)) for k in kexts]
    keys = ""
    for key, number in ("_PrelinkKCID", level), *(wants or [("_BootKCID", 0)] * (level == 1)):
        id_ = base64.b64encode(bytes([number] * 16)).decode()
        keys += "<key>%s</key><data>%s</data>" % (key, id_)
    info_piece(image, up(linkedit + len(blob), 0x4000) + 0x10000, root(rows, keys))
    for name, address, offset in members:
        size = up(32 + len(name) + 1, 8)
        commands.append(struct.pack("<IIQQII", 0x80000035, size, address, offset, 32, 0) +
                        name.encode().ljust(size - 32, b"\0"))
    return image.build(12, commands)


def build(kind, cpu, kexts):
    if kind == "classic":
        return build_classic(cpu, kexts)
    if kind == "early":
        return build_classic(cpu, kexts, early=True)
    if kind == "split":
        return build_split(cpu, kexts)
    if kind == "threads":
        return build_split(cpu, kexts, threads=True)
    if kind.startswith("split"):
        return build_split(cpu, kexts, own=kind[5:])
    if kind == "classicchains":
        return build_classic(cpu, kexts, form=6)
    if kind == "members":
        return build_collection(cpu, kexts, members_own=True)
    if kind.startswith("form"):
        return build_collection(cpu, kexts, form=int(kind[4:]))
    return build_collection(cpu, kexts, 1 if kind == "system" else 0)


# --- what came out


def check_kext(kext, folder):
    bundle = os.path.join(folder, kext.path.replace("/System/Library/Extensions/", ""))
    plist = plistlib.load(open(os.path.join(bundle, "Contents/Info.plist"), "rb"))
    assert plist["CFBundleIdentifier"] == kext.identifier, plist
    assert plist["_PrelinkKmodInfo"] & (1 << 64) - 1 == kext.kmod_info, plist
    assert not [k for k in plist if k in ("_PrelinkBundlePath", "_PrelinkLinkState")], plist
    file = File(open(os.path.join(bundle, "Contents/MacOS", kext.name), "rb").read())
    assert file.unpack("I", 24)[0] == 1, "flags"
    assert [s["name"] for s in file.segments] == kext.segments() + ["__LINKEDIT"]
    end = 0
    for s in file.segments:
        assert s["off"] == up(end, page_of(kext.cpu)), (s["name"], s["off"], end)
        end = s["off"] + s["fsize"]
        assert end <= len(file.data), "segment outside"
    for s in file.segments[:-1]:
        assert s["addr"] == kext.addresses[s["name"]], s["name"]
    assert file.segments[-1]["off"] + file.segments[-1]["fsize"] == len(file.data), "__LINKEDIT"
    expected = [s for name in kext.segments() for s in kext.of(name)]
    assert len(expected) == len(file.sections)
    for have, want in zip(file.sections, expected):
        assert (have["name"], have["addr"], have["size"]) == (want.name, want.address, want.size)
        if want.zerofill:
            assert have["off"] == 0, "zero-fill in the file"
            continue
        assert have["off"] - have["segment"]["off"] == want.address - have["segment"]["addr"]
        data = file.data[have["off"]:have["off"] + have["size"]]
        assert data == kext.content(want), (want.name, data.hex(), kext.content(want).hex())
    names = [(y["name"], y["type"], y["sect"], y["value"]) for y in file.symbols]
    wanted = [(n, t, kext.ordinal(h), h.address + a) for n, t, h, a in kext.symbols]
    assert names == wanted, (names, wanted)
    starts = next(c for c in commands_of(file) if c[0] == 0x26)
    assert file.data[starts[2]:starts[2] + starts[3]] == EXTRA, "function starts"
    assert not [c for c in commands_of(file) if c[0] in (0x80000034, 0x1D)]


def commands_of(file):
    at, count = 32 if file.w == 8 else 28, file.unpack("I", 16)[0]
    for _ in range(count):
        row = file.unpack("4I", at)
        yield row
        at += row[1]
    assert at == (32 if file.w == 8 else 28) + file.unpack("I", 20)[0], "sizeofcmds"


def main():
    action, kind, cpu, place, *objects = sys.argv[1:]
    kexts = [Kext(path, split=cpu == "arm64") for path in objects]
    for kext in kexts:
        kext.cpu = cpu
    data = build(kind, cpu, kexts)
    if action == "build":
        open(place, "wb").write(data)
        return
    assert any(kext.pointers for kext in kexts), "nothing to fix up"
    for kext in kexts:
        check_kext(kext, place)
    print("%d kexts as expected" % len(kexts))


if __name__ == "__main__":
    main()
