"""Judges a prelinked kernel for x86_64 without the C code: reads the file with a reader of its
own, links every kext again with the model of the kext linker and compares all bytes, so that
each relocated word is checked, and recomputes what the information dictionary states.

    prelink.py FILE KERNEL EXTENSIONS [--volume ROOT] [--all-personalities] [--stripped]
               [--form none|lzss|lzvn]

Prints the identifiers in their order, a line for each slice."""
import argparse
import hashlib
import os
import plistlib
import struct
import sys
import xml.etree.ElementTree as ET
import zlib
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kxld import Link  # noqa: E402
from macho import File, I386, X86_64, up  # noqa: E402


def lzss(data, size):
    ring, at, out, i = bytearray(b" " * 4096), 4078, bytearray(), 0
    while len(out) < size:
        flags, i = data[i] | 0x100, i + 1
        while flags > 1 and len(out) < size:
            if flags & 1:
                run, i = data[i:i + 1], i + 1
                for byte in run:
                    out.append(byte)
                    ring[at], at = byte, (at + 1) & 4095
            else:
                low, high = data[i], data[i + 1]
                i += 2
                place = low | (high & 0xF0) << 4
                for k in range((high & 15) + 3):
                    byte = ring[(place + k) & 4095]
                    out.append(byte)
                    ring[at], at = byte, (at + 1) & 4095
            flags >>= 1
    assert i == len(data) and len(out) == size, "the stream has another size"
    return bytes(out)


def lzvn(data, size):
    """An opcode gives literals, then a match; 06 ends it."""
    out, i, distance = bytearray(), 0, 0
    while data[i] != 6:
        op, i = data[i], i + 1
        literals, match = op >> 6, (op >> 3 & 7) + 3
        if op >> 5 == 5:
            word, i = data[i] | data[i + 1] << 8, i + 2
            literals, match, distance = op >> 3 & 3, ((op & 7) << 2 | word & 3) + 3, word >> 2
        elif op >= 0xE0:
            count = op & 15
            if not count:
                count, i = data[i] + 16, i + 1
            literals, match = (count, 0) if op < 0xF0 else (0, count)
        elif op in (0x0E, 0x16):
            continue
        else:
            assert op & 0xF0 not in (0x70, 0xD0), "undefined opcode"
            if op & 7 == 7:
                distance, i = data[i] | data[i + 1] << 8, i + 2
            elif op & 7 < 6:
                distance, i = (op & 7) << 8 | data[i], i + 1
            else:
                assert literals, "undefined opcode"
        out += data[i:i + literals]
        i += literals
        assert not match or 0 < distance <= len(out)
        for _ in range(match):
            out.append(out[-distance])
    assert i + 8 == len(data) and len(out) == size, "the stream has another size"
    return bytes(out)


def slices(data):
    """Every output is fat: packed behind the header, without alignment."""
    magic, count = struct.unpack_from(">2I", data)
    assert magic == 0xCAFEBABE
    end = 8 + 20 * count
    for i in range(count):
        cpu, sub, offset, size, align = struct.unpack_from(">5I", data, 8 + 20 * i)
        assert offset == end and align == 0
        end += size
        yield cpu, sub, data[offset:offset + size]
    assert end == len(data)


def unwrap(data):
    if data[:4] != b"comp":
        return data, None
    codec, adler, full, packed, version = struct.unpack_from(">4s4I", data, 4)
    assert version == 1 and not any(data[24:384]) and len(data) == 384 + packed
    plain = {b"lzss": lzss, b"lzvn": lzvn}[codec](data[384:], full)
    assert zlib.adler32(plain) == adler
    return plain, codec.decode()


def value_of(element, seen):
    """The kernel's dialect: ID and IDREF on any element, integers in hexadecimal."""
    if "IDREF" in element.attrib:
        return seen[element.get("IDREF")]
    kind, text = element.tag, element.text or ""
    if kind == "dict":
        items = list(element)
        value = {}
        for key, item in zip(items[::2], items[1::2]):
            assert key.tag == "key"
            value[key.text] = value_of(item, seen)
    elif kind == "array":
        value = [value_of(item, seen) for item in element]
    elif kind == "integer":
        value = int(text, 0)
    elif kind == "data":
        import base64
        value = base64.b64decode(text)
    else:
        value = {"string": text, "true": True, "false": False}[kind]
    if "ID" in element.attrib:
        seen[element.get("ID")] = value
    return value


def segment(f, name):
    return next(s for s in f.segments if s["name"] == name)


def thin(data, cpu):
    """The slice of a fat file; None when it has no such one."""
    if data[:4] != b"\xca\xfe\xba\xbe":
        return data if File(data).cpu == cpu else None
    for i in range(struct.unpack_from(">I", data, 4)[0]):
        kind, _, offset, size, _ = struct.unpack_from(">5I", data, 8 + 20 * i)
        if kind == cpu:
            return data[offset:offset + size]
    return None


