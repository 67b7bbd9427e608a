"""A scratch world for benchmarks that load kexts: an instance of kextd of its own, the programs of
one build on the path, kexts built the way the command tests build them."""
import contextlib
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)


def make_kext(work, name, identifier, source):
    """work/NAME.kext, of C++ source that defines NAME_start and NAME_stop."""
    script = f". {ROOT}/tests/cli/lib.sh; T={work} KEXT_LANGUAGE=cpp make_kext {work} {name} {identifier} 1.0"
    run("bash", "-c", script, input=source.encode())


@contextlib.contextmanager
def scratch(build):
    """The folder of the world; its kextd is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="kext-bench.") as folder:
        work = pathlib.Path(folder)
        os.environ["PATH"] = f"{build}/bin:{os.environ['PATH']}"
        os.environ["BUILD"] = str(build)
        os.environ["KEXT_RUNDIR"] = str(work / "run")
        os.environ["KEXT_STATEDIR"] = str(work / "state")
        os.umask(0o022)
        try:
            yield work
        finally:
            subprocess.run(["kextd", "--shutdown"], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
