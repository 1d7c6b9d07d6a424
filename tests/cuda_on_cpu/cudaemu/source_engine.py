"""Runs kernels as g++ compiles their source: a second way, that shares nothing with the PTX.

With `sanitize` every launch is a process of its own, under the address and the undefined-behaviour
sanitizer, whose memory ends exactly where the arguments end.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import gxx
from .launching import Done, How, LaunchError, Memory, Pointer, memories_of, pack

# Vectors are read by way of pointers to other types, as on the device.
_FLAGS = ("-std=c++20", "-O1", "-ffp-contract=off", "-fno-strict-aliasing", "-w", "-fPIC")
_SANITIZE = ("-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
_KERNEL = re.compile(r"__global__\s+void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\(")
_MOST = 64  # parameters


class SourceEngine:
    """The kernels of one source."""

    def __init__(self, source: str, macros: Sequence[str], sanitize: bool) -> None:
        self.sanitize = sanitize
        self.names = _KERNEL.findall(source)
        exports = "\n".join(f"EXPORT({name})" for name in self.names)
        defined = "\n".join(f"#define {macro.replace('=', ' ', 1)}" for macro in macros)
        self.text = f"{defined}\n{source}\n{exports}\n"
        flags = (*_FLAGS, "-shared", gxx.precompiled("shim.h", _FLAGS))
        text = f'#include "shim.h"\n{self.text}'
        self._library = ctypes.CDLL(str(gxx.build(text, flags, ".so")))

    @classmethod
    def of_source(
        cls, source: str, options: Sequence[str], *, sanitize: bool = False
    ) -> SourceEngine:
        return cls(source, [option[2:] for option in options if option.startswith("-D")], sanitize)

    def launch(self, name: str, arguments: Sequence[Any], how: How) -> Done:
        """Run one kernel."""
        if name not in self.names:
            raise LaunchError(f"no kernel {name!r}; there are: {', '.join(self.names)}")
        if how.shared:
            raise LaunchError("the source engine has no shared memory")
        self._check(name, arguments)
        if self.sanitize:
            self._in_a_child(name, arguments, how)
        else:
            self._here(name, arguments, how)
        return Done(name, how)

    def _check(self, name: str, arguments: Sequence[Any]) -> None:
        kinds, sizes = ctypes.create_string_buffer(_MOST), (ctypes.c_int * _MOST)()
        count = getattr(self._library, f"describe_{name}")(kinds, sizes)
        parameters = [(_type(chr(kinds.raw[i]), sizes[i]), sizes[i], 8 * i) for i in range(count)]
        pack(arguments, parameters)

    def _here(self, name: str, arguments: Sequence[Any], how: How) -> None:
        values = [_value(argument) for argument in arguments]
        pointers = (ctypes.c_void_p * len(values))(*[value.ctypes.data for value in values])
        shape = np.array([*how.grid, *how.block], np.uint32).tobytes()
        shape += np.uint64(how.seed).tobytes()
        getattr(self._library, f"launch_{name}")(shape, pointers)

    def _in_a_child(self, name: str, arguments: Sequence[Any], how: How) -> None:
        memories = memories_of(arguments)
        with tempfile.NamedTemporaryFile(dir=gxx.cache()) as file:
            file.write(_written(arguments, memories, how))
            file.flush()
            done = subprocess.run(
                # Without a random layout, which the shadow memory may collide with.
                ["setarch", "-R", str(self._program(name)), file.name],
                capture_output=True,
                text=True,
                env={"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"},
                check=False,
            )
            if done.returncode:
                raise LaunchError(f"{name}: status {done.returncode}\n{done.stderr[:2000]}")
            contents = Path(file.name).read_bytes()
        start = 0
        for memory in memories:
            ctypes.memmove(memory.address, contents[start:], memory.nbytes)
            start += memory.nbytes

    def _program(self, name: str) -> Path:
        main = f"int main(int, char **argv) {{ return shim::child(argv, launch_{name}); }}"
        text = f'#include "child.h"\n{self.text}\n{main}\n'
        flags = (*_FLAGS, *_SANITIZE)
        return gxx.build(text, (*flags, gxx.precompiled("child.h", flags)), ".exe")


def _type(kind: str, size: int) -> str:
    return {"p": "pointer", "b": "struct"}.get(kind, f"{kind}{8 * size}")


def _value(argument: Any) -> np.ndarray:
    """An argument in memory of its own."""
    if isinstance(argument, Pointer):
        return np.array([argument.address], np.uint64)
    return np.array([0 if argument is None else argument])


def _written(arguments: Sequence[Any], memories: Sequence[Memory], how: How) -> bytes:
    """What child.h reads."""
    numbers = [*how.grid, *how.block, how.seed, len(memories)]
    parts = [np.array(numbers, np.uint64).tobytes()]
    for memory in memories:
        parts.append(np.array([memory.address % 512, memory.nbytes], np.uint64).tobytes())
        parts.append(ctypes.string_at(memory.address, memory.nbytes))
    parts.append(np.uint64(len(arguments)).tobytes())
    places = {(m.address, m.nbytes): i for i, m in enumerate(memories)}
    for argument in arguments:
        kind, which, value = 0, 0, _value(argument).tobytes()
        if isinstance(argument, Pointer):
            memory = argument.memory
            kind, which = 1, places[memory.address, memory.nbytes]
            value = np.uint64(argument.address - memory.address).tobytes()
        parts += [np.array([kind, which, len(value)], np.uint64).tobytes(), value]
    return b"".join(parts)
