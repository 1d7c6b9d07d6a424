"""From a spec to the axis tables that a backend applies; cached, sliced to the window."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from . import pieces
from .axis import AxisRule, AxisTable
from .lazy import lazy
from .spec import ResampleSpec, accumulator

CACHE_BYTES = 64 << 20
PLAN_BYTES = 6000  # a plan for a small picture, measured with what the CPU backend makes of it
SHORT_GRADIENT = 64  # terms up to which gradients of short filters are added up in their arithmetic
DERIVED = 2  # a table and what backends derive from it (weights in their own order), in tables

Slices = tuple[slice, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """A spec with its tables: everything a backend needs besides the arrays.

    `adjoint` plans map gradients of the window to gradients of the whole input.
    """

    spec: ResampleSpec
    adjoint: bool = False
    compiled: dict[str, Any] = field(default_factory=dict, repr=False)  # a place for backends

    @lazy
    def tables(self) -> tuple[AxisTable, ...]:
        pairs = zip(self.spec.rules, self.spec.window, strict=True)
        return tuple(_table(rule, lo, hi, self.adjoint) for rule, (lo, hi) in pairs)

    @property
    def arithmetic(self) -> str:
        """float32 or float64; decided by the rules, never by the window.

        Gradients take what their filter takes, although they add up more terms: a few dozen
        products lose no more of a float32 than its last two digits.
        """
        rules = self.spec.rules
        long = self.adjoint and max(r.adjoint_taps for r in rules) > SHORT_GRADIENT
        return "float64" if long else accumulator(self.spec.dtype, max(r.taps for r in rules))

    def pieces(self) -> Iterator[tuple[Plan, Slices, Slices]]:
        """Plans that together do a long window, each with the slices of input and result it takes.

        Each is to be dropped before the next is taken: together they may hold the tables of all.
        """
        spec = self.spec
        cuts = (
            list(pieces.pieces(rule, lo, hi))
            for rule, (lo, hi) in zip(spec.rules, spec.window, strict=True)
        )
        every = (slice(None),) * spec.layout.first
        shared = all(map(pieces.shares, spec.rules))
        for parts in product(*cuts):
            lengths = tuple(part.rule.n for part in parts)
            part_spec = replace(
                spec,
                shape=spec.layout.with_spatial(spec.shape, lengths),
                rules=tuple(part.rule for part in parts),
                window=tuple(part.window for part in parts),
            )
            yield (
                plan_for(part_spec) if shared else Plan(part_spec),
                every + tuple(part.source for part in parts),
                every + tuple(part.target for part in parts),
            )

    @property
    def is_long(self) -> bool:
        return not self.adjoint and any(
            pieces.is_long(rule, lo, hi)
            for rule, (lo, hi) in zip(self.spec.rules, self.spec.window, strict=True)
        )


class BoundedCache:
    """Least recently used first out, bounded in bytes; safe from several threads and after fork."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forget)
        self.forget()

    def forget(self) -> None:
        """Drop all entries, and a lock that a thread of the parent of a fork may hold."""
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
        table = rule.table(lo, hi)
        return table.transpose() if adjoint else table

    table: AxisTable = _TABLES.get((rule, lo, hi, adjoint), make, lambda t: DERIVED * t.nbytes)
    return table


def _cost(plan: Plan) -> int:
    """Bytes of the tables and of what a backend derives from them, estimated before both exist."""
    spec = plan.spec
    rows = [
        r.n if plan.adjoint else hi - lo
        for r, (lo, hi) in zip(spec.rules, spec.window, strict=True)
    ]
    return PLAN_BYTES + sum(
        8 * DERIVED * n * (1 + r.taps) for n, r in zip(rows, spec.rules, strict=True)
    )


def plan_for(spec: ResampleSpec, adjoint: bool = False) -> Plan:
    """The plan of a spec, remembered while the cache has room for it."""
    return _PLANS.get((spec, adjoint), lambda: Plan(spec, adjoint), _cost)
