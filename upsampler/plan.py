"""From a spec to the axis tables that a backend applies; cached, sliced to the window."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from .axis import AxisRule, AxisTable
from .spec import ResampleSpec, accumulator

CACHE_BYTES = 64 << 20
# Tables are made for at most this many outputs of an axis at once.  Longer windows are done
# piece by piece, which bounds the tables of a signal of 2^31 samples to a few hundred MB.
PIECE = 1 << 22
DERIVED = 2  # a table and what backends derive from it (weights in their own order), in tables


@dataclass(frozen=True, eq=False)
class Plan:
    """A spec with its tables: everything a backend needs besides the arrays.

    `adjoint` plans map gradients of the window to gradients of the whole input.
    """

    spec: ResampleSpec
    adjoint: bool = False
    compiled: dict[str, Any] = field(default_factory=dict, repr=False)  # a place for backends

    @cached_property
    def tables(self) -> tuple[AxisTable, ...]:
        pairs = zip(self.spec.rules, self.spec.window, strict=True)
        return tuple(_table(rule, lo, hi, self.adjoint) for rule, (lo, hi) in pairs)

    @property
    def arithmetic(self) -> str:
        """float32 or float64; decided by the full tables, never by the window."""
        return accumulator(self.spec.dtype, max(t.full_taps for t in self.tables))

    @property
    def nbytes(self) -> int:
        return sum(t.nbytes for t in self.tables)

    def pieces(self) -> Iterator[tuple[Plan, tuple[slice, ...]]]:
        """Plans that together do a long window, with the slices of the result they fill.

        Each is to be dropped before the next is taken: together they hold the tables of all.
        """
        cuts = [
            [(a, min(a + PIECE, hi)) for a in range(lo, hi, PIECE)] or [(lo, hi)]
            for lo, hi in self.spec.window
        ]
        origin = [lo for lo, _ in self.spec.window]
        first = self.spec.layout.first
        for window in product(*cuts):
            where = [slice(a - o, b - o) for (a, b), o in zip(window, origin, strict=True)]
            yield (
                Plan(replace(self.spec, window=tuple(window))),
                (slice(None),) * first + tuple(where),
            )

    @property
    def is_long(self) -> bool:
        return not self.adjoint and any(hi - lo > PIECE for lo, hi in self.spec.window)


class BoundedCache:
    """Least recently used first out, bounded in bytes; safe from several threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held = 0
        self._lock = threading.Lock()
        self._entries: OrderedDict[Any, tuple[Any, int]] = OrderedDict()

    def get(self, key: Any, make: Callable[[], Any], cost: Callable[[Any], int]) -> Any:
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
                return entry[0]
        value = make()
        size = cost(value)
        if size > self.limit // 2:
            return value
        with self._lock:
            if key not in self._entries:
                self._entries[key] = (value, size)
                self._held += size
                while self._held > self.limit:
                    _, (_, dropped) = self._entries.popitem(last=False)
                    self._held -= dropped
        return value


_PLANS = BoundedCache(CACHE_BYTES)
# Plans of other windows share the tables of an axis where its range is the same: a viewer that
# pans downwards, or asks for single rows, makes new tables for one axis only.
_TABLES = BoundedCache(CACHE_BYTES)


def _table(rule: AxisRule, lo: int, hi: int, adjoint: bool) -> AxisTable:
    def make() -> AxisTable:
        return rule.table().transpose(lo, hi) if adjoint else rule.table(lo, hi)

    table: AxisTable = _TABLES.get((rule, lo, hi, adjoint), make, lambda t: DERIVED * t.nbytes)
    return table


def _cost(plan: Plan) -> int:
    """Bytes of the tables and of what a backend derives from them, estimated before both exist."""
    spec = plan.spec
    rows = [
        r.n if plan.adjoint else hi - lo
        for r, (lo, hi) in zip(spec.rules, spec.window, strict=True)
    ]
    return 512 + sum(8 * DERIVED * n * (1 + r.taps) for n, r in zip(rows, spec.rules, strict=True))


def plan_for(spec: ResampleSpec, adjoint: bool = False) -> Plan:
    """The plan of a spec, remembered while the cache has room for it."""
    return _PLANS.get((spec, adjoint), lambda: Plan(spec, adjoint), _cost)


def result_bytes(shape: tuple[int, ...], itemsize: int) -> int:
    return prod(shape) * itemsize
