#!/usr/bin/env python3
"""Seeds for the fuzz targets of kextd's two protocols, from kext-protocol(7):
	tests/fuzz/protocol_seeds.py FOLDER"""
import pathlib
import plistlib
import struct
import sys

UUID = b"0123456789abcdef"
(ERROR, RESULT, TAG, ADDRESS, SIZE, WIRED, KMOD_INFO, IDENTIFIER, VERSION, COMPATIBLE, PATH, NAME, FORMAT,
 CAUSE, UUID_FIELD, DEPENDENCY, SEGMENT, PROTECTION, KEXT, STATE, REFERENCES, MISSING, KIND, UID, SUPERUSER,
 PID, REQUEST, POSITION, DATA) = range(1, 30)
FLAGS, MODE = 34, 35
WIDE = (ADDRESS, SIZE, WIRED, KMOD_INFO, REQUEST, POSITION)


def field(number, value):
    if isinstance(value, int):
        value = struct.pack("<Q" if number in WIDE else "<I", value)
    elif isinstance(value, str):
        value = value.encode() + b"\0"
    return struct.pack("<HHI", number, 0, len(value)) + value + bytes(-len(value) % 4)


def frame(kind, number, body=b""):
    return struct.pack("<4sHHQII", b"KXFR", 1, kind, number, 0, len(body)) + body


def say(content, kind=0):
    return struct.pack("<BH", kind, len(content)) + content


HELLO = say(frame(1, 0, field(VERSION, "19.6.0") + field(UUID_FIELD, UUID) + field(PID, 42)))
LOADED = field(KEXT, field(TAG, 7) + field(IDENTIFIER, "com.example.loaded") + field(VERSION, "1.0")
               + field(COMPATIBLE, "1.0") + field(PATH, "/nonexistent/Loaded.kext") + field(UUID_FIELD, UUID)
               + field(ADDRESS, 1 << 45) + field(SIZE, 4096) + field(WIRED, 4096) + field(STATE, 3)
               + field(REFERENCES, 0) + field(MISSING, 1) + field(KIND, 0) + field(DEPENDENCY, 1))
KERNEL = field(KEXT, field(TAG, 1) + field(IDENTIFIER, "com.apple.kpi.bsd") + field(VERSION, "19.6.0")
               + field(KIND, 1) + field(STATE, 3))
LIST = field(ERROR, 0) + KERNEL + LOADED
ANSWERS = [
    frame(7, 1, LIST),
    frame(10, 2, field(ERROR, 0) + field(POSITION, 6) + field(DATA, b"hello\n")),
    frame(8, 3, field(ERROR, 0) + field(DATA, b"\5\0\0\0") + field(KIND, 0x80000002) + field(FORMAT, "I")),
    frame(9, 4, field(ERROR, 0) + field(DATA, b"kern.ostype\0debug.x\0")),
    frame(7, 5, LIST),
    frame(6, 6, field(ERROR, 0) + field(RESULT, 0)),
]
UPCALLS = (frame(13, 0, field(POSITION, 6)) + frame(14, 0, field(IDENTIFIER, "com.example.wanted"))
           + frame(18, 1, field(PATH, "/passwd") + field(FLAGS, 1) + field(MODE, 0))
           + frame(18, 2, field(PATH, "../../made") + field(FLAGS, 31) + field(MODE, 0o4777))
           + frame(15, 0, field(IDENTIFIER, "com.example.loaded") + field(NAME, "a.txt") + field(REQUEST, 1))
           + frame(19, 0, field(NAME, "heap.size") + field(CAUSE, "bad IOFree") + field(IDENTIFIER, "com.example.loaded")
                   + field(36, "0x0000000000001014 : com.example.loaded + 0x14") + field(37, ""))
           + frame(17, 0, field(TAG, 7)) + frame(17, 0, field(TAG, 99)))
REPORT = (b"panic(cpu 0 caller 0x1000): on purpose\nCaller:\n0x1014 : mach_kernel + 0x14\nThread: 1 main\n"
          b"Backtrace:\n0x1014 : com.example.loaded + 0x14\nLoaded kexts:\n"
          b"   com.example.loaded(1.0)[no UUID]@0x1000->0x1fff size 0x1000 started\n"
          b"Threads:\n   1 main (host thread 5)\nBacktrace of thread 1 main (host thread 5):\n0x1 : (host) + 0x1\n")
KERNELS = {
    "good": HELLO + b"".join(map(say, ANSWERS)),
    "upcalls": HELLO + say(UPCALLS + ANSWERS[0]) + b"".join(map(say, ANSWERS[1:])),
    "report": HELLO + say(ANSWERS[0]) + say(REPORT, 1),
    "silent": HELLO + say(ANSWERS[0]) + say(b"", 2),
    "mute": say(b"", 2),
    "half": HELLO + say(ANSWERS[0][:40]) + say(b"", 2),
}


def request(number, predicate, **arguments):
    body = {"Kext Request Predicate": predicate, "Kext Request Arguments": arguments}
    return frame(2, number, plistlib.dumps(body, fmt=plistlib.FMT_BINARY))


CLIENTS = {
    "look": b"".join(request(n, p) for n, p in enumerate(
        ("Get Loaded Kext Info", "Get Status", "Get Sysctl Names", "Get Log", "Restart"))),
    "sysctl": request(0, "Sysctl", Name="debug.x", Value=b"\1\0\0\0"),
    "load": request(0, "Load", CFBundleIdentifier="com.example.a", Timeout=10)
            + request(1, "Load", OSBundlePath="/nonexistent/A.kext", **{
                "Dependency Paths": ["/nonexistent/B.kext"], "Repository Paths": ["/nonexistent"],
                "No System Extensions": True, "Allow Missing": True}),
    "unload": request(0, "Unload", CFBundleIdentifier="com.example.a") + frame(4, 0),
}

for name, seeds in (("kernel_protocol", KERNELS), ("client_protocol", CLIENTS)):
    folder = pathlib.Path(sys.argv[1], name)
    folder.mkdir(parents=True, exist_ok=True)
    for seed, content in seeds.items():
        (folder / seed).write_bytes(content)
