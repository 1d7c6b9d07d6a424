"""From a spec to the axis tables that a backend applies; cached, sliced to the window."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

from .axis import AxisTable
from .spec import ResampleSpec, accumulator

CACHE_BYTES = 64 << 20
# Tables are made for at most this many outputs of an axis at once.  Longer windows are done
# piece by piece, which bounds the tables of a signal of 2^31 samples to a few hundred MB.
PIECE = 1 << 22


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
        if not self.adjoint:
            pairs = zip(self.spec.rules, self.spec.window, strict=True)
            return tuple(rule.table(lo, hi) for rule, (lo, hi) in pairs)
        return tuple(
            rule.table().transpose(lo, hi)
            for rule, (lo, hi) in zip(self.spec.rules, self.spec.window, strict=True)
        )

    @property
    def arithmetic(self) -> str:
        """float32 or float64; decided by the full tables, never by the window."""
        return accumulator(self.spec.dtype, max(t.full_taps for t in self.tables))

    @property
    def nbytes(self) -> int:
        return sum(t.nbytes for t in self.tables)

    def pieces(self) -> list[tuple[Plan, tuple[slice, ...]]]:
        """Plans that together do a long window, with the slices of the result they fill."""
        cuts: list[list[tuple[int, int]]] = [[]]
        for lo, hi in self.spec.window:
            parts = [(a, min(a + PIECE, hi)) for a in range(lo, hi, PIECE)] or [(lo, hi)]
            cuts = [[*c, part] for c in cuts for part in parts]
        origin = [lo for lo, _ in self.spec.window]
        first = self.spec.layout.first
        result = []
        for window in cuts:
            where = [slice(a - o, b - o) for (a, b), o in zip(window, origin, strict=True)]
            spec = replace(self.spec, window=tuple(window))
            result.append((Plan(spec), (slice(None),) * first + tuple(where)))
        return result

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
        if size > self.limit // 4:
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


def _cost(plan: Plan) -> int:
    """Bytes of the tables and of what a backend derives from them, estimated before both exist.

    A backend keeps the weights once more in its own type and order, hence the factor.
    """
    spec = plan.spec
    rows = [
        r.n if plan.adjoint else hi - lo
        for r, (lo, hi) in zip(spec.rules, spec.window, strict=True)
    ]
    return 512 + sum(16 * n * (1 + r.taps) for n, r in zip(rows, spec.rules, strict=True))


def plan_for(spec: ResampleSpec, adjoint: bool = False) -> Plan:
    """The plan of a spec, remembered while the cache has room for it."""
    return _PLANS.get((spec, adjoint), lambda: Plan(spec, adjoint), _cost)


def result_bytes(shape: tuple[int, ...], itemsize: int) -> int:
    return prod(shape) * itemsize
