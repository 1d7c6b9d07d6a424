"""Interpolation where only some outputs are wanted: every so many of them, or means over boxes.

A view of a large result shows one output in hundreds.  The axis tables tell what each one is made
from, so it can be had without its neighbours, and boxes of outputs without any of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .axis import AxisTable
from .backends import for_numpy
from .pieces import PIECE
from .plan import Plan
from .spec import ResampleSpec
from .threads import get_num_threads

Pick = np.ndarray  # int64, increasing


@dataclass(frozen=True, eq=False)
class _Chosen(Plan):
    """A plan with the rows of its tables chosen by somebody else."""

    chosen: tuple[AxisTable, ...] = ()

    @property
    def tables(self) -> tuple[AxisTable, ...]:
        return self.chosen

    @property
    def is_long(self) -> bool:
        return False


class Sampler:
    """What an interpolation has at single places of its result.

    Parameters
    ----------
    spec : ResampleSpec
        Of the whole result, of (H, W) or (H, W, C) pixels.
    """

    def __init__(self, spec: ResampleSpec) -> None:
        self.spec = spec
        # Whole tables, a few MB at the most: making those of each view anew took longer than
        # the arithmetic.
        self._tables = tuple(
            rule.table() if rule.m * rule.taps <= PIECE else None for rule in spec.rules
        )

    def samples(
        self, pixels: np.ndarray, rows: Pick, columns: Pick, threads: int | None
    ) -> np.ndarray:
        """(rows, columns[, C]): the outputs at these places, bit for bit those of `interpolate`."""
        tables = [self._picked(axis, at) for axis, at in enumerate((rows, columns))]
        return self._run(self.spec, pixels, tables, threads)

    def means(
        self, pixels: np.ndarray, row_edges: Pick, column_edges: Pick, threads: int | None
    ) -> np.ndarray:
        """(boxes down, boxes across[, C]): means of the outputs between the edges.

        The weights are averaged rather than the outputs: integers are rounded once, after the
        mean, and overshoot of cubic and Lanczos filters is cut off after it as well.
        """
        tables = [self._averaged(axis, at) for axis, at in enumerate((row_edges, column_edges))]
        # A mode that blends: the nearest modes would move items.
        return self._run(replace(self.spec, mode="bilinear"), pixels, tables, threads)

    def _run(
        self, spec: ResampleSpec, pixels: np.ndarray, tables: list[AxisTable], threads: int | None
    ) -> np.ndarray:
        shape = (tables[0].rows, tables[1].rows, *pixels.shape[2:])
        out = np.empty(shape, pixels.dtype)
        if out.size:
            plan = _Chosen(spec, chosen=tuple(tables))
            for_numpy().resample(plan, pixels, out, threads or get_num_threads(), True)
        return out

    def _rows(self, axis: int, lo: int, hi: int) -> AxisTable:
        """Rows lo:hi of the table of an axis."""
        table = self._tables[axis]
        if table is None:
            return self.spec.rules[axis].table(lo, hi)
        return replace(table, start=table.start[lo:hi], weights=table.weights[lo:hi])

    def _picked(self, axis: int, at: Pick) -> AxisTable:
        if not at.size:
            return self._rows(axis, 0, 0)
        lo = int(at[0])
        table = self._rows(axis, lo, int(at[-1]) + 1)
        if table.kind == "copy" and not self.spec.copies:
            table = table.as_sum()
        start, weights = table.start[at - lo], table.weights[at - lo]
        return replace(table, start=start, weights=weights, identity=False, period=0)

    def _averaged(self, axis: int, edges: Pick) -> AxisTable:
        boxes = len(edges) - 1
        if boxes < 1:
            return self._rows(axis, 0, 0)
        lo, hi = int(edges[0]), int(edges[-1])
        table = self._rows(axis, lo, hi).as_sum()
        at = edges - lo
        start = table.start[at[:-1]]
        taps = int((table.start[at[1:] - 1] + table.taps - start).max())
        start = np.minimum(start, table.n - taps)
        counts = np.diff(edges)
        box = np.repeat(np.arange(boxes), counts)
        place = (box * taps + table.start - start[box])[:, None] + np.arange(table.taps)
        sums = np.bincount(place.ravel(), table.weights.ravel(), boxes * taps)
        weights = sums.reshape(boxes, taps) / counts[:, None]
        return replace(table, kind="sum", start=start, weights=weights, identity=False, period=0)
