#!/usr/bin/env python3
"""The kext linker on the generated set of 400 kexts, on one thread and two: MB/s of input,
peak memory against inputs and outputs, and time against a memcpy of the same bytes.
Prints its rows of bench.json; argument: the build folder."""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import gen_link  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROUNDS = 7


def main(build):
    tool = pathlib.Path(build).resolve() / "tests/linkbench"
    subprocess.run(["make", "-s", f"BUILD={build}", f"{build}/tests/linkbench"], cwd=ROOT, check=True,
                   stdout=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="kext-link.") as folder:
        gen_link.generate(folder)
        runs = {1: [], 2: []}
        for _ in range(ROUNDS):
            for threads, rows in runs.items():
                # Into a file: a reader waiting at a pipe draws both threads to one CPU.
                with tempfile.TemporaryFile() as out:
                    subprocess.run([tool, folder, str(threads)], check=True, stdout=out)
                    out.seek(0)
                    rows.append(json.load(out))
    if len({row["sum"] for rows in runs.values() for row in rows}) != 1:
        sys.exit("bench_link: the images differ between runs")

    def median(threads, key):
        return statistics.median(row[key] for row in runs[threads])

    def row(name, value, unit, goal, better):
        return dict(name="link." + name, value=round(value, 3), unit=unit, goal=goal, better=better)
    print(json.dumps([
        row("mbps1", median(1, "mbps"), "MB/s", 450, "more"),
        row("cpu1", median(1, "cpu"), "s", None, "less"),
        row("scale2", median(2, "mbps") / median(1, "mbps"), "x", 1.7, "more"),
        row("memory", median(2, "memory"), "ratio", 1.5, "less"),
        row("memcpy", median(1, "memcpy"), "x", 30, "less"),
    ]))


main(sys.argv[1])
