"""
Builds prelinked kernels as Mac OS X 10.4 and 10.5 had them, for i386 and ppc, and checks what
mkextunpack makes of them: written from the format, apart from the code under test.

    prelinked_tiger.py objects FOLDER              object files for ppc, which clang no longer makes
    prelinked_tiger.py build HOW CPU FILE OBJECT...
    prelinked_tiger.py check HOW CPU FOLDER OBJECT...

HOW: noted, or silent when the kexts' kmod_infos do not say where they lie.
"""
import os
import plistlib
import struct
import sys

import kit
import prelinked
from macho import PPC, File, up
from prelinked import PROTECTION, Image, header, segment_command

PAGE = 0x1000
ADDRESS, SIZE, HEADER_SIZE = 148, 152, 156  # in a kmod_info


def write_objects(folder):
    """What kit's object files and a kmod_info make of each name."""
    for name in ("Alpha", "Alpha+Inner", "Beta"):
        k = kit.ObjectKext(PPC, kmod=False)
        k.function("_start", private=True)
        k.function("_stop")
        text = ("com.example." + name.split("+")[-1]).encode().ljust(64, b"\0")
        info = struct.pack(">3I", 0, 1, 0xFFFFFFFF) + text + b"1.2.3".ljust(64, b"\0")
        at = k.append(kit.DATA, info + bytes(28), 4)
        k.symbol("_kmod_info", kit.N_SECT | kit.N_EXT, kit.DATA, offset=at)
        k.references += [(kit.DATA, at + 160, "_start", 0), (kit.DATA, at + 164, "_stop", 0)]
        k.data("_counter", struct.pack(">I", 3))
        k.pointer("_counter", kit.CONST)
        k.append(kit.BSS, bytes(3 * PAGE))
        with open(os.path.join(folder, name + ".o"), "wb") as file:
            file.write(k.build())


class Kext(prelinked.Kext):
    header_room = 0  # of __TEXT: the header has a page of its own, before it

    def put(self, how, load):
        """Gives the kext its place: a page with the header, then its segments."""
        addresses, at = {}, load + PAGE
        for name in self.segments():
            addresses[name] = at
            at += self.size_of(name, PAGE)[0]
        self.place(addresses)
        self.load, self.size = load, at - load
        home = next(h for name, _, h, _ in self.symbols if name == "_kmod_info")
        info = self.kmod_info - home.address
        for offset, value in ((ADDRESS, load), (SIZE, self.size), (HEADER_SIZE, PAGE)):
            if how == "noted":
                home.data[info + offset:info + offset + 4] = self.word(value)

    def image(self, cpu):
        """The bytes in __text. Offsets in the commands are those of the file the linker read:
        nothing in the image goes by them, and the symbols they tell of are gone."""
        rows, out = [], bytearray(PAGE)
        at = 0x123
        for name in self.segments():
            size, file_size = self.size_of(name, PAGE)
            rows.append(segment_command(self.order, 4, name, self.addresses[name], size, at,
                                        file_size, self.of(name), PROTECTION.get(name, 3)))
            at += file_size
            out += self.segment_content(name, PAGE) + bytes(size - file_size)
        rows.append(struct.pack(self.order + "6I", 2, 24, at, 77, at + 77 * 12, 999))
        head = header(self.order, 4, cpu, 1, rows, 1)
        out[:len(head)] = head
        assert len(out) == self.size
        return bytes(out)


def info(kext, number):
    """Each depends on the one prelinked before it."""
    words = [kext.kmod_info, 0, 16, 16 + 4 * bool(number)] + [number - 1] * bool(number)
    row = {"CFBundleIdentifier": kext.identifier,
           "OSBundlePrelink": struct.pack(">%dI" % len(words), *words)}
    if kext.name != "Beta":  # Beta is a stub
        row.update({"CFBundleExecutable": kext.name, "CFBundleVersion": "1.2.3",
                    "CFBundlePackageType": "KEXT",
                    "IOKitPersonalities": {"p": {"CFBundleIdentifier": kext.identifier}}})
    return row


