"""Static facts about a CUBIN: registers, memory, and the widths of its accesses.

Instructions are read here, as nvdisasm takes half a second for each file; tests hold it against
that (test_cubin.py).
"""

from __future__ import annotations

import collections
import functools
import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from . import gxx
from .nvrtc import package_directories

# From Volta on an instruction has 16 bytes, of which the first 9 bits say what it does, and the
# bits from 73 on how wide an access is.
SIZE = 16
KINDS = {
    0x180: "LD", 0x181: "LDG", 0x183: "LDL", 0x184: "LDS",
    0x185: "ST", 0x186: "STG", 0x187: "STL", 0x188: "STS",
}  # fmt: skip
WIDTHS = (8, 8, 16, 16, 32, 64, 128)
NOP = 0x118


@dataclass(frozen=True)
class Resources:
    """Of one kernel; `accesses` counts those of each kind and width, as ("STG", 128)."""

    registers: int
    stack: int
    local: int
    shared: int
    instructions: int
    accesses: dict[tuple[str, int], int]

    def widths(self, kind: str) -> set[int]:
        """The widths in bits of the accesses of a kind: LDG, STG..."""
        return {width for name, width in self.accesses if name == kind}


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
        used = run("cuobjdump", "--dump-resource-usage", file.name)
    code = dict(_sections(cubin))
    return {
        name: _resources(dict(re.findall(r"(\w+):(\d+)", numbers)), code[f".text.{name}"])
        for name, numbers in re.findall(r"Function (\w+):\s*\n\s*(.*)", used)
    }


def run(name: str, *arguments: str) -> str:
    """What a tool prints."""
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [tool(name), *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout


def _sections(elf: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the sections with code, of a 64-bit ELF."""
    (first,) = struct.unpack_from("<Q", elf, 0x28)
    size, count, names = struct.unpack_from("<HHH", elf, 0x3A)
    heads = [struct.unpack_from("<IIQQQQ", elf, first + i * size) for i in range(count)]
    for name_at, _, _, _, at, length in heads:
        begin = heads[names][4] + name_at
        name = elf[begin : elf.index(b"\0", begin)].decode()
        if name.startswith(".text."):
            yield name, elf[at : at + length]


def _resources(numbers: dict[str, str], code: bytes) -> Resources:
    words = list(struct.iter_unpack("<QQ", code))
    operations = [low & 0x1FF for low, _ in words]
    accesses = collections.Counter(
        (KINDS[operation], WIDTHS[high >> 9 & 7])
        for operation, (_, high) in zip(operations, words, strict=True)
        if operation in KINDS
    )
    return Resources(
        int(numbers["REG"]),
        int(numbers["STACK"]),
        int(numbers["LOCAL"]),
        int(numbers["SHARED"]),
        len(operations) - operations.count(NOP),
        dict(accesses),
    )
