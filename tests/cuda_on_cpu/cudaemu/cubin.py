"""Static facts about a CUBIN: registers, memory, and the widths of its accesses."""

from __future__ import annotations

import collections
import functools
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

from . import gxx
from .nvrtc import package_directories

_MEMORY = re.compile(r"(LDG|STG|LD|ST|LDS|STS|LDL|STL|RED|ATOM|ATOMG)(\.|$)")


@dataclass(frozen=True)
class Resources:
    """Of one kernel; `accesses` counts instructions by their full name, as ``STG.E.EF.128``."""

    registers: int
    stack: int
    local: int
    shared: int
    instructions: int
    accesses: dict[str, int]

    def widths(self, kind: str) -> set[int]:
        """The widths in bits of the accesses of a kind: LDG, STG..."""
        names = [name.split(".") for name in self.accesses if name.split(".")[0] == kind]
        return {_width(parts) for parts in names}


def _width(parts: list[str]) -> int:
    found = [int(p) for p in parts if p in ("64", "128")]
    narrow = [int(p[1:]) for p in parts if p in ("U8", "S8", "U16", "S16")]
    return (found + narrow + [32])[0]


@functools.cache
def tool(name: str) -> str:
    """cuobjdump or nvdisasm; ImportError where it is not installed."""
    for directory in package_directories():
        if (directory / "bin" / name).exists():
            return str(directory / "bin" / name)
    found = shutil.which(name)
    if found is None:
        raise ImportError(f"no {name}; install nvidia-cuda-{name}")
    return found


def resources(cubin: bytes) -> dict[str, Resources]:
    """Of each kernel by its name."""
    with tempfile.NamedTemporaryFile(dir=gxx.cache(), suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        used = _run("cuobjdump", "--dump-resource-usage", file.name)
        text = _run("nvdisasm", "-c", file.name)
    return {
        name: _resources(dict(re.findall(r"(\w+):(\d+)", numbers)), _code(text, name))
        for name, numbers in re.findall(r"Function (\w+):\s*\n\s*(.*)", used)
    }


def _run(name: str, *arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [tool(name), *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout


def _code(text: str, name: str) -> list[str]:
    """The mnemonics of a kernel in order."""
    match = re.search(rf"\.section\s+\.text\.{name}\b.*?(?=\n\s*\.section\s|\Z)", text, re.S)
    if match is None:
        raise ValueError(f"no code of {name}")
    return re.findall(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?\w+\s+)?([A-Z][\w.]+)", match[0])


def _resources(numbers: dict[str, str], code: list[str]) -> Resources:
    counts = collections.Counter(code)
    counts.pop("NOP", None)
    return Resources(
        int(numbers["REG"]),
        int(numbers["STACK"]),
        int(numbers["LOCAL"]),
        int(numbers["SHARED"]),
        sum(counts.values()),
        {name: n for name, n in sorted(counts.items()) if _MEMORY.match(name)},
    )