def xml(value):
    """The kernel's dialect: no prolog, no blanks between elements, a NUL at the end."""
    if isinstance(value, list):
        return "<array>%s</array>" % "".join(map(xml, value))
    if isinstance(value, dict):
        return "<dict>%s</dict>" % "".join("<key>%s</key>%s" % (k, xml(v))
                                           for k, v in value.items())
    if isinstance(value, bytes):
        return plistlib.dumps(value).decode().split("<plist")[1].split("\n", 1)[1].replace(
            "\n", "").replace("\t", "").replace("</plist>", "")
    if value is True:
        return "<true/>"
    if isinstance(value, int):
        return '<integer size="32">0x%x</integer>' % value
    return "<string>%s</string>" % value


def build(how, cpu, kexts):
    image = Image(cpu, PAGE)
    image.add("__TEXT", 0x1000, bytes(PAGE))
    begin = load = 0x400000
    text = b""
    for kext in kexts:
        kext.put(how, load)
        text += kext.image(cpu)
        load += kext.size
    rows = [{"CFBundleIdentifier": "com.apple.kpi.mach", "CFBundleVersion": "8.0",
             "OSKernelResource": True, "OSBundlePrelinkSymbols": 0x40},
            {"CFBundleIdentifier": "com.example.Later", "CFBundleVersion": "2.0",
             "CFBundleExecutable": "Later", "OSBundleDefer": True}]
    rows += [info(kext, number) for number, kext in enumerate(kexts)]
    pieces = [("__text", text), ("__symtab", b"\x5a" * 0x100), ("__info",
              xml(rows).encode() + b"\0")]
    sections, data = [], b""
    for name, content in pieces:
        s = prelinked.Section("__PRELINK", name, content, len(content), 2, 0)
        s.address = begin + len(data)
        sections.append(s)
        data += content + b"\0" * (-len(content) % 4)
    image.add("__PRELINK", begin, data, sections)
    return image.build(2, [], kexts[0].order, 4)


def check_kext(kext, folder):
    bundle = os.path.join(folder, kext.name + ".kext", "Contents")
    plist = plistlib.load(open(os.path.join(bundle, "Info.plist"), "rb"))
    assert plist["CFBundleIdentifier"] == kext.identifier and plist["CFBundleVersion"] == "1.2.3"
    assert plist["CFBundleExecutable"] == kext.name, plist
    assert not [k for k in plist if k.startswith("OSBundle")], plist
    assert plist["_PrelinkExecutableLoadAddr"] == plist["_PrelinkExecutableSourceAddr"] == kext.load
    assert plist["_PrelinkKmodInfo"] == kext.kmod_info, plist
    file = File(open(os.path.join(bundle, "MacOS", kext.name), "rb").read())
    assert [s["name"] for s in file.segments] == kext.segments() and not file.symbols
    for s in file.segments:
        assert s["addr"] == kext.addresses[s["name"]] and s["off"] % PAGE == 0, s
        data = file.data[s["off"]:s["off"] + s["fsize"]]
        assert data == kext.segment_content(s["name"], PAGE), s["name"]
    for have, want in zip(file.sections, [s for n in kext.segments() for s in kext.of(n)]):
        assert (have["name"], have["addr"], have["size"]) == (want.name, want.address, want.size)
        assert want.zerofill or file.data[have["off"]:have["off"] + have["size"]] == \
            kext.content(want), want.name


def main():
    if sys.argv[1] == "objects":
        write_objects(sys.argv[2])
        return
    action, how, cpu, place, *objects = sys.argv[1:]
    kexts = [Kext(path, split=False) for path in objects]
    data = build(how, cpu, kexts)
    if action == "build":
        open(place, "wb").write(data)
        return
    for kext in kexts:
        assert kext.pointers
        check_kext(kext, place)
    assert sorted(os.listdir(place)) == ["Alpha.kext", "Beta.kext", "Inner.kext", "Later.kext",
                                         "mach.kext"], os.listdir(place)
    assert sorted(os.listdir(os.path.join(place, "Later.kext/Contents"))) == ["Info.plist"]
    print("%d kexts as expected" % len(kexts))


if __name__ == "__main__":
    main()
