"""Small PTX programs for the tests of the translator, and how to run them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import fakecupy as cp
import numpy as np
from cudaemu.launching import Done, How, Pointer
from cudaemu.ptx_engine import PtxEngine

HEAD = ".version 8.8\n.target sm_90\n.address_size 64\n"


def run(ptx: str, *arguments: Any, block: int = 1, grid: int = 1, **how: Any) -> Done:
    """Launch the kernel ``k`` of a program."""
    given = [
        Pointer(a.data.ptr, a._buffer.extent(a._array)) if isinstance(a, cp.ndarray) else a
        for a in arguments
    ]
    return PtxEngine(HEAD + ptx).launch("k", given, How((grid, 1, 1), (block, 1, 1), **how))


def kernel(body: str, parameters: int = 1, before: str = "", attributes: str = "") -> str:
    """A kernel ``k`` with pointers %p0, %p1... in registers, and %t the number of the thread."""
    names = ", ".join(f".param .u64 a{i}" for i in range(parameters))
    loads = "\n".join(f"ld.param.u64 %p{i}, [a{i}];" for i in range(parameters))
    return (
        f"{before}\n.visible .entry k({names}) {attributes}\n{{\n"
        ".reg .pred %q<8>; .reg .b16 %h<8>; .reg .b32 %r<16>; .reg .b64 %d<16>;"
        ".reg .f32 %f<8>; .reg .b64 %p<8>; .reg .b32 %t; .reg .b64 %own<8>;\n"
        f"mov.u32 %t, %tid.x;\n{loads}\n"
        + "\n".join(f"mad.wide.u32 %own{i}, %t, 4, %p{i};" for i in range(parameters))
        + f"\n{body}\nret;\n}}\n"
    )


def f32(value: float) -> int:
    """The bits of a float32."""
    return struct.unpack("<I", struct.pack("<f", value))[0]


def f64(value: float) -> int:
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def f16(value: float) -> int:
    return struct.unpack("<H", struct.pack("<e", value))[0]


@dataclass(frozen=True)
class Row:
    """``text`` with $d for the target and $a, $b, $c, $e for the sources, all as bits.

    Sources are as wide as `source` says (a width, or one for each), the target as `target`.
    A name $p is a predicate, true where $a is not 0 (declared and set only where it is used).
    """

    text: str
    inputs: tuple[int, ...]
    expected: int
    source: int | tuple[int, ...] = 32
    target: int = 32

    @property
    def widths(self) -> tuple[int, ...]:
        if isinstance(self.source, tuple):
            return self.source
        return (self.source,) * len(self.inputs)


def program(rows: Sequence[Row]) -> str:
    """One kernel that executes every row: inputs from a0, 32 bytes a row, results to a1, 8."""
    return kernel("\n".join(_block(i, row) for i, row in enumerate(rows)), 2)


def _block(index: int, row: Row) -> str:
    names = "abce"[: len(row.inputs)]
    lines = ["{"]
    for i, (name, width) in enumerate(zip(names, row.widths, strict=True)):
        lines.append(
            f".reg .b{width} {name}; ld.global.b{width} {name}, [%p0+{32 * index + 8 * i}];"
        )
    lines.append(f".reg .b{row.target} d;")
    if "$p" in row.text:
        lines.append(f".reg .pred p; setp.ne.b{row.widths[0]} p, a, 0;")
    if "$q" in row.text:
        lines.append(".reg .pred q;")
    text = row.text
    for name in ("d", "p", "q", *names):
        text = text.replace(f"${name}", name)
    lines += [f"{text};", f"st.global.b{row.target} [%p1+{8 * index}], d;", "}"]
    return "\n".join(lines)


def results(rows: Sequence[Row]) -> np.ndarray:
    """The bits that each row has left."""
    given = np.zeros((len(rows), 4), np.uint64)
    for i, row in enumerate(rows):
        given[i, : len(row.inputs)] = [value & (2**64 - 1) for value in row.inputs]
    out = cp.zeros(len(rows), np.uint64)
    # Bytes are the granularity: the widths of the accesses vary.
    inputs = cp.asarray(given.view(np.uint8))
    run(program(rows), inputs, out)
    return out.get()
