"""Prints the table of the README: what compiled kernels need, and what a result costs.

UPSAMPLER_EMULATE=1 python tests/cuda_on_cpu/table.py
"""

from __future__ import annotations

import fakecupy as cp
from test_gpu_counts import BUDGET, per_item
from test_gpu_static import KERNELS, MEASURED, resources

# Functions that share a row.
ROWS = {
    "`gather` (nearest, shuffles)": {"gather"},
    "`enlarge` (nearest, whole factors)": {"enlarge"},
    "`linear2x`, `halve` (bilinear by two, its gradient)": {"linear2x", "halve"},
    "`march` (every filter, and its gradient)": {"march"},
    "`average`, `maximum`, gradient of means": {"average", "average_backward", "maximum"},
    "`pick`, `bounds`, `join`, `collect` (unpooling)": {"pick", "bounds", "join", "collect"},
    "`meet`, `spread`, `sums` (convolutions)": {"meet", "spread", "sums"},
}


def span(values: list[int]) -> str:
    """
    >>> span([31, 40, 24]), span([32])
    ('24 to 40', '32')
    """
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def kernels() -> list[list[str]]:
    """Variants of functions, registers and bytes of their stores, by architecture."""
    rows = []
    if missing := {kernel.name for kernel in KERNELS}.difference(*ROWS.values()):
        raise ValueError(f"no row has {missing}")
    for title, names in ROWS.items():
        mine = [kernel for kernel in KERNELS if kernel.name in names]
        found = {arch: [resources(arch)[kernel] for kernel in mine] for arch in MEASURED}
        stores = {
            width // 8
            for all_of in found.values()
            for one in all_of
            for width in one.widths("STG") | one.widths("ST")
        }
        registers = [span([one.registers for one in found[arch]]) for arch in MEASURED]
        spilled = max(one.stack + one.local for all_of in found.values() for one in all_of)
        rows.append(
            [title, str(len(mine)), *registers, ", ".join(map(str, sorted(stores))),
             str(spilled)]
        )  # fmt: skip
    return rows


def costs() -> list[list[str]]:
    """A row for each operation with a budget: instructions for an item of the result."""
    cp.settings.check = False
    return [
        [name, *(f"{per_item(call, shapes, d):.1f} of {limit}" for d, limit in zip(
            ("float32", "float16"), limits, strict=True))]
        for name, call, shapes, *limits in BUDGET
    ]  # fmt: skip


def show(heads: list[str], rows: list[list[str]]) -> None:
    rule = ["---", *["---:"] * (len(heads) - 1)]
    for row in (heads, rule, *rows):
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    show(["PTX instructions for an item of the result", "float32", "float16"], costs())
    print()
    registers = [f"registers, {arch}" for arch in MEASURED]
    heads = ["kernel", "variants", *registers, "bytes of a store", "bytes spilled"]
    show(heads, kernels())
