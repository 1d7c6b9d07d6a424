"""Types and special registers of PTX, and the one error of the translator."""

from __future__ import annotations

import re

INTEGERS = frozenset(
    ["u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "b8", "b16", "b32", "b64"]
)
FLOATS = frozenset(["f16", "bf16", "f32", "f64"])
SIZES = {name: int(re.sub(r"\D", "", name)) // 8 for name in INTEGERS | FLOATS} | {"pred": 1}
WIDER = {
    "u8": "u16", "u16": "u32", "u32": "u64", "u64": "u128",
    "s8": "s16", "s16": "s32", "s32": "s64", "s64": "s128",
}  # fmt: skip

SPECIAL = {
    "%laneid": "(t.linear & 31)",
    "%warpid": "(t.linear >> 5)",
    "%nwarpid": "((t.block->threads + 31) >> 5)",
    "%lanemask_lt": "((1u << (t.linear & 31)) - 1)",
    "%lanemask_eq": "(1u << (t.linear & 31))",
}
for _name, _place in {
    "tid": "t.index",
    "ctaid": "t.block->index",
    "ntid": "t.block->launch->block",
    "nctaid": "t.block->launch->grid",
}.items():
    SPECIAL |= {f"%{_name}.{axis}": f"{_place}[{i}]" for i, axis in enumerate("xyz")}


class UnsupportedPtx(Exception):
    """PTX that the translator does not know: an error, never a guess."""


def size_of(name: str) -> int:
    """Bytes of a type."""
    if name not in SIZES:
        raise UnsupportedPtx(f"type .{name}; allowed: {', '.join(sorted(SIZES))}")
    return SIZES[name]


def unsigned(name: str) -> str:
    """The unsigned integer type of the same width."""
    return f"u{8 * size_of(name)}"
