"""A small model of Darwin's kext linker, for comparing outputs byte for byte; objects and
split kexts are in kxld_forms.py. It keeps the
rules in their plainest form (global tables filled in order, no indexes) and shares nothing
with the C linker. Raises Refused where the linker must fail."""
import struct
from macho import ARM, ARM64, I386, PPC, X86_64, File, up

STAB_SECTION = {0x24, 0x26, 0x28, 0x2E, 0x44, 0x4E, 0x64, 0x84, 0xA4, 0xE4, 0xE8, 0xC0, 0xE0}
STAB_ABSOLUTE = {0x20, 0x22, 0x3C, 0x40, 0x60, 0x66, 0x80, 0x82, 0x86, 0x88, 0x8A, 0xA0, 0xA2,
                 0xC2, 0xE2, 0xFE}
PRIVATE = {"_kmod_info", "__Znwm", "__Znam", "__ZdlPv", "__ZdaPv"}
PURE = "___cxa_pure_virtual"
PAGES = {ARM64: 0x4000}
WEAK_FILLER = 0xF00DD00D
PAIRED = {(X86_64, 5), (ARM64, 1), (I386, 2), (I386, 4), (ARM, 2), (ARM, 3), (PPC, 4), (PPC, 5),
          (PPC, 6), (PPC, 8), (PPC, 13), (PPC, 15)}


class Refused(Exception):
    pass


class Sym:
    def __init__(self, raw):
        self.__dict__.update(raw)
        self.stab = bool(self.type & 0xE0)
        self.resolved = self.replaced = self.missing = False
        if self.stab:
            if self.type in STAB_SECTION:
                self.kind = "sect"
            elif self.type in STAB_ABSOLUTE:
                self.kind = "abs"
            else:
                raise Refused("link.input")
        else:
            kinds = {0: "common" if self.value else "undef", 2: "abs", 0xE: "sect", 0xA: "indr"}
            if self.type & 0xE not in kinds:
                raise Refused("link.input")
            self.kind = kinds[self.type & 0xE]
        if self.kind == "sect" and self.sect == 0:
            self.kind = "abs"
        self.external = not self.stab and bool(self.type & 1) and not self.type & 0x10
        self.obsolete = bool(self.desc & 0x20)
        self.weak = bool(self.desc & 0x40) and not self.stab
        self.thumb = 1 if self.desc & 8 and not self.stab else 0
        self.cxx = not self.stab and (self.name.startswith("__Z") or self.name == PURE)
        if self.exported and self.name in PRIVATE:
            self.type |= 0x10
            self.external = False
        self.link = self.value | self.thumb

    defined = property(lambda s: s.kind in ("abs", "sect") and not s.replaced)
    local = property(lambda s: s.defined and not s.resolved)
    exported = property(lambda s: s.local and s.external)
    unresolved = property(lambda s: s.kind == "undef" and not s.replaced or s.kind in ("indr", "common"))
    is_vtable = property(lambda s: s.cxx and s.name.startswith("__ZTV"))
    is_pad = property(lambda s: s.cxx and not s.is_vtable and "_RESERVED" in s.name)
    is_meta = property(lambda s: s.cxx and not s.is_vtable and not s.is_pad and "10gMetaClassE" in s.name)
    is_smcp = property(lambda s: s.cxx and not s.is_vtable and not s.is_pad and not s.is_meta
                       and "10superClassE" in s.name)
    cls = property(lambda s: s.name[4:-13])


class Image:
    def __init__(self, data):
        self.file = File(data)
        self.syms = [Sym(raw) for raw in self.file.symbols]

    def word_at(self, address):
        f = self.file
        for s in f.segments:
            if s["addr"] <= address < s["addr"] + s["size"]:
                if address - s["addr"] + f.w > s["fsize"]:
                    return None
                return f.unpack("Q" if f.w == 8 else "I", s["off"] + address - s["addr"])[0]
        return None

    def traps(self, address):
        return any(s["name"] == "__TRAP" and s["addr"] <= address < s["addr"] + s["size"]
                   for s in self.file.segments if self.file.filetype == 2)


