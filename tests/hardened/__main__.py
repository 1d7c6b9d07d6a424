"""Builds a copy of the tree with checks and runs the kernel tests in it.

debug     bounds checks of Cython's views, no optimisation
sanitize  address and undefined-behaviour sanitizers of GCC

Wants the build requirements of pyproject.toml to be installed.  First every build has to catch
mistakes made on purpose (canary.pyx).  The tree itself and what is installed stay as they are.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "upsampler", "gui", "tests")
BUILT = shutil.ignore_patterns("*.so", "*.c", "__pycache__")
SWITCHES = {"debug": "UPSAMPLER_DEBUG", "sanitize": "UPSAMPLER_SANITIZE"}
# Python keeps its own memory to the end, so leaks are not looked for; a request for more memory
# than there is has to fail as it does elsewhere.
ASAN = "detect_leaks=0:allocator_may_return_null=1:detect_stack_use_after_return=1"
UBSAN = "print_stacktrace=1:halt_on_error=1"
REPORT = "sanitizer"  # what the sanitizers found, a file for each process that ended by it
# build: (call of the canary, words that must be in what it leaves behind)
CANARIES = {
    "debug": [("index(numpy.ones(5000, 'u1'))", "IndexError")],
    "sanitize": [
        ("memory(numpy.ones(5000, 'u1'))", "AddressSanitizer: heap-buffer-overflow"),
        ("arithmetic(2)", "runtime error: signed integer overflow"),
    ],
}


def copy_tree(to: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=BUILT)
        else:
            shutil.copy2(source, to / name)
    # Installed under another name than that of its directory.
    (to / "upsampler_gui").symlink_to("gui")


def runtime(build: str, tree: Path) -> dict[str, str]:
    """The environment in which the built modules run."""
    found = os.environ | {"PYTHONPATH": str(tree), SWITCHES[build]: "1"}
    found.pop("PYTEST_ADDOPTS", None)
    # Only what is named: other plugins bring Qt, whose memory is not ours to watch.
    found["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    # Results have to end where their memory ends; tests of the pool switch it on themselves.
    found["UPSAMPLER_BUFFER_POOL"] = "0"
    if build == "sanitize":
        # To files: what a process that ends at once has written is lost in pytest's capture.
        log = f":log_path={tree / REPORT}"
        found |= {"ASAN_OPTIONS": ASAN + log, "UBSAN_OPTIONS": UBSAN + log}
        found["PYTHONMALLOC"] = "malloc"
        # The sanitizer has to come before all libraries, and has to see C++'s throw to wrap it.
        found["LD_PRELOAD"] = " ".join(library(n) for n in ("libasan.so", "libstdc++.so"))
    return found


def library(name: str) -> str:
    """Where the compiler keeps a library of its runtime."""
    compiler = os.environ.get("CC", "gcc").split()[0]
    path = subprocess.check_output([compiler, f"-print-file-name={name}"], text=True).strip()
    if not Path(path).is_absolute():
        raise SystemExit(f"{compiler} has no {name}: the sanitizers' runtime is not installed")
    return path


def run(step: str, command: list[str], tree: Path, environment: dict[str, str]) -> None:
    print(f"-- {step}", flush=True)
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=tree, env=environment, stdin=subprocess.DEVNULL, check=False)
    print(f"-- {step}: {time.perf_counter() - begin:.0f} s", flush=True)
    if done.returncode:
        print(reported(tree), end="")
        raise SystemExit(f"{step}: failed with exit status {done.returncode}")


def reported(tree: Path) -> str:
    """What the sanitizers have found since this was last asked."""
    files = sorted(tree.glob(f"{REPORT}.*"))
    text = "".join(p.read_text(encoding="utf-8", errors="replace") for p in files)
    for path in files:
        path.unlink()
    return text


def watch_canary(build: str, tree: Path, environment: dict[str, str]) -> None:
    """Every mistake on purpose must be caught, and the modules be those of the copy."""
    for call, words in CANARIES[build]:
        code = (
            "import importlib, numpy, canary\n"
            "where = importlib.import_module('upsampler.backends._cpu_baseline').__file__\n"
            f"assert where.startswith({str(tree)!r}), where\n"
            "print('ready')\n"
            f"canary.{call}\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tree, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        said = done.stderr + reported(tree)
        if not done.returncode or "ready" not in done.stdout or words not in said:
            raise SystemExit(
                f"{build}: the mistake {call} was not caught as {words!r}\n"
                f"exit status {done.returncode}\n{done.stdout}{said}"
            )
        print(f"-- the mistake {call} was caught: {words}", flush=True)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.hardened", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("build", choices=list(SWITCHES))
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="upsampler-") as name:
        tree = Path(name).resolve()
        copy_tree(tree)
        compile_it = [sys.executable, "tests/hardened/build.py"]
        # Python's own flags define signed overflow away (-fwrapv), and with it the check.
        flags = {SWITCHES[args.build]: "1", "CFLAGS": "-fno-wrapv"}
        run(f"{args.build} build", compile_it, tree, os.environ | flags)
        environment = runtime(args.build, tree)
        watch_canary(args.build, tree, environment)
        files = sorted(str(p.relative_to(tree)) for p in tree.glob("tests/test_kernels*.py"))
        command = [sys.executable, "-m", "pytest", "-c", "tests/hardened/pytest.ini"]
        command += ["--rootdir", str(tree), "--confcutdir", str(tree), *files, *args.pytest]
        run(f"kernel tests, {args.build} build", command, tree, environment)
    return 0


if __name__ == "__main__":
    sys.exit(main())
