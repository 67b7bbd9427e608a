"""Judges a prelinked kernel for x86_64 without the C code: reads the file with a reader of its
own, links every kext again with the model of the kext linker and compares all bytes, so that
each relocated word is checked, and recomputes what the information dictionary states.

    prelink.py FILE KERNEL EXTENSIONS [--volume ROOT] [--all-personalities]
               [--form none|lzss|lzvn]"""
import hashlib
import os
import plistlib
import struct
import sys
import xml.etree.ElementTree as ET
import zlib
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kxld import Link  # noqa: E402
from macho import File, X86_64, up  # noqa: E402


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


def check_kernel(made, kernel):
    """The kernel is as it was but for the addresses of the two segments and their sections."""
    f, k = File(made), File(kernel)
    same = bytearray(made[:len(kernel)])
    at = 32
    for _ in range(struct.unpack_from("<I", kernel, 16)[0]):
        command, size = struct.unpack_from("<2I", kernel, at)
        name = kernel[at + 8:at + 24].rstrip(b"\0")
        if command == 0x19 and name in (b"__PRELINK_TEXT", b"__PRELINK_INFO"):
            same[at + 24:at + 56] = kernel[at + 24:at + 56]
            for s in range(at + 72, at + size, 80):
                same[s + 32:s + 52] = kernel[s + 32:s + 52]
        at += size
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


def check(path, kernel_path, extensions, volume=None, keeps=False, form=None):
    with open(path, "rb") as file:
        data = file.read()
    with open(kernel_path, "rb") as file:
        kernel = file.read()
    (cpu, sub, slice_), = slices(data)
    assert (cpu, sub) == (X86_64, 3)
    made, codec = unwrap(slice_)
    if form is not None:
        assert form == (codec or "none"), codec
    f, k, text, info = check_kernel(made, kernel)
    root = read_info(made, info)
    found = bundles(extensions)
    base = up(segment(k, "__TEXT")["addr"] + segment(k, "__TEXT")["size"], 0x1000) - 0x80000000
    sum_ = hashlib.sha256(k.uuid)
    images, at, order = {}, base, []
    for entry in root["_PrelinkInfoDictionary"]:
        name = entry["CFBundleIdentifier"]
        bundle, plist = found[name]
        plain = {key: v for key, v in entry.items() if not key.startswith("_Prelink")}
        assert plain == expected_info(plist, keeps), name
        stored = bundle[len(volume):] if volume else bundle
        assert entry["_PrelinkBundlePath"] == stored, entry["_PrelinkBundlePath"]
        for library in plist.get("OSBundleLibraries", {}):
            assert library in order, "%s comes before %s" % (name, library)
        order.append(name)
        if "CFBundleExecutable" not in plist:
            assert not any(key.startswith("_PrelinkExecutable") for key in entry)
            continue
        relative = "Contents/MacOS/" + plist["CFBundleExecutable"]
        assert entry["_PrelinkExecutableRelativePath"] == relative
        with open(os.path.join(bundle, relative), "rb") as file:
            executable = file.read()
        load, source, size = (entry["_PrelinkExecutable" + x] for x in ("LoadAddr", "SourceAddr", "Size"))
        assert source - text["addr"] == load - base and load % 0x1000 == size % 0x1000 == 0
        offset = source - text["addr"] + text["off"]
        assert source + size <= text["addr"] + text["size"]
        image = made[offset:offset + size]
        if plist.get("OSKernelResource"):
            assert image.rstrip(b"\0") == executable.rstrip(b"\0"), "the KPI's list is another"
            assert entry["_PrelinkKmodInfo"] == 0
        else:
            direct, rest = closure(name, found)
            deps = []
            for library in direct + rest:
                if found[library][1].get("OSKernelResource"):
                    with open(os.path.join(found[library][0], "Contents/MacOS",
                                           found[library][1]["CFBundleExecutable"]), "rb") as file:
                        deps.append((kernel, file.read(), library in direct))
                else:
                    deps.append((images[library], None, library in direct))
            model = Link(executable, deps, load, True)
            assert bytes(model.out) == image, "%s is linked otherwise" % name
            assert model.kmod_info == entry["_PrelinkKmodInfo"]
            at_ = model.kmod_info - load
            address, total, header = struct.unpack_from("<3Q", image, at_ + 156)
            assert address == load and total == size, "kmod_info is not stamped"
            slid = File(image)
            assert slid.locals and all(r.type == 0 and r.length == 3 and not r.pcrel and not r.extern
                                       for r in slid.locals), "no slide information"
            images[name] = image
        sum_.update(struct.pack("<Q", load) + File(executable).uuid)
        at = max(at, load + size)
    spans = sorted((e["_PrelinkExecutableLoadAddr"], e["_PrelinkExecutableSize"])
                   for e in root["_PrelinkInfoDictionary"] if "_PrelinkExecutableSize" in e)
    end = base
    for load, size in spans:
        assert load == end, "a hole or an overlap at %#x" % load
        end += size
    assert end - base == text["size"]
    assert root["_PrelinkKCID"] == sum_.digest()[:16]
    print(" ".join(order))


if __name__ == "__main__":
    options = sys.argv[4:]

    def option(name):
        return options[options.index(name) + 1] if name in options else None
    check(*sys.argv[1:4], option("--volume"), "--all-personalities" in options, option("--form"))
