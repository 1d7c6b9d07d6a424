"""Interpolation with arithmetic on a GPU: plans cut into passes of march.cu."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..axis import AxisTable
from ..plan import Plan
from .gpu_launch import WORKSPACE, Launcher, aligned, chunk_of, index_of, integers
from .kernels import (
    FLOATS,
    ITEMS,
    LINEAR,
    LONG,
    NONE,
    SHORT,
    SIZES,
    SUM,
    VECTOR,
    halve,
    lanes,
    linear2x,
    march,
)


@dataclass(frozen=True)
class Pass:
    """Rows along an axis of (outer, D, H, W, inner), and perhaps columns along W at once."""

    axis: int  # 1 for D, 2 for H; with `rows` None the axis that stands for rows
    rows: AxisTable | None
    columns: AxisTable | None


def resample(launcher: Launcher, plan: Plan, x: Any, out: Any) -> None:
    """Contiguous arrays (outer, D, H, W, inner); identities are already cropped."""
    d, h, w = (None, None, *plan.tables)[-3:]
    if _doubles(plan, d, h, w, x, out):
        (_halve if plan.adjoint else _double)(launcher, plan, x, out)
        return
    passes = _passes(plan.adjoint, _active(d), _active(h), _active(w))
    real = np.dtype(plan.arithmetic)
    for part in _parts(passes, x.shape, real.itemsize):
        values = x[part]
        for step in passes:
            shape = _after(step, values.shape)
            last = step is passes[-1]
            made = out[part] if last else launcher.xp.empty(shape, real)
            _run(launcher, plan, step, values, made)
            values = made


def _active(table: AxisTable | None) -> AxisTable | None:
    return None if table is None or table.identity else table


def _passes(
    adjoint: bool, d: AxisTable | None, h: AxisTable | None, w: AxisTable | None
) -> list[Pass]:
    """In the order of the CPU's arithmetic: W, H, D, and the adjoint D, H, W."""
    if adjoint:
        steps = [(1, d, None), (2, h, None), (2, None, w)]
    elif h is not None and h.taps <= SHORT:
        steps = [(2, h, w), (1, d, None)]
    else:
        steps = [(2, None, w), (2, h, None), (1, d, None)]
    return [Pass(*s) for s in steps if s[1] is not None or s[2] is not None]


def _after(step: Pass, shape: tuple[int, ...]) -> tuple[int, ...]:
    sizes = list(shape)
    if step.rows is not None:
        sizes[step.axis] = step.rows.rows
    if step.columns is not None:
        sizes[3] = step.columns.rows
    return tuple(sizes)


