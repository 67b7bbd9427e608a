#!/usr/bin/env python3
"""Seeds for the codecs' fuzz targets from tests/golden/compression-vectors.tsv:
	tests/fuzz/codec_seeds.py FOLDER
A seed of fuzz_lzss and fuzz_lzvn begins with the declared size in two bytes."""
import pathlib
import struct
import sys

out = pathlib.Path(sys.argv[1])
golden = pathlib.Path(__file__).parent.parent / "golden" / "compression-vectors.tsv"
TARGETS = {name: [name] for name in ("lzss", "lzvn", "lzfse", "comp", "im4p")}

for line in golden.read_text().splitlines():
    if line.startswith("#"):
        continue
    codec, name, verdict, declared, plain, packed = line.split("\t")
    if packed[0] in "#.-":
        continue
    stream = bytes.fromhex(packed)
    size = 0 if plain[0] in "=.-" else len(plain) // 2
    size = {"=text4k": 4096, "=struct20k": 20480, "=spaces4078": 4078, "=lcg1k": 1024}.get(plain, size)
    size = size if declared == "-" else int(declared)
    for target in TARGETS[codec]:
        folder = out / target
        folder.mkdir(parents=True, exist_ok=True)
        prefix = struct.pack("<H", size) if target in ("lzss", "lzvn") else b""
        (folder / f"{codec}-{name}").write_bytes(prefix + stream)
