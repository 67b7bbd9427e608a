#!/usr/bin/env python3
"""Scanning and resolving generated repositories: 1,000 kexts against the goals, 2,500 to
20,000 for the exponent of growth. Prints its rows of bench.json; argument: the build folder."""
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZES = [2500, 5000, 10000, 20000]
KPIS = ["bsd", "iokit", "libkern", "mach", "unsupported"]

PLIST = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
%s</dict>
</plist>
"""


def plist(indent, entries):
    text = ""
    for key, value in entries.items():
        text += f"{indent}<key>{key}</key>\n"
        if isinstance(value, dict):
            text += f"{indent}<dict>\n{plist(indent + chr(9), value)}{indent}</dict>\n"
        elif value is True:
            text += f"{indent}<true/>\n"
        elif isinstance(value, int):
            text += f"{indent}<integer>{value}</integer>\n"
        else:
            text += f"{indent}<string>{value}</string>\n"
    return text


def write(folder, entries, base="Contents"):
    place = folder / base
    place.mkdir(parents=True)
    (place / "Info.plist").write_text(PLIST % plist("\t", entries))


def driver(number, libraries):
    """What Info.plist of a usual driver holds."""
    name, identifier = f"Driver{number:05}", f"com.example.driver.Driver{number:05}"
    return {
        "CFBundleDevelopmentRegion": "English",
        "CFBundleExecutable": name,
        "CFBundleGetInfoString": f"{name} 1.{number % 10}.0, an example",
        "CFBundleIdentifier": identifier,
        "CFBundleInfoDictionaryVersion": "6.0",
        "CFBundleName": name,
        "CFBundlePackageType": "KEXT",
        "CFBundleShortVersionString": f"1.{number % 10}.0",
        "CFBundleSignature": "????",
        "CFBundleVersion": f"1.{number % 10}.0",
        "IOKitPersonalities": {
            name: {
                "CFBundleIdentifier": identifier,
                "IOClass": f"com_example_{name}",
                "IOMatchCategory": f"com_example_{name}",
                "IOPCIMatch": f"0x{number:04x}8086 0x{number:04x}10de",
                "IOProbeScore": 1000 + number % 100,
                "IOProviderClass": "IOPCIDevice",
            }
        },
        "OSBundleCompatibleVersion": "1.0.0",
        "OSBundleLibraries": libraries,
        "OSBundleRequired": "Root",
    }


def generate(folder, count):
    """`count` kexts: System.kext and its KPIs, and drivers that need up to four earlier ones."""
    choose = random.Random(count)
    system = folder / "System.kext"
    write(system, {"CFBundleIdentifier": "com.apple.kernel", "CFBundleVersion": "19.6.0",
                   "CFBundlePackageType": "KEXT", "OSKernelResource": True})
    for kpi in KPIS:
        write(system / "Contents/PlugIns" / f"{kpi}.kext", {
            "CFBundleIdentifier": f"com.apple.kpi.{kpi}", "CFBundleVersion": "19.6.0",
            "OSBundleCompatibleVersion": "8.0.0", "CFBundlePackageType": "KEXT",
            "OSKernelResource": True}, "")
    for number in range(count - 1 - len(KPIS)):
        needs = {f"com.apple.kpi.{kpi}": "8.0.0" for kpi in KPIS}
        for other in choose.sample(range(number), min(number, choose.randrange(5))):
            needs[f"com.example.driver.Driver{other:05}"] = "1.0.0"
        write(folder / f"Driver{number:05}.kext", driver(number, needs))


def measure(tool, count, rounds):
    with tempfile.TemporaryDirectory(prefix="kext-scan.") as root:
        folder = pathlib.Path(root) / "Library/Extensions"
        folder.mkdir(parents=True)
        generate(folder, count)
        result = json.loads(subprocess.run([tool, folder, str(rounds)], check=True,
                                           env={**os.environ, "KEXT_ROOT": root},
                                           stdout=subprocess.PIPE).stdout)
    if result["count"] != count:
        sys.exit(f"bench_scan: {result['count']} kexts were found, not {count}")
    return result


def slope(points):
    """Least squares through the logarithms: the exponent of growth."""
    xs = [math.log(x) for x, _ in points]
    ys = [math.log(y) for _, y in points]
    x0, y0 = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - x0) * (y - y0) for x, y in zip(xs, ys)) / sum((x - x0) ** 2 for x in xs)


def main(build):
    tool = pathlib.Path(build).resolve() / "tests/scanbench"
    subprocess.run(["make", "-s", f"BUILD={build}", f"{build}/tests/scanbench"], cwd=ROOT,
                   check=True, stdout=sys.stderr)
    one = measure(tool, 1000, 9)
    growth = [(count, measure(tool, count, 3)["scan"]) for count in SIZES]

    def row(name, value, unit, goal):
        return dict(name=name, value=round(value, 3), unit=unit, goal=goal, better="less")
    print(json.dumps([
        row("scan.cold", one["scan"], "ms", 150),
        row("scan.cached", one["cached"], "ms", 10),
        row("resolve.1000", one["resolve"], "ms", 5),
        row("scan.memory", one["memory"], "MiB", 64),
        row("scan.exponent", slope(growth), "", 1.15),
    ]))


if __name__ == "__main__":
    main(sys.argv[1])