def _parts(passes: list[Pass], shape: tuple[int, ...], size: int) -> list[slice]:
    """Ranges of outer planes whose intermediate results fit into the workspace."""
    held, sizes = 0, shape[1:]
    for step in passes[:-1]:
        sizes = _after(step, (1, *sizes))[1:]
        held += prod(sizes) * size
    count = max(1, WORKSPACE // held) if held else max(1, shape[0])
    return [slice(a, a + count) for a in range(0, shape[0], count)]


def _run(launcher: Launcher, plan: Plan, step: Pass, x: Any, out: Any) -> None:
    source, target = (ITEMS[a.dtype.name] for a in (x, out))
    real = ITEMS[plan.arithmetic]
    before = prod(x.shape[: step.axis])
    in_rows, rows = x.shape[step.axis], out.shape[step.axis]
    in_pitch, pitch = (prod(a.shape[step.axis + 1 :]) for a in (x, out))
    inner = x.shape[4]
    index = index_of(in_rows * in_pitch, rows * pitch)
    number = integers(index)
    # Where pixels hold whole vectors, or columns are not resampled, loads are vectors too.
    many = lanes(target)
    beside = step.columns is None or inner % many == 0
    whole = min(VECTOR, many * SIZES[source])
    vector = many > 1 and pitch % many == 0 and aligned(out, VECTOR)
    if vector and beside:
        beside = in_pitch % many == 0 and aligned(x, whole)
        vector = beside or step.columns is not None
    together = vector and beside and step.columns is not None
    columns = NONE if step.columns is None else LINEAR if step.columns.kind == "linear" else SUM
    adjoint = plan.adjoint and step.rows is not None
    way, taps = _way(step.rows, adjoint)
    column_taps = _width(step.columns)
    kernel = march(
        source, target, real, vector=vector, columns=columns, together=together,
        step=int(inner == 1), column_taps=column_taps, rows=way,
        taps=taps, adjoint=adjoint, check=ITEMS[plan.spec.dtype] in FLOATS, index=index,
    )  # fmt: skip
    row_tables = launcher.kept(
        plan.compiled, f"rows {step.axis} {step.rows is None}", lambda: _row_tables(plan, step.rows)
    )
    spread = 0 if together or step.columns is None else inner
    column_tables = launcher.kept(
        plan.compiled,
        f"columns {step.columns is None} {spread} {index}",
        lambda: _column_tables(plan, step.columns, spread, number),
    )
    vectors = pitch // many if vector else pitch
    chunk = chunk_of(rows, vectors * before)
    launcher.rows(
        kernel, before, vectors * -(-rows // chunk), x, out, *row_tables, *column_tables,
        np.int64(before), *(number(v) for v in (in_rows, in_pitch, rows, pitch, inner, chunk)),
        np.int32(_width(step.rows)), np.int32(column_taps),
    )  # fmt: skip


def _way(rows: AxisTable | None, adjoint: bool) -> tuple[int, int]:
    """How the kernel resamples rows, and how many it holds."""
    if rows is None:
        return NONE, 1
    if rows.kind == "linear":
        return LINEAR, 2
    short = rows.taps <= SHORT
    # The rows of an adjoint advance by several: a ring would spend more on moving than on loads.
    return (LONG, rows.taps if short else 0) if adjoint or not short else (SUM, rows.taps)


def _width(table: AxisTable | None) -> int:
    """Weights of a row of the table."""
    return 1 if table is None else table.weights.shape[1]


def _row_tables(plan: Plan, table: AxisTable | None) -> tuple[np.ndarray, np.ndarray]:
    real = np.dtype(plan.arithmetic)
    if table is None:
        return np.zeros(1, np.int32), np.zeros(1, real)
    return table.start.astype(np.int32), table.weights.astype(real)


def _column_tables(
    plan: Plan, table: AxisTable | None, inner: int, number: type
) -> tuple[np.ndarray, np.ndarray]:
    """With `inner` an entry for every item of a row, tap by tap; else one for every pixel."""
    real = np.dtype(plan.arithmetic)
    if table is None:
        return np.zeros(1, number), np.zeros(1, real)
    start, weights = table.start, table.weights.astype(real)
    if inner:
        start = (start[:, None] * inner + np.arange(inner)).ravel()
        weights = np.repeat(weights.T, inner, axis=1)
    return start.astype(number), np.ascontiguousarray(weights)


# --- bilinear by two --------------------------------------------------------------------------


def _doubles(plan: Plan, d: Any, h: Any, w: Any, x: Any, out: Any) -> bool:
    """Whether a kernel for just that can do it."""
    if h is None or not (d is None or d.identity):
        return False
    for rule, window in zip(plan.spec.rules[-2:], plan.spec.window[-2:], strict=True):
        if not (rule.kind == "linear" and rule.period == 2 and rule.m == 2 * rule.n):
            return False
        if window != (0, rule.m):
            return False
    many, inner = lanes(ITEMS[plan.spec.dtype]), x.shape[4]
    if plan.adjoint:
        fits = inner % many == 0 if inner > 1 else out.shape[3] % many == 0
        return fits and aligned(x, VECTOR) and aligned(out, VECTOR)
    half = many // 2 * x.itemsize
    return (
        inner == 1
        and x.shape[3] * x.itemsize % half == 0
        and aligned(x, half)
        and aligned(out, VECTOR)
    )


def _double(launcher: Launcher, plan: Plan, x: Any, out: Any) -> None:
    planes = prod(x.shape[:2])
    height, width = x.shape[2:4]
    index = index_of(prod(out.shape[2:]))
    number = integers(index)
    vectors = 2 * width * x.itemsize // VECTOR
    chunk = chunk_of(height, vectors * planes)
    launcher.rows(
        linear2x(ITEMS[plan.spec.dtype], ITEMS[plan.arithmetic], index), planes,
        vectors * -(-height // chunk),
        x, out, np.int64(planes), number(height), number(width), number(chunk),
    )  # fmt: skip


def _halve(launcher: Launcher, plan: Plan, grad: Any, out: Any) -> None:
    planes = prod(out.shape[:2])
    height, width, inner = out.shape[2:]
    index = index_of(prod(grad.shape[2:]))
    number = integers(index)
    vectors = width * inner * out.itemsize // VECTOR
    chunk = chunk_of(height, vectors * planes)
    launcher.rows(
        halve(ITEMS[plan.spec.dtype], ITEMS[plan.arithmetic], inner > 1, index), planes,
        vectors * -(-height // chunk), grad, out, np.int64(planes),
        number(height), number(width), number(inner), number(chunk),
    )  # fmt: skip
