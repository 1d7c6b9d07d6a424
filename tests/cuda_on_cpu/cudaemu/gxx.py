"""g++ with a cache: the same source with the same options is compiled once."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import subprocess
import tempfile
import threading
from collections import defaultdict
from pathlib import Path

CPP = Path(__file__).parent / "cpp"
# No contraction: a multiplication and an addition stay two roundings unless the PTX says fma.
FLAGS = ("-std=c++20", "-O1", "-ffp-contract=off", "-mfma", "-mf16c", "-w", "-fPIC")


@functools.cache
def cache() -> Path:
    """UPSAMPLER_EMULATION_CACHE, or a directory of this user's."""
    default = Path(tempfile.gettempdir()) / f"upsampler-emulation-{os.getuid()}"
    directory = Path(os.environ.get("UPSAMPLER_EMULATION_CACHE", default))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_uid != os.getuid():
        raise PermissionError(f"{directory} belongs to somebody else")
    return directory


def build(source: str, flags: tuple[str, ...], suffix: str) -> Path:
    """Compile `source`, or find it compiled; `suffix` is .so, .o or .exe."""
    key = repr((source, flags, headers())).encode()
    target = cache() / f"{hashlib.sha256(key).hexdigest()[:32]}{suffix}"
    with _locks[target]:  # of several threads that want it one compiles
        if not target.exists():
            _compile(source, flags, target)
    return target


_locks: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)


def _compile(source: str, flags: tuple[str, ...], target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache()) as work:
        text, made = Path(work) / "source.cpp", Path(work) / "made"
        text.write_text(source)
        command = ["g++", *flags, f"-I{CPP}", "-o", str(made), str(text)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"g++ failed:\n{done.stderr[:4000]}")
        os.replace(made, target)


@functools.cache
def headers() -> str:
    """A hash of everything that sources may include."""
    text = b"".join(path.read_bytes() for path in sorted(CPP.iterdir()))
    return hashlib.sha256(text).hexdigest()


@functools.cache
def precompiled(header: str, flags: tuple[str, ...]) -> str:
    """The option that finds `header` precompiled for these flags, before its own directory."""
    key = hashlib.sha256(repr((headers(), flags)).encode()).hexdigest()[:16]
    directory = cache() / f"headers-{key}"
    made = directory / f"{header}.gch"
    if not made.exists():
        directory.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache()) as work:
            part = str(Path(work) / "made")
            command = ["g++", *flags, "-x", "c++-header", str(CPP / header), "-o", part]
            subprocess.run(command, check=True)
            os.replace(part, made)
    return f"-I{directory}"


@functools.cache
def machine() -> Path:
    """machine.cpp as an object."""
    flags = (*(flag if flag != "-O1" else "-O2" for flag in FLAGS), "-c")
    return build((CPP / "machine.cpp").read_text(), flags, ".o")


def kernel_library(source: str) -> ctypes.CDLL:
    """A translated kernel, loaded."""
    flags = (*FLAGS, "-shared", precompiled("machine.h", FLAGS), str(machine()))
    return ctypes.CDLL(str(build(source, flags, ".so")))