class Link:
    """deps: (image bytes, interface bytes or None, direct)."""

    header_size = 0

    def __init__(self, kext, deps, base, slides=False, page=None, allow_missing=False, split=None):
        self.base, self.slides, self.split = base, slides, split
        self.new_ordinals = {}
        self.D, self.O, self.X, self.V = {}, set(), {}, {}
        self.images, self.weak_symbol = [], None
        self.missing_direct = self.missing_slots = 0
        cache = {}
        for image, interface, direct in deps:
            if image not in cache:
                cache[image] = Image(image)
            self.export(cache[image], Image(interface) if interface else None, direct)
        self.k = Image(kext)
        self.f, self.w = self.k.file, self.k.file.w
        self.page = page or PAGES.get(self.f.cpu, 0x1000)
        self.mask = (1 << 8 * self.w) - 1
        for image in self.images:
            self.linked_vtables(image)
        self.layout()
        self.names = {s.name: s for s in self.k.syms if s.local and not s.stab}
        self.duplicates()
        self.resolve()
        self.targets = {r: self.k.syms[r.symbol] for r in self.outside() if r.extern}
        self.classes = []
        if self.outside():
            self.patch()
        self.validate(allow_missing)
        self.copy()
        self.relocate()
        self.kmod()
        self.emit()

    def outside(self):
        """The relocations that may be patched."""
        return self.f.externals

    # --- dependencies
    def export(self, image, interface, direct):
        if image not in self.images:
            self.images.append(image)
        own = [s for s in image.syms if s.local and not s.stab]
        for s in own:
            if s.name == "_kext_weak_symbol_referenced":
                self.weak_symbol = s.link
        if not interface:
            for s in own:
                if s.exported:
                    if direct:
                        self.D[s.name] = (s.link, image)
                    if s.cxx:
                        self.X[s.value] = s
            return
        table = {}
        for s in sorted(own, key=lambda s: s.exported):
            table[s.name] = s
        if direct:
            for kind in ("undef", "indr"):
                for s in interface.syms:
                    if s.stab or s.kind != kind:
                        continue
                    target = table.get(s.alias if kind == "indr" else s.name)
                    if target:
                        self.D[s.name] = (target.link, image)
                    if s.obsolete:
                        self.O.add(s.name)
        for s in own:
            if s.cxx:
                self.X[s.value] = s

    def linked_vtables(self, image):
        thumb = 1 if image.file.cpu == ARM else 0
        w = image.file.w
        for s in image.syms:
            if not (s.local and s.is_vtable):
                continue
            at, slots = s.value + 2 * w, []
            while True:
                v = image.word_at(at)
                if not v:
                    break
                target = self.X.get(v & ~thumb)
                slots.append(dict(name=target.name if target else None,
                                  addr=target.link if target else v, sym=target, reloc=None))
                at += w
            self.V[s.name] = slots

    # --- layout
    def layout(self):
        f = self.f
        self.segments = [s for s in f.segments if s["size"]]
        self.sections = [s for g in self.segments for s in g["sections"]]
        for number, s in enumerate(self.sections):
            self.new_ordinals[f.sections.index(s) + 1] = number + 1
        out = [s for s in self.k.syms if s.kind in ("abs", "sect")]
        nlist = 16 if self.w == 8 else 12
        size = 1 + sum(len(s.name) + 1 + nlist for s in out)
        self.S = up(size, 8)
        self.slide_list = []
        if self.slides and f.cpu not in (I386, PPC):
            for table in (f.locals, f.externals):
                self.slide_list += [r for r in table if not r.pcrel and
                                    (r.extern or r.symbol or r.value is not None)]
        for s in self.segments:
            s["link"] = s["addr"] + self.base
            s["vmsize"] = s["size"]
            if s["name"] == "__LINKEDIT":
                s["vmsize"] = up(self.S + 8 * len(self.slide_list), self.page)
                self.linkedit = s
        self.total = sum(s["vmsize"] for s in self.segments)
        for s in self.sections:
            s["link"] = up(s["addr"] + self.base, 1 << s["align"])
            if s["off"] and (s["link"] - self.base) % (1 << s["align"]):
                raise Refused("link.address")
        self.size = self.total
        self.place_symbols()

    def place_symbols(self):
        for s in self.k.syms:
            if s.kind == "sect":
                section = self.f.sections[s.sect - 1]
                s.link = s.value - section["addr"] + section["link"] | s.thumb

    # --- names
    def duplicates(self):
        for s in self.k.syms:
            if s.exported and s.name in self.D and self.D[s.name][0] != s.link:
                raise Refused("link.duplicate")

    def resolve(self):
        tests = any(s.name == "_gOSKextUnresolved" for s in self.k.syms)
        for s in self.k.syms:
            if s.stab or not s.unresolved:
                continue
            if s.kind == "common":
                raise Refused("link.common")
            key = s.alias if s.kind == "indr" else s.name
            if key in self.D:
                s.link, image = self.D[key]
                s.missing = image.traps(s.link)
            elif s.weak:
                if not tests:
                    raise Refused("link.unresolved")
                s.link = self.weak_symbol or WEAK_FILLER
            else:
                continue
            s.kind, s.resolved, s.external = "abs", True, True

    # --- vtables
    def own_vtable(self, s):
        section = self.f.sections[s.sect - 1]
        at, slots = s.value + 2 * self.w, []
        while True:
            if at + self.w > section["addr"] + section["size"]:
                raise Refused("link.vtable")
            v = self.k.word_at(at)
            reloc = next((r for r in self.f.externals if r.address == at), None)
            if v:
                slots.append(dict(name=None, addr=None, sym=None, reloc=None))
            elif reloc is not None:
                t = self.targets[reloc]
                slots.append(dict(name=t.name, addr=t.link, sym=t, reloc=reloc))
            else:
                return slots
            at += self.w

    def further_slots(self, s):
        """Relocations in the tables of further bases: behind a small negative distance and a
        zero."""
        places = {r.address: r for r in self.f.externals}
        local = {r.address for r in self.f.locals}
        section = self.f.sections[s.sect - 1]
        found, before, at = set(), 0, s.value + 2 * self.w
        while at + self.w <= section["addr"] + section["size"]:
            v = self.k.word_at(at)
            if v or at in places:
                if at in places and not v:
                    found.add(places[at])
                before, at = v, at + self.w
                continue
            top = at - self.w
            if top in places or top in local or at in local or top < s.value + 2 * self.w or \
                    not self.is_distance(before):
                break
            at += self.w
            before = 0
        return found

    def is_distance(self, v):
        return bool(v) and v % self.w == 0 and self.mask + 1 - v <= 0x100000

    def super_of(self, s):
        for r in self.f.externals:
            if r.address == s.value:
                target = self.targets[r]
                break
        else:
            if not any(r.address == s.value for r in self.f.locals):
                raise Refused("link.vtable")
            v = self.k.word_at(s.value)
            target = next((t for t in self.k.syms if t.is_meta and t.local and t.value == v), None)
        if target is None or not target.is_meta:
            raise Refused("link.vtable")
        return target.cls

    def patch(self):
        lenient = self.f.cpu in (I386, PPC)
        for s in self.k.syms:
            if not (s.is_smcp and s.local):
                continue
            tables = []
            for name, needed in (("__ZTV" + s.cls, True),
                                 ("__ZTVN" + s.cls + "9MetaClassE", not lenient)):
                symbol = self.names.get(name)
                if not symbol and needed:
                    raise Refused("link.vtable")
                tables.append((name, self.own_vtable(symbol) if symbol else None))
            self.classes.append((s.cls, self.super_of(s), tables))
        waiting = list(self.classes)
        own = {c[0] for c in self.classes}
        while waiting:
            progress = False
            for row in list(waiting):
                cls, parent, tables = row
                if parent in own and any(w[0] == parent for w in waiting):
                    continue
                if "__ZTV" + parent not in self.V:
                    continue
                self.patch_class(cls, parent, tables)
                waiting.remove(row)
                progress = True
            if not progress:
                raise Refused("link.vtable")

    def patch_class(self, cls, parent, tables):
        final = "__ZN" + parent + "14__OSFinalClassEv"
        if final in self.D or final in self.names:
            raise Refused("link.vtable")
        (name, table), (meta_name, meta) = tables
        self.patch_table(cls, table, self.V["__ZTV" + parent])
        self.V[name] = table
        if meta is not None:
            if "__ZTV11OSMetaClass" not in self.V:
                raise Refused("link.vtable")
            self.patch_table(cls, meta, self.V["__ZTV11OSMetaClass"])
            self.V[meta_name] = meta

    def patch_table(self, cls, child, parent):
        if len(child) < len(parent):
            raise Refused("link.vtable")
        for c, p in zip(child, parent):
            s = c["sym"]
            if s is None or p["name"] is None or s.local or s.name == PURE:
                continue
            if s.name == p["name"]:
                continue
            if p["sym"].is_pad:
                raise Refused("link.vtable")
            if self.f.cpu not in (I386, PPC) and s.kind == "undef" and \
                    s.name.startswith("__ZN" + cls):
                raise Refused("link.vtable")
            target = self.names.get(p["name"])
            if target is None:
                target = Sym(dict(name=p["name"], type=3, sect=0, desc=0, value=p["addr"],
                                  alias=None))
                target.resolved = True
                target.missing = any(i.traps(target.link) for i in self.images)
                self.names[p["name"]] = target
            s.replaced = True
            self.targets[c["reloc"]] = target
            c.update(sym=target, name=target.name, addr=target.link)

    def validate(self, allow_missing):
        for s in self.k.syms:
            if not s.stab and s.unresolved and not s.replaced:
                raise Refused("link.unresolved")
        slots = set()
        for s in self.k.syms:
            if s.local and s.is_vtable:
                slots |= self.further_slots(s)
        for i, target in self.targets.items():
            if target.missing:
                if i in slots:
                    self.missing_slots += 1
                else:
                    self.missing_direct += 1
        for i in self.f.indirect:
            if i < len(self.k.syms) and self.k.syms[i].missing:
                self.missing_direct += 1
        if self.missing_direct and not allow_missing:
            raise Refused("link.missing")

    # --- bytes
    def copy(self):
        self.out = bytearray(self.size)
        for s in self.sections:
            if s["off"]:
                at = s["link"] - self.base
                if s["flags"] & 0xFF not in (0, 2, 3, 4, 5, 0xE, 6, 8, 9, 0xA, 0xB):
                    raise Refused("link.input")
                self.out[at:at + s["size"]] = self.f.data[s["off"]:s["off"] + s["size"]]

    def place(self, r, section):
        """The place in the output, and the address that r.address stands for."""
        for s in self.sections:
            if s["addr"] <= r.address < s["addr"] + s["size"]:
                if not s["off"]:
                    break
                slide = s["segment"]["link"] - s["segment"]["addr"]
                return s["link"] - self.base + r.address - s["addr"], r.address + slide
        raise Refused("link.relocation")

    def get(self, at, size):
        return int.from_bytes(self.out[at:at + size], "big" if self.f.e == ">" else "little")

    def put(self, at, size, value):
        value &= (1 << 8 * size) - 1
        self.out[at:at + size] = value.to_bytes(size, "big" if self.f.e == ">" else "little")

    def delta(self, r):
        if r.value is not None:
            s = next(s for inside in (True, False) for s in self.sections
                     if s["addr"] <= r.value and r.value - s["addr"] < s["size"] + (not inside))
        else:
            s = self.f.sections[r.symbol - 1]
        return s["link"] - s["addr"]

    def relocate(self):
        for s in self.sections:
            if s["seg"] == "__DATA" and s["name"] == "__nl_symbol_ptr" and s["flags"] & 6:
                for i in range(s["size"] // self.w):
                    index = self.f.indirect[s["r1"] + i]
                    at = s["link"] - self.base + i * self.w
                    if index & 0x80000000:
                        change = 0 if index & 0x40000000 else self.base
                    else:
                        change = self.k.syms[index].link
                    self.put(at, self.w, self.get(at, self.w) + change)
        for section, table in self.tables():
            i = 0
            while i < len(table):
                r = table[i]
                if not r.extern and r.value is None and r.symbol == 0:
                    i += 1
                    continue
                pair = None
                if (self.f.cpu, r.type) in PAIRED:
                    if i + 1 == len(table):
                        raise Refused("link.relocation")
                    pair = table[i + 1]
                self.apply(r, pair, section)
                i += 2 if pair else 1

    def tables(self):
        return (None, self.f.externals), (None, self.f.locals)

    def target(self, r):
        if not r.extern:
            return self.delta(r)
        return self.targets[r].link if r in self.targets else self.k.syms[r.symbol].link

    def apply(self, r, pair, section):
        (at, pc), T = self.place(r, section), self.target(r)
        if r.extern and not r.pcrel and 1 << r.length == self.w and self.f.cpu not in (ARM64, PPC):
            A, t = self.get(at, self.w), self.k.syms[r.symbol]
            if t.is_vtable and A % self.w == 0 and A >= 2 * self.w and t.name in self.V:
                slot = A // self.w - 2
                table_ = self.V[t.name]
                if slot < len(table_) and table_[slot]["name"] == PURE:
                    raise Refused("link.pure_virtual")

        def signed(value, bits):
            value &= self.mask
            if value >> 8 * self.w - 1:
                value -= self.mask + 1
            if not -(1 << bits - 1) <= value < 1 << bits - 1:
                raise Refused("link.overflow")
            return value
        a32 = struct.unpack("<i", self.out[at:at + 4])[0]
        cpu, kind = self.f.cpu, (r.type, r.length, r.pcrel)
        if cpu == X86_64 and kind == (0, 3, 0) or cpu == ARM64 and kind == (0, 3, 0):
            self.put(at, 8, self.get(at, 8) + T)
        elif cpu == X86_64 and kind == (2, 2, 1):
            self.put(at, 4, signed(a32 + T - (pc + 4 if r.extern else pc - r.address), 32))
        elif cpu == X86_64 and r.type in (1, 6, 7, 8) and kind[1:] == (2, 1):
            tail = {1: 0, 6: 1, 7: 2, 8: 4}[r.type]
            self.put(at, 4, signed(a32 + T - (pc + 4 if r.extern else pc - r.address + tail), 32))
        elif cpu == X86_64 and r.type == 5 and r.length in (2, 3) and not r.pcrel and pair.type == 0:
            value = self.target(pair) - T
            if r.length == 3:
                self.put(at, 8, self.get(at, 8) + value)
            else:
                self.put(at, 4, signed(a32 + value, 32))
        elif cpu == ARM64 and kind == (2, 2, 1):
            word = self.get(at, 4)
            imm = word & 0x3FFFFFF
            addend = (imm - (1 << 26) if imm >> 25 else imm) << 2
            distance = signed(T - (pc if r.extern else pc - r.address) + addend, 28)
            self.put(at, 4, word & 0xFC000000 | distance >> 2 & 0x3FFFFFF)
        elif cpu == ARM and kind == (0, 2, 0):
            self.put(at, 4, self.get(at, 4) + T)
        elif cpu == ARM and r.type in (5, 6) and r.pcrel:
            if T + r.address - pc:
                raise Refused("link.relocation")
        elif cpu == I386 and r.type == 0 and r.length == 2:
            self.put(at, 4, self.get(at, 4) + T - (pc - r.address if r.pcrel else 0))
        elif cpu == I386 and r.type in (2, 4) and r.length == 2 and pair and pair.type == 1:
            self.put(at, 4, self.get(at, 4) + T - self.delta(pair))
        elif cpu == PPC:
            self.apply_ppc(r, pair, at, pc, T)
        else:
            raise Refused("link.relocation")

    def split_payload(self):
        return b""

    def kmod(self):
        s = next((s for s in self.k.syms if s.name == "_kmod_info" and s.local and not s.stab), None)
        if not s:
            raise Refused("link.kmod_info")
        section = self.f.sections[s.sect - 1] if s.kind == "sect" else None
        places = (156, 164, 172, 196) if self.w == 8 else (148, 152, 156, 168)
        if not section or not section["off"] or \
                s.value - section["addr"] + places[3] > section["size"]:
            raise Refused("link.kmod_info")
        at = s.link - self.base
        self.put(at + places[0], self.w, self.base)
        self.put(at + places[1], self.w, self.total)
        self.put(at + places[2], self.w, self.header_size)
        self.kmod_info = s.link

    def emit(self):
        f, e = self.f, self.f.e
        q = "Q" if self.w == 8 else "I"
        at = self.linkedit["link"] - self.base
        out = [s for s in self.k.syms if s.kind in ("abs", "sect") and not s.resolved]
        table, strings = b"", b"\0"
        for s in out:
            sect = self.new_ordinals.get(s.sect, s.sect) if s.kind == "sect" else 0
            table += struct.pack(e + "IBBH" + q, len(strings), s.type, sect, s.desc,
                                 s.link & ~s.thumb & self.mask)
            strings += s.name.encode() + b"\0"
        blob = table + strings
        self.out[at:at + len(blob)] = blob
        slides = b""
        for r in self.slide_list:
            number = 1 if r.extern else r.symbol
            word = number | r.length << 25 | r.type << 28
            slides += struct.pack(e + "II", r.address, word)
        slides += self.split_payload()
        self.out[at + self.S:at + self.S + len(slides)] = slides
        commands = []
        for s in self.segments:
            prot = 7 if f.cpu == I386 or f.filetype == 1 else 5 if s["name"] == "__TEXT" else 3
            base, each = (72, 80) if self.w == 8 else (56, 68)
            c = struct.pack(e + "II16s" + q * 4 + "4I", 0x19 if self.w == 8 else 1,
                            base + each * len(s["sections"]), s["name"].encode()[:15], s["link"],
                            s["vmsize"], s["link"] - self.base, s["vmsize"], prot, prot,
                            len(s["sections"]), 0)
            for t in s["sections"]:
                c += struct.pack(e + "16s16s" + q * 2 + "7I", t["name"].encode()[:15],
                                 t["seg"].encode()[:15], t["link"], t["size"],
                                 t["link"] - self.base if t["off"] else 0, t["align"], 0, 0,
                                 t["flags"], t["r1"], t["r2"]) + b"\0" * (4 if self.w == 8 else 0)
            commands.append(c)
        commands.append(struct.pack(e + "6I", 2, 24, at, len(out), at + len(table), len(strings)))
        if self.slides and f.cpu not in (I386, PPC):
            commands.append(struct.pack(e + "20I", 0xB, 80, *[0] * 16, at + self.S,
                                        len(self.slide_list)))
        if f.uuid:
            commands.append(struct.pack(e + "II", 0x1B, 24) + f.uuid)
        if f.version_min and f.filetype != 1:
            commands.append(struct.pack(e + "4I", f.version_min[0], 16, f.version_min[1], 0))
        if f.source_version is not None:
            commands.append(struct.pack(e + "IIQ", 0x2A, 16, f.source_version))
        if self.split_payload():
            commands.append(struct.pack(e + "4I", 0x1E, 16, at + self.S + 8 * len(self.slide_list),
                                        len(self.split_payload())))
        body = b"".join(commands)
        header = struct.pack(e + "7I", 0xFEEDFACF if self.w == 8 else 0xFEEDFACE, f.cpu, f.subtype,
                             f.filetype, len(commands), len(body), 1)
        header += b"\0" * (4 if self.w == 8 else 0)
        self.out[:len(header) + len(body)] = header + body
