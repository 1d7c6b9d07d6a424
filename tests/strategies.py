"""What hypothesis draws: operations, and arrays in every kind of memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from . import cases


@dataclass(frozen=True)
class Operation:
    """A call of interpolate on an array of `shape`; `size` is the output's spatial size."""

    layout: str
    shape: tuple[int, ...]
    size: tuple[int, ...]
    mode: str
    keywords: dict[str, Any] = field(default_factory=dict)

    @property
    def first(self) -> int:
        return min(self.layout.index(c) for c in "DHW" if c in self.layout)

    @property
    def out_shape(self) -> tuple[int, ...]:
        return self.shape[: self.first] + self.size + self.shape[self.first + len(self.size) :]

    @property
    def arguments(self) -> dict[str, Any]:
        return {"size": self.size, "mode": self.mode, "layout": self.layout, **self.keywords}

    def crop(self, window: list[tuple[int, int]]) -> tuple[slice, ...]:
        return (slice(None),) * self.first + tuple(slice(*ends) for ends in window)


@st.composite
def operations(draw: Any, rules: list = cases.RULES, longest: int = 12) -> Operation:
    mode, keywords = draw(st.sampled_from(rules))
    rank = draw(st.sampled_from([1, 2, 2, 3]))
    layout = draw(st.sampled_from(cases.LAYOUTS[rank]))
    lengths = {c: draw(st.integers(1, longest)) for c in layout if c in "DHW"}
    lengths |= {c: draw(st.integers(1, 5)) for c in layout if c in "NC"}
    size = tuple(draw(st.integers(1, 2 * longest)) for c in layout if c in "DHW")
    return Operation(layout, tuple(lengths[c] for c in layout), size, mode, keywords)


@st.composite
def windows(draw: Any, size: tuple[int, ...]) -> list[tuple[int, int]]:
    ends = [sorted((draw(st.integers(0, m)), draw(st.integers(0, m)))) for m in size]
    return [(lo, hi) for lo, hi in ends]


# Memory: the same values, lying in it in another way.  Arrays are never written through these.


def _strided(x: np.ndarray) -> np.ndarray:
    wide = np.zeros([2 * n + 1 for n in x.shape], x.dtype)
    view = wide[tuple(slice(1, None, 2) for _ in x.shape)]
    view[...] = x
    return view


def _reversed(x: np.ndarray) -> np.ndarray:
    return np.flip(np.ascontiguousarray(np.flip(x)))


def _misaligned(x: np.ndarray) -> np.ndarray:
    raw = np.zeros(x.nbytes + 1, np.uint8)
    view = raw[1:].view(x.dtype).reshape(x.shape)
    view[...] = x
    return view


def _foreign(x: np.ndarray) -> np.ndarray:
    # ml_dtypes has no foreign byte order: bfloat16 stays as it is.
    return x if x.dtype == cases.BFLOAT16 else x.astype(x.dtype.newbyteorder())


def _read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


def _mixed_axes(x: np.ndarray) -> np.ndarray:
    order = np.roll(np.arange(x.ndim), 1)
    return np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))


MEMORY = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": _strided,
    "reversed": _reversed,
    "misaligned": _misaligned,
    "foreign": _foreign,
    "read-only": _read_only,
    "mixed axes": _mixed_axes,
}
memories = st.sampled_from(sorted(MEMORY))
seeds = st.integers(0, 2**32 - 1)


def same_bits(a: np.ndarray, b: np.ndarray) -> None:
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    np.testing.assert_array_equal(a, b)  # for its report; NaN and -0 are told apart below
    assert a.tobytes() == b.tobytes()
