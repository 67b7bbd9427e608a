"""
Builds the three collections of a system, which lead into each other, and checks kexts that
mkextunpack took out of the auxiliary one.

    three_collections.py build CPU FOLDER OBJECT...          FOLDER/boot.kc, system.kc, aux.kc
    three_collections.py check HOW CPU FOLDER JSON OBJECT... HOW: given, or alone

The last two objects are kexts of the system and of the auxiliary collection, all others of the
boot collection.
"""
import json
import os
import sys

import prelinked
from macho import File

WANTS = ["_BootKCID", "_PageableKCID"]


class Elsewhere:
    """A place in another collection, as the home of a pointer's target."""

    def __init__(self, level, address):
        self.level, self.address = level, address


def lead(kext, number, level, address):
    """Makes pointer `number` of a kext lead elsewhere."""
    here, at, _, _ = kext.pointers[number]
    kext.pointers[number] = (here, at, Elsewhere(level, address), 0)


def build(cpu, objects):
    """The three files, and the auxiliary kext with what it points to."""
    kexts = [prelinked.Kext(path, split=cpu == "arm64") for path in objects]
    for kext in kexts:
        kext.cpu = cpu
    levels = [kexts[:-2], kexts[-2:-1], kexts[-1:]]
    bases, files = {}, []
    for level, mine in enumerate(levels):
        kext = mine[0]
        if level:
            lead(kext, 0, 0, levels[0][0].kmod_info)
        if level == 2:
            lead(kext, 1, 0, levels[0][1].kmod_info + 8)
            lead(kext, 3, 1, levels[1][0].kmod_info)
        files.append(prelinked.build_collection(
            cpu, mine, level, bases=bases, wants=[(WANTS[i], i) for i in range(level)]))
    return files, kexts[-1], bases


def check(how, cpu, kext, bases, folder, listing):
    elsewhere = []
    for number, (here, at, home, target) in enumerate(kext.pointers):
        known = how == "given" or cpu == "x86_64" and getattr(home, "level", 0) == 0
        if not hasattr(home, "level") or known:
            continue
        offset = home.address - bases[home.level]
        elsewhere.append({"address": "0x%x" % (here.address + at), "offset": "0x%x" % offset,
                          "collection": ("boot", "system")[home.level]})
        kext.pointers[number] = (here, at, Elsewhere(home.level, offset), target)
    prelinked.check_kext(kext, folder)
    row = next(k for k in listing["kexts"] if k["identifier"] == kext.identifier)
    elsewhere.sort(key=lambda e: int(e["address"], 16))
    assert row.get("pointers_elsewhere", []) == elsewhere, (row, elsewhere)
    assert listing["collection"] == "auxiliary" and listing["schema"] == "mkextunpack/1"
    assert elsewhere or how == "given"


def main():
    action, *rest = sys.argv[1:]
    if action == "build":
        cpu, folder, *objects = rest
        for name, data in zip(("boot", "system", "aux"), build(cpu, objects)[0]):
            open(os.path.join(folder, name + ".kc"), "wb").write(data)
        return
    how, cpu, folder, listing, *objects = rest
    _, kext, bases = build(cpu, objects)
    check(how, cpu, kext, bases, folder, json.load(open(listing)))
    print("as expected")


if __name__ == "__main__":
    main()
