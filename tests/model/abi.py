#!/usr/bin/env python3
"""Compares mach_kernel with the tables of the binary interface (tests/golden/abi-*.tsv): each vtable
slot by slot, its closing zero word, every exported symbol's presence, one name per address. Prints
`ok NAME` or `not ok NAME` lines. Reads Mach-O by itself.

    abi.py MACH_KERNEL GOLDEN
"""
import pathlib
import struct
import sys

TRAPS, VTABLES = 0x200004000000, 0x20000F000000


def rows(path):
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            yield line.split("\t")


def read(path):
    """The symbols by name, and a function that reads a word at an address."""
    data = pathlib.Path(path).read_bytes()
    assert struct.unpack_from("<I", data)[0] == 0xFEEDFACF
    symbols, segments, at = {}, [], 32
    for _ in range(struct.unpack_from("<I", data, 16)[0]):
        command, size = struct.unpack_from("<II", data, at)
        if command == 0x19:
            segments.append(struct.unpack_from("<QQQQ", data, at + 24))
        elif command == 2:
            table, count, strings, _ = struct.unpack_from("<IIII", data, at + 8)
            for i in range(count):
                name, value = struct.unpack_from("<I4xQ", data, table + 16 * i)
                end = data.index(b"\0", strings + name)
                symbols[data[strings + name:end].decode()] = value
        at += size

    def word(address):
        for start, _, offset, file_size in segments:
            if start <= address < start + file_size:
                return struct.unpack_from("<Q", data, offset + address - start)[0]
        raise SystemExit(f"not ok abi.vtables: no bytes at {address:#x}")

    return symbols, word


def expected_slots(golden):
    """Class → list of symbols, with what is inherited filled in."""
    bases = {row[0]: (row[1], int(row[3])) for row in rows(golden / "abi-classes.tsv")}
    own = {}
    for name, slot, symbol in rows(golden / "abi-vtables.tsv"):
        own.setdefault(name, {})[int(slot)] = symbol

    def slots(name):
        base, count = bases[name]
        inherited = slots(base) if base in bases else []
        return [own.get(name, {}).get(i) or inherited[i] for i in range(count)]

    return {name: slots(name) for name in bases}


def main():
    kernel, golden = sys.argv[1], pathlib.Path(sys.argv[2])
    symbols, word = read(kernel)
    by_address, failed = {}, False
    for name, address in symbols.items():
        by_address.setdefault(address, []).append(name)

    def result(name, problems):
        nonlocal failed
        failed = failed or bool(problems)
        print("not ok" if problems else "ok", name, *problems[:5])

    for name, slots in sorted(expected_slots(golden).items()):
        start = symbols[f"__ZTV{len(name)}{name}"]
        problems = [f"header {word(start + 8 * i):#x}" for i in (0, 1) if word(start + 8 * i)]
        for i, symbol in enumerate(slots):
            found = by_address.get(word(start + 16 + 8 * i), ["none"])
            if found != [symbol]:
                problems.append(f"slot {i}: {found}, not {symbol}")
        if word(start + 16 + 8 * len(slots)):
            problems.append("no zero word at the end")
        result(f"abi.vtable_{name}", problems)
    wanted = {row[0] for row in rows(golden / "abi-symbols.tsv")}
    result("abi.symbols", sorted(s for s in wanted
                                 if s not in symbols or TRAPS <= symbols[s] < VTABLES))
    result("abi.one_name_per_address", [str(names) for address, names in by_address.items()
                                        if len(names) > 1 and any("__Z" in n for n in names)])
    sys.exit(failed)


main()