def commands(image):
    """Offset, type and size of each load command."""
    at = 32 if File(image).w == 8 else 28
    for _ in range(struct.unpack_from("<I", image, 16)[0]):
        kind, size = struct.unpack_from("<2I", image, at)
        yield at, kind, size
        at += size


def check_kernel(made, kernel):
    """The kernel is as it was but for the addresses of the two segments and their sections."""
    f, k = File(made), File(kernel)
    head, section, fields = (72, 80, 20) if k.w == 8 else (56, 68, 12)
    same = bytearray(made[:len(kernel)])
    for at, kind, size in commands(kernel):
        name = kernel[at + 8:at + 24].rstrip(b"\0")
        if kind in (1, 0x19) and name in (b"__PRELINK_TEXT", b"__PRELINK_INFO"):
            same[at + 24:at + 24 + 4 * k.w] = kernel[at + 24:at + 24 + 4 * k.w]
            for s in range(at + head, at + size, section):
                same[s + 32:s + 32 + fields] = kernel[s + 32:s + 32 + fields]
    assert same == kernel, "the kernel itself was changed"
    text, info = segment(f, "__PRELINK_TEXT"), segment(f, "__PRELINK_INFO")
    assert text["off"] == up(len(kernel), 0x1000) and info["off"] == text["off"] + text["fsize"]
    top = max(s["addr"] + s["size"] for s in k.segments)
    assert text["addr"] == up(top, 0x1000) and info["addr"] == text["addr"] + text["size"]
    assert len(made) == info["off"] + info["fsize"]
    for s in (text, info):
        assert s["size"] == s["fsize"] == up(s["sections"][0]["size"], 0x1000)
        assert s["sections"][0]["addr"] == s["addr"] and s["sections"][0]["off"] == s["off"]
    return f, k, text, info


def strip(image, kmod_info):
    """Exported symbols only, slide information moved up, __LINKEDIT and kmod_info shorter."""
    f, out = File(image), bytearray(image)
    table, names, linkedit = b"", b"\0", segment(f, "__LINKEDIT")
    kept = [s for s in f.symbols if s["type"] & 1 and not s["type"] & 0xF0]
    for s in kept:
        table += struct.pack("<IBBH" + ("Q" if f.w == 8 else "I"), len(names), s["type"], s["sect"],
                             s["desc"], s["value"])
        names += s["name"].encode() + b"\0"
    slides = b"".join(struct.pack("<2I", r.address, r.symbol | r.length << 25 | r.type << 28)
                      for r in f.locals)
    base, at = linkedit["off"], up(len(table) + len(names), 8)
    room = up(at + len(slides), 0x1000)
    out[base:] = (table + names).ljust(at, b"\0") + slides.ljust(room - at, b"\0")
    for at_, kind, _ in commands(image):
        if kind in (1, 0x19) and image[at_ + 8:at_ + 19] == b"__LINKEDIT\0":
            for word in (1, 3):
                out[at_ + 24 + word * f.w:at_ + 24 + word * f.w + f.w] = room.to_bytes(f.w, "little")
        elif kind == 2:
            out[at_ + 8:at_ + 24] = struct.pack("<4I", base, len(kept), base + len(table), len(names))
        elif kind == 0xB:
            out[at_ + 72:at_ + 76] = struct.pack("<I", base + at)
    size = kmod_info + (164 if f.w == 8 else 152)
    out[size:size + f.w] = len(out).to_bytes(f.w, "little")
    return bytes(out)


def read_info(made, info):
    section = info["sections"][0]
    text = made[section["off"]:section["off"] + section["size"]]
    assert text[-1] == 0 and text.count(0) == 1 and text.startswith(b"<dict")
    return value_of(ET.fromstring(text[:-1].decode()), {})


def bundles(folder):
    found = {}
    for path, names, files in os.walk(folder):
        if "Info.plist" in files:
            with open(os.path.join(path, "Info.plist"), "rb") as file:
                info = plistlib.load(file)
            bundle = os.path.realpath(os.path.dirname(path))
            found[info["CFBundleIdentifier"]] = (bundle, info)
    return found


def expected_info(info, keeps):
    early = info.get("OSBundleRequired") in ("Root", "Local-Root", "Network-Root", "Console")
    return {k: v for k, v in info.items()
            if keeps or early or not k.startswith("IOKitPersonalities")}


def closure(identifier, found):
    """Direct libraries in their order, then what those need."""
    direct = list(found[identifier][1].get("OSBundleLibraries", {}))
    rest = []
    todo = list(direct)
    while todo:
        for name in found[todo.pop(0)][1].get("OSBundleLibraries", {}):
            if name not in direct and name not in rest:
                rest.append(name)
                todo.append(name)
    return direct, rest


