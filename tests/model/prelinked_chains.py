"""
Pointers of collections and of arm64e kernels as links of chains: written from the formats, apart
from the code under test. An image is one of prelinked.py, a list of pieces; kexts have their
addresses. A pointer's target can be in another collection: its home then has a `level`.
"""
import struct

from macho import up

SIGNATURE = 0xBEEF | 1 << 16 | 2 << 17  # diversity 16, address diversity 1, key 2
# Of the arm64e formats: bytes that distances count in, whether plain targets are offsets.
ARM64E = {1: (8, False), 7: (4, True), 9: (8, True), 10: (4, False), 12: (8, True)}
NO_LINK = 0xFFFF


def stride(form):
    return ARM64E[form][0] if form in ARM64E else 1 if form == 11 else 4


def collection_link(form, level, offset, distance):
    """target 30, level 2, signature 19, next 12, signed 1; on arm64 some are signed."""
    signed = form == 8 and offset % 16 == 0
    assert offset < 1 << 30 and distance % stride(form) == 0
    return (offset | level << 30 | SIGNATURE * signed << 32 | distance // stride(form) << 51 |
            signed << 63)


def arm64e_link(form, header, address, distance):
    """Plain: target 43, top byte 8; signed: target 32, signature 19; next 11, bound 1, signed 1."""
    count = distance // stride(form)
    assert distance % stride(form) == 0 and count < 1 << 11
    if address % 16 == 0:
        assert 0 <= address - header < 1 << 32
        return address - header | SIGNATURE << 32 | count << 51 | 1 << 63
    if ARM64E[form][1]:
        return address - header | count << 51
    return address & (1 << 43) - 1 | address >> 56 << 43 | count << 51


def make_link(form, header, bases, level, address, distance):
    if form in ARM64E:
        return arm64e_link(form, header, address, distance)
    if form == 2:  # target 36, top byte 8, 7 unused, next 12
        raise ValueError("kernels lie too high for it")
    if form == 6:
        return address - header | distance // 4 << 51
    return collection_link(form, level, address - bases[level], distance)


def put(image, address, word):
    data, begin = next((p[2], p[1]) for p in image.pieces if p[1] <= address < p[1] + len(p[2]))
    data[address - begin:address - begin + 8] = struct.pack("<Q", word)


def targets(image, kexts, own, form):
    """{address: (level, target)} of what can be a link; the rest is written as it is."""
    places = {}
    for kext in kexts:
        for here, at, home, target in kext.pointers:
            address = here.address + at
            if address % stride(form) and form != 11:
                put(image, address, home.address + target)
            else:
                places[address] = getattr(home, "level", own), home.address + target
    return places


def record(form, image, header, bases, places, address, data, page):
    """The record of the bytes `data`, which are at an address and get their links; b"": none."""
    mine = sorted(a for a in places if address <= a < address + len(data))
    pages, starts = up(len(data), page) // page, []
    if not mine:
        return b""
    for number in range(pages):
        begin = address + number * page
        here = [a for a in mine if begin <= a < begin + page]
        starts.append(here[0] - begin if here else NO_LINK)
        for a, following in zip(here, here[1:] + [None]):
            put(image, a, make_link(form, header, bases, *places[a],
                                    following - a if following else 0))
    out = struct.pack("<IHHQIH", 22 + 2 * pages, page, form, address - header & (1 << 64) - 1, 0,
                      pages) + struct.pack("<%dH" % pages, *starts)
    return out + b"\0" * (-len(out) % 8)


def payload(records):
    table, out = [], b""
    for r in records:
        table.append(4 + 4 * len(records) + len(out) if r else 0)
        out += r
    head = struct.pack("<7I", 0, 32, 0, 0, 0, 1, 0) + b"\0" * 4
    return head + struct.pack("<%dI" % (1 + len(table)), len(table), *table) + out


def chains(form, image, kexts, bases, level, page):
    """Writes the links of all kexts into the image; the table of the whole file."""
    places = targets(image, kexts, level, form)
    header = next(p[1] for p in image.pieces if p[0] == "__TEXT")
    records = [record(form, image, header, bases, places, p[1], p[2], page)
               for p in image.pieces]
    return payload(records + [b""])


def own_chains(form, image, kexts, bases, level, page, offset):
    """Tables of the images one after the other, to be put at a file offset: each gets a load
    command for its own, and segments count from its own header."""
    out = b""
    for kext in kexts:
        places = targets(image, [kext], level, form)
        header = kext.addresses["__TEXT"]
        records = []
        for name in kext.segments():
            size = kext.size_of(name, page)[1]
            records.append(record(form, image, header, bases, places, kext.addresses[name],
                                  bytes(size), page))
        table = payload(records + [b""])
        piece = next(p for p in image.pieces if p[1] <= header < p[1] + len(p[2]))
        data, at = piece[2], header - piece[1]
        count, size = struct.unpack_from("<II", data, at + 16)
        struct.pack_into("<II", data, at + 16, count + 1, size + 16)
        struct.pack_into("<4I", data, at + 32 + size, 0x80000034, 16, offset + len(out),
                         len(table))
        out += table + b"\0" * (-len(table) % 8)
    return out


def thread_section(image, kexts, header, size=0x1000):
    """A thread for each kext, through all its pages; as distances in fours."""
    words = [0]
    for kext in kexts:
        places = targets(image, [kext], 0, 10)
        order = sorted(places)
        words.append(order[0] - header)
        for a, following in zip(order, order[1:] + [None]):
            distance = following - a if following else 0
            if distance >= 4 << 11:  # too far: a thread of its own
                words.append(following - header)
                distance = 0
            put(image, a, arm64e_link(10, header, places[a][1], distance))
    words.append(0xFFFFFFFF)
    return struct.pack("<%dI" % len(words), *words).ljust(size, b"\x7f")
