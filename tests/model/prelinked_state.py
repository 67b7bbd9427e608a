"""
Builds prelinked kernels as Mac OS X 10.6 had them: kexts without symbols, which stand in link
states instead; and checks what mkextunpack makes of them.

    prelinked_state.py build CPU FILE OBJECT...
    prelinked_state.py check CPU FOLDER OBJECT...
"""
import os
import struct
import sys

from macho import File
from prelinked import BASE, Image, Kext, Section, info, info_piece, pseudo, root, up, \
    whole_kext

PAGE = 0x1000
OBSOLETE = "_stop"  # this one's flag says so
ABSOLUTE = ("_elsewhere", 0x1234)


def exported(kext):
    return [(name, home.address + at) for name, kind, home, at in kext.symbols if kind & 1] + \
        [ABSOLUTE]


def state(kext, cpu):
    """Header, a vtable without entries, symbols, strings."""
    number = 0x01000007 if cpu == "x86_64" else 7
    symbols, strings = exported(kext), bytearray()
    each = 16 if kext.width == 8 else 12
    pool = 40 + 12 + each * len(symbols)
    rows = b""
    for name, value in symbols:
        rows += kext.word(value) + struct.pack("<II", pool + len(strings), name == OBSOLETE)
        strings += name.encode() + b"\0"
    magic = 0xCAFEF00D if kext.width == 8 else 0xF00DD00D
    head = struct.pack("<10I", magic, 1, number, 3, 0, 40, 1, 40, len(symbols), 52)
    return head + struct.pack("<3I", pool, 52, 0) + rows + strings


def build(cpu, kexts):
    image = Image(cpu, PAGE)
    base = BASE[cpu]
    image.add("__TEXT", base, bytes(PAGE))
    source = first = base + 16 * PAGE
    load = base + PAGE - 0x80000000 if cpu == "x86_64" else source
    text, rows, states, places = b"", [pseudo(False)], b"", []
    for kext in kexts:
        data = whole_kext(kext, cpu, load, PAGE, bare=True)
        places.append((kext, load, source, len(data), len(states)))
        states += state(kext, cpu)
        text += data
        load += len(data)
        source += len(data)
    at = up(source, PAGE)
    kernel = b"\x77" * 24
    for kext, load, source_, size, offset in places:
        length = len(state(kext, cpu))
        rows.append(info(kext, {
            "_PrelinkExecutableLoadAddr": load, "_PrelinkExecutableSourceAddr": source_,
            "_PrelinkExecutableSize": size, "_PrelinkKmodInfo": kext.kmod_info,
            "_PrelinkLinkState": at + len(kernel) + offset, "_PrelinkLinkStateSize": length}))
    for name, address, pieces in (("__PRELINK_TEXT", first, [("__text", text)]),
                                  ("__PRELINK_STATE", at,
                                   [("__kernel", kernel), ("__kexts", states)])):
        sections, data = [], b""
        for section, content in pieces:
            s = Section(name, section, content, len(content), 0, 0)
            s.address = address + len(data)
            sections.append(s)
            data += content
        image.add(name, address, data, sections)
    info_piece(image, up(at + len(kernel) + len(states), PAGE), root(rows))
    return image.build(2, [], kexts[0].order, kexts[0].width)


def check_kext(kext, folder):
    bundle = os.path.join(folder, kext.path.replace("/System/Library/Extensions/", ""))
    file = File(open(os.path.join(bundle, "Contents/MacOS", kext.name), "rb").read())
    assert [s["name"] for s in file.segments] == kext.segments() + ["__LINKEDIT"]
    last = file.segments[-1]
    assert last["off"] + last["fsize"] == len(file.data)
    assert last["addr"] >= max(s["addr"] + s["size"] for s in file.segments[:-1])
    ordinals = {h.address + at: kext.ordinal(h) for _, _, h, at in kext.symbols}
    wanted = [(name, 0xF if name != ABSOLUTE[0] else 3, ordinals.get(value, 0),
               0x20 * (name == OBSOLETE), value) for name, value in exported(kext)]
    have = [(y["name"], y["type"], y["sect"], y["desc"], y["value"]) for y in file.symbols]
    assert have == wanted, (have, wanted)
    for s, want in zip(file.sections, [s for n in kext.segments() for s in kext.of(n)]):
        assert (s["name"], s["addr"], s["size"]) == (want.name, want.address, want.size)
        assert want.zerofill or file.data[s["off"]:s["off"] + s["size"]] == kext.content(want)


def main():
    action, cpu, place, *objects = sys.argv[1:]
    kexts = [Kext(path, split=False) for path in objects]
    for kext in kexts:
        kext.cpu = cpu
    data = build(cpu, kexts)
    if action == "build":
        open(place, "wb").write(data)
        return
    for kext in kexts:
        check_kext(kext, place)
    print("%d kexts as expected" % len(kexts))


if __name__ == "__main__":
    main()