class Judge:
    """One slice."""

    def __init__(self, made, kernel, extensions, options):
        self.made, self.kernel, self.options = made, kernel, options
        self.f, self.k, self.text, self.info = check_kernel(made, kernel)
        self.root = read_info(made, self.info)
        self.found = bundles(extensions)
        end = segment(self.k, "__TEXT")["addr"] + segment(self.k, "__TEXT")["size"]
        self.is_64 = self.k.w == 8
        self.base = up(end, 0x1000) - 0x80000000 if self.is_64 else self.text["addr"]
        self.sum = hashlib.sha256(self.k.uuid)
        self.images, self.order, self.spans = {}, [], []

    def executable(self, name):
        bundle, plist = self.found[name]
        with open(os.path.join(bundle, "Contents/MacOS", plist["CFBundleExecutable"]), "rb") as file:
            return thin(file.read(), self.k.cpu)

    def plist(self, entry, name):
        bundle, plist = self.found[name]
        plain = {key: v for key, v in entry.items() if not key.startswith("_Prelink")}
        assert plain == expected_info(plist, self.options.keeps), name
        volume = self.options.volume
        stored = bundle[len(volume):] if volume else bundle
        assert entry["_PrelinkBundlePath"] == stored, entry["_PrelinkBundlePath"]
        for library in plist.get("OSBundleLibraries", {}):
            assert library in self.order, "%s comes before %s" % (name, library)

    def dependencies(self, name):
        direct, rest = closure(name, self.found)
        for library in direct + rest:
            if self.found[library][1].get("OSKernelResource"):
                yield self.kernel, self.executable(library), library in direct
            else:
                yield self.images[library], None, library in direct

    def linked(self, entry, name, executable, image):
        """Every byte is the model's, that is every relocated word, too."""
        load = entry["_PrelinkExecutableLoadAddr"]
        model = Link(executable, list(self.dependencies(name)), load, True)
        assert model.kmod_info == entry["_PrelinkKmodInfo"]
        at = model.kmod_info - load
        self.images[name] = bytes(model.out)
        wanted = strip(model.out, at) if self.options.stripped else bytes(model.out)
        assert wanted == image, "%s is linked otherwise" % name
        stamps = struct.unpack_from("<3Q", image, at + 156) if self.is_64 else \
            struct.unpack_from("<3I", image, at + 148)
        assert stamps[0] == load and stamps[1] == len(image), "kmod_info is not stamped"
        slid = File(image)
        assert all(r.type == 0 and r.length == 3 and not r.pcrel and not r.extern for r in slid.locals)
        assert bool(slid.locals) == self.is_64, "slide information"

    def code(self, entry, name):
        plist = self.found[name][1]
        relative = "Contents/MacOS/" + plist["CFBundleExecutable"]
        assert entry["_PrelinkExecutableRelativePath"] == relative
        executable = self.executable(name)
        load, source, size = (entry["_PrelinkExecutable" + x] for x in ("LoadAddr", "SourceAddr", "Size"))
        offset = source - self.text["addr"]
        assert load % 0x1000 == source % 0x1000 == size % 0x1000 == 0
        assert load >= self.base and 0 <= offset <= self.text["size"] - size
        offset += self.text["off"]
        image = self.made[offset:offset + size]
        if plist.get("OSKernelResource"):
            assert image.rstrip(b"\0") == executable.rstrip(b"\0"), "the KPI's list is another"
            assert entry["_PrelinkKmodInfo"] == 0
        else:
            self.linked(entry, name, executable, image)
        self.spans.append((source, load, size))
        self.sum.update(struct.pack("<Q", load) + File(executable).uuid)

    def layout(self):
        """Back to back in the order of load addresses, which are the same places 2 GiB off."""
        at, load_end = self.text["addr"], self.base
        loose = self.options.stripped and not self.is_64
        for source, load, size in sorted(self.spans):
            assert source == at or (loose and source > at), "a hole or an overlap at %#x" % source
            assert load >= load_end, "load addresses overlap at %#x" % load
            if not self.options.stripped or not self.is_64:
                assert source - self.text["addr"] == load - self.base
            at, load_end = source + size, load + size
        assert at == self.text["addr"] + self.text["size"]

    def run(self):
        for entry in self.root["_PrelinkInfoDictionary"]:
            name = entry["CFBundleIdentifier"]
            self.plist(entry, name)
            self.order.append(name)
            if "CFBundleExecutable" in self.found[name][1]:
                self.code(entry, name)
            else:
                assert not any(key.startswith("_PrelinkExecutable") for key in entry)
        self.layout()
        assert self.root["_PrelinkKCID"] == self.sum.digest()[:16]
        print(" ".join(self.order))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def check(options):
    kernel = read(options.kernel)
    for cpu, sub, slice_ in slices(read(options.file)):
        assert cpu in (X86_64, I386) and sub == 3
        made, codec = unwrap(slice_)
        if options.form:
            assert options.form == (codec or "none"), codec
        Judge(made, thin(kernel, cpu), options.extensions, options).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for word in ("file", "kernel", "extensions"):
        parser.add_argument(word)
    parser.add_argument("--volume")
    parser.add_argument("--form")
    parser.add_argument("--all-personalities", action="store_true", dest="keeps")
    parser.add_argument("--stripped", action="store_true")
    check(parser.parse_args())
