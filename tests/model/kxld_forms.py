"""The model of the linker for kexts that are object files (i386, ppc) and for split kexts."""
from kxld import *


class ObjectLink(Link):
    """One unnamed segment in the kernel's section order, common symbols behind it."""

    def outside(self):
        return [r for s in self.sections for r in s["relocs"]]

    def layout(self):
        f = self.f
        mains = [s for s in f.segments if s["size"] and s["name"] != "__LINKEDIT"]
        if len(mains) != 1 or self.split and self.split.get("__TEXT_EXEC"):
            raise Refused("link.input")
        main = mains[0]
        self.slide_list = []
        self.commons(main)
        self.sections = self.sort(main["sections"])
        for number, s in enumerate(self.sections):
            self.new_ordinals[f.sections.index(s) + 1] = number + 1
        out = [s for s in self.k.syms if s.kind in ("abs", "sect")]
        self.S = up(1 + sum(len(s.name) + 1 + 12 for s in out), 8)
        header = 28 + 56 + 68 * len(self.sections) + 24 + (24 if f.uuid else 0)
        self.header_size = at = up(header, self.page)
        for s in self.sections:
            at = up(at, 1 << s["align"])
            s["link"] = up(at + self.base, 1 << s["align"])
            if s["off"] and (s["link"] - self.base) % (1 << s["align"]):
                raise Refused("link.address")
            at += s["size"]
        end = up(at, self.page)
        self.linkedit = dict(name="__LINKEDIT", link=self.base + end,
                             vmsize=up(self.S, self.page), sections=[])
        self.segments = [dict(name="", link=self.base + self.header_size,
                              vmsize=end - self.header_size, sections=self.sections),
                         self.linkedit]
        self.size = self.total = end + self.linkedit["vmsize"]
        self.place_symbols()

    def commons(self, main):
        symbols = [s for s in self.k.syms if s.kind == "common"]
        if not symbols:
            return
        named = [s for s in self.f.sections if (s["seg"], s["name"]) == ("__DATA", "__common")]
        if named:
            common = named[0]
            if common["off"]:
                raise Refused("link.input")
        else:
            common = dict(name="__common", seg="__DATA", addr=main["addr"] + main["size"], size=0,
                          off=0, align=0, flags=1, r1=0, r2=0, segment=main, relocs=[])
            self.f.sections.append(common)
            main["sections"].append(common)
        for s in symbols:
            exponent = s.desc >> 8 & 15 or 3
            start = up(common["size"], 1 << exponent)
            common["size"] = start + s.value
            common["align"] = max(common["align"], exponent)
            s.kind, s.type, s.desc, s.external = "sect", 0xF, 0, True
            s.weak = s.obsolete = False
            s.thumb = 0
            s.sect, s.value = self.f.sections.index(common) + 1, common["addr"] + start

    def sort(self, sections):
        kernels = [i for i in self.images if i.file.filetype == 2]
        if not kernels:
            return list(sections)
        names = [(s["seg"], s["name"]) for s in kernels[0].file.sections]
        known = {segment for segment, _ in names}
        groups = []
        for segment, name in names:
            if not groups or groups[-1][0] != segment:
                groups.append((segment, []))
            groups[-1][1].append(name)
        out, rest = [], list(sections)
        for segment, order in groups:
            while rest and rest[0]["seg"] not in known:
                out.append(rest.pop(0))
            run = []
            while rest and rest[0]["seg"] == segment:
                run.append(rest.pop(0))
            for name in order:
                out += [s for s in run if s["name"] == name and s not in out]
            out += [s for s in run if s["name"] not in order]
        return out + rest

    def word_in(self, section, offset):
        data = self.f.data[section["off"] + offset:section["off"] + offset + 4]
        return int.from_bytes(data, "big" if self.f.e == ">" else "little")

    def cxx_at(self, value):
        found = [s for s in self.k.syms if s.cxx and s.local and s.value == value]
        return found[-1] if found else None

    def slots_from(self, section, at):
        places = {}
        for r in section["relocs"]:
            if r.value is None:
                places.setdefault(r.address, r)
        slots = []
        while at in places:
            r = places[at]
            if r.extern:
                t = self.targets[r]
                slots.append(dict(name=t.name, addr=t.link, sym=t, reloc=r))
            else:
                t = self.cxx_at(self.word_in(section, at))
                slots.append(dict(name=t and t.name, addr=t and t.link, sym=t, reloc=None))
            at += 4
        return slots, at

    def own_vtable(self, s):
        section = self.f.sections[s.sect - 1]
        if not section["relocs"]:
            raise Refused("link.vtable")
        slots, end = self.slots_from(section, s.value - section["addr"] + 8)
        if end >= section["size"]:
            raise Refused("link.vtable")
        return slots

    def further_slots(self, s):
        section = self.f.sections[s.sect - 1]
        at, found = s.value - section["addr"] + 8, set()
        while True:
            slots, at = self.slots_from(section, at)
            found |= {c["reloc"] for c in slots if c["reloc"]}
            if at + 8 > section["size"] or any(r.address in (at, at + 4) for r in section["relocs"]) \
                    or not self.is_distance(self.word_in(section, at)) \
                    or self.word_in(section, at + 4):
                return found
            at += 8

    def super_of(self, s):
        section = self.f.sections[s.sect - 1]
        for r in section["relocs"]:
            if r.address == s.value - section["addr"]:
                target = self.targets[r] if r.extern else next(
                    (t for t in self.k.syms if t.is_meta and t.local and
                     t.value == self.word_in(section, r.address)), None)
                if target is not None and target.is_meta:
                    return target.cls
        raise Refused("link.vtable")

    def tables(self):
        return [(s, s["relocs"]) for s in self.sections]

    def place(self, r, section):
        if r.address + 4 > section["size"] or not section["off"]:
            raise Refused("link.relocation")
        return section["link"] - self.base + r.address, section["link"] + r.address

    def apply_ppc(self, r, pair, at, pc, T):
        word, bits = self.get(at, 4), {2: 16, 3: 26}.get(r.type)

        def sign(value, bits):
            value &= (1 << bits) - 1
            return value - (1 << bits) if value >> bits - 1 else value
        kind, plain = r.type, r.length == 2 and not r.pcrel
        if kind == 0 and plain:
            self.put(at, 4, word + T)
        elif kind in (8, 15) and plain and pair.type == 1:
            self.put(at, 4, word + T - self.delta(pair))
        elif bits and (r.length == 2 or r.length == 3 and kind == 2):
            field = (1 << bits) - 4
            old = sign(word & field, bits)
            new = sign(old + T - (pc - r.address if r.pcrel else 0), 32)
            if not -(1 << bits - 1) <= new < 1 << bits - 1:
                raise Refused("link.overflow")
            if r.length == 3 and (old < 0) != (new < 0):
                word ^= 1 << 21
            self.put(at, 4, word & ~field | new & field)
        elif kind in (4, 5, 6) and plain and pair.type == 1:
            half, other = word & 0xFFFF, pair.address & 0xFFFF
            if kind == 5:
                new = (other << 16) + half + T
            elif kind == 4:
                new = (half << 16) + other + T >> 16
            else:
                new = (half << 16) + sign(other, 16) + T
                new = (new - sign(new, 16)) >> 16
            self.put(at, 4, word & 0xFFFF0000 | new & 0xFFFF)
        elif kind == 13 and r.length == 2 and pair.type == 1:
            way = sign(T + pair.address - pc, 32)
            if -(1 << 25) <= way < 1 << 25:
                self.put(at, 4, word & ~0x3FFFFFC | way & 0x3FFFFFC)
        else:
            raise Refused("link.relocation")


class SplitLink(Link):
    """Every segment has a place of its own; vtables stay as they are."""

    def layout(self):
        super().layout()
        self.base = self.split["__TEXT"]
        R = 8 * len(self.slide_list)
        self.linkedit["vmsize"] = up(self.S + R + len(self.f.split_info), self.page)
        self.total = sum(s["vmsize"] for s in self.segments)
        for s in self.segments:
            if s["name"] not in self.split:
                raise Refused("link.address")
            s["link"] = self.split[s["name"]]
        self.size = self.linkedit["vmsize"] + R + self.linkedit["link"] - self.base
        for s in self.segments:
            at = s["link"] - self.base
            if at < 0 or at + s["vmsize"] > self.size:
                raise Refused("link.address")
            for t in self.segments:
                if t is not s and s["link"] < t["link"] + t["vmsize"] and \
                        t["link"] < s["link"] + s["vmsize"]:
                    raise Refused("link.address")
        for s in self.sections:
            segment = s["segment"]
            s["link"] = up(segment["link"] - segment["addr"] + s["addr"], 1 << s["align"])
        self.place_symbols()

    def patch(self):
        for s in self.k.syms:
            if s.is_smcp and s.local:
                for name in ("__ZTV" + s.cls, "__ZTVN" + s.cls + "9MetaClassE"):
                    if name not in self.names:
                        raise Refused("link.vtable")

    def split_payload(self):
        return self.f.split_info


def link(kext, deps, base, slides=False, page=None, allow_missing=False, split=None):
    file = File(kext)
    kind = ObjectLink if file.filetype == 1 else \
        SplitLink if split and split.get("__TEXT_EXEC") else Link
    return kind(kext, deps, base, slides, page, allow_missing, split)
