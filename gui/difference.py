"""How far a result is from the reference, window by window, and in which colours that is shown.

Both are counted from black 0 to white 1.  A window of a difference is the crop of the whole one:
what looks at surroundings (SSIM) fetches them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import floor, log2

import numpy as np

from .settings import Diff, DiffKind
from .source import Source
from .state import Subject

Window = Callable[[Subject, tuple[int, int], tuple[int, int]], np.ndarray]  # -> (h, w, C)

FLOOR = 1 / 255  # of the reference in a relative difference: one level of 8 bits
SIDE = 7  # of the windows of SSIM, as scikit-image has it
K1, K2 = 0.01, 0.03
# Luminance grows steadily along both maps, and neither tells anything by red against green.
_FLAME = (
    (0, 0, 4), (27, 12, 65), (74, 12, 107), (120, 28, 109), (165, 44, 96), (207, 68, 70),
    (237, 105, 37), (251, 155, 6), (247, 209, 61), (252, 255, 164),
)  # fmt: skip
_BLUE_ORANGE = (
    (196, 228, 255), (96, 176, 255), (28, 104, 190), (12, 44, 92), (10, 10, 14),
    (92, 42, 4), (184, 90, 6), (255, 160, 40), (255, 226, 170),
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """A way to look at a pane: not its values, but how far they are from those of `versus`."""

    diff: Diff
    versus: Subject


def span(source: Source) -> float:
    """The distance of black and white in the numbers that are interpolated."""
    if source.values.dtype.name in ("uint8", "uint16"):
        return float(np.iinfo(source.values.dtype).max)
    floats = source.values.dtype.kind == "f"
    if source.weighted or (floats and 0 <= source.low <= source.high <= 1):
        return 1.0
    return (source.high - source.low) or 1.0


def why_not(a: Subject, b: Subject) -> str | None:
    """Why there is no difference of two results, in a sentence."""
    if a.size != b.size:
        (ah, aw), (bh, bw) = a.size, b.size
        return (
            f"This pane makes {aw} x {ah} pixels and the reference has {bw} x {bh}: give both the "
            "same scale to see their difference."
        )
    if a.source.values.shape[2] != b.source.values.shape[2]:
        return (
            f"This pane has {a.source.values.shape[2]} channels and the reference "
            f"{b.source.values.shape[2]}: they have no difference."
        )
    return None


def window(
    look: Difference, of: Subject, rows: tuple[int, int], cols: tuple[int, int], fetch: Window
) -> np.ndarray:
    """(rows, cols, 1) float32: the difference of `of` in a window of the result.

    Raises
    ------
    ValueError
        If the two have no difference: a sentence that says why.
    """
    reason = why_not(of, look.versus)
    if reason is not None:
        raise ValueError(reason)

    def units(subject: Subject, rows: tuple[int, int], cols: tuple[int, int]) -> np.ndarray:
        return fetch(subject, rows, cols).astype(np.float64) / span(subject.source)

    if look.diff.kind is not DiffKind.SSIM:
        a, b = units(of, rows, cols), units(look.versus, rows, cols)
        return values(a, b, look.diff.kind)
    (wide_rows, pad_rows), (wide_cols, pad_cols) = (
        _widened(edges, length) for edges, length in zip((rows, cols), of.size, strict=True)
    )
    pad = (pad_rows, pad_cols, (0, 0))
    a, b = (
        np.pad(units(subject, wide_rows, wide_cols), pad, mode="symmetric")
        for subject in (of, look.versus)
    )
    return dissimilarity(a, b)


def values(a: np.ndarray, b: np.ndarray, kind: DiffKind) -> np.ndarray:
    """(h, w, 1) float32: of all channels the difference that is farthest from 0."""
    with np.errstate(invalid="ignore", over="ignore"):  # infinity less infinity is NaN, and shown
        d = a - b
        if kind is DiffKind.SIGNED:
            worst = np.abs(d).argmax(axis=2)[..., None]
            return np.take_along_axis(d, worst, axis=2).astype(np.float32)
        size = np.abs(d)
        if kind is DiffKind.SQUARED:
            size = d * d
        elif kind is DiffKind.RELATIVE:
            size = size / np.maximum(np.abs(b), FLOOR)
        return size.max(axis=2, keepdims=True).astype(np.float32)


def dissimilarity(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(h, w, 1) float32: 1 - SSIM of each 7 x 7 neighbourhood, the mean over the channels.

    `a` and `b` are 3 pixels larger on every side.  As scikit-image's ``structural_similarity``
    with its own settings: plain windows, unbiased variances.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        return _dissimilarity(a, b)


def _dissimilarity(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    count = SIDE * SIDE
    unbiased = count / (count - 1)
    ma, mb = _mean(a), _mean(b)
    va = unbiased * (_mean(a * a) - ma * ma)
    vb = unbiased * (_mean(b * b) - mb * mb)
    cov = unbiased * (_mean(a * b) - ma * mb)
    c1, c2 = K1 * K1, K2 * K2
    top = (2 * ma * mb + c1) * (2 * cov + c2)
    bottom = (ma * ma + mb * mb + c1) * (va + vb + c2)
    return (1 - (top / bottom).mean(axis=2, keepdims=True)).astype(np.float32)


def painted(values: np.ndarray, diff: Diff) -> tuple[np.ndarray, np.ndarray, float, float]:
    """(h, w) differences after the threshold, the colours of the map, and what has its ends."""
    v = values[..., 0]
    if diff.threshold > 0:
        v = np.where(np.abs(v) <= diff.threshold, np.float32(0), v)
    high = 1 / diff.gain
    return v, _colours(diff.kind), -high if diff.kind is DiffKind.SIGNED else 0.0, high


@lru_cache
def _colours(kind: DiffKind) -> np.ndarray:
    r, g, b = palette(kind).astype(np.uint32).T
    return 0xFF000000 | r << 16 | g << 8 | b


def palette(kind: DiffKind) -> np.ndarray:
    """(256, 3) uint8: the colours from no difference to white, or from -white to white."""
    anchors = np.array(_BLUE_ORANGE if kind is DiffKind.SIGNED else _FLAME, np.float64)
    at = np.linspace(0, len(anchors) - 1, 256)
    channels = [np.interp(at, np.arange(len(anchors)), anchors[:, i]) for i in range(3)]
    return (np.stack(channels, axis=1) + 0.5).astype(np.uint8)


def told(kind: DiffKind) -> str:
    """What the colours stand for."""
    return "1 \N{MINUS SIGN} SSIM" if kind is DiffKind.SSIM else kind.value


def gain_for(found: Iterable[np.ndarray]) -> float | None:
    """The largest power of two that leaves nearly all of these differences within the map.

    None where there are none: nothing that is not finite counts, nor does the largest thousandth.
    """
    sizes = [np.abs(values[np.isfinite(values)]) for values in found]
    sizes = [values for values in sizes if values.size]
    if not sizes:
        return None
    largest = float(np.quantile(np.concatenate(sizes), 0.999))
    return 2.0 ** floor(-log2(largest)) if largest > 0 else None


def ends(diff: Diff) -> tuple[str, str]:
    """What the first and the last colour of the map stand for."""
    high = f"{1 / diff.gain:.3g}"
    return (f"\N{MINUS SIGN}{high}", f"+{high}") if diff.kind is DiffKind.SIGNED else ("0", high)


def _widened(edges: tuple[int, int], length: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The edges with room for a window of SSIM, and how much of it lies beyond the picture."""
    half = SIDE // 2
    first, last = max(edges[0] - half, 0), min(edges[1] + half, length)
    return (first, last), (half - (edges[0] - first), half - (last - edges[1]))


def _mean(x: np.ndarray) -> np.ndarray:
    """Means of all SIDE x SIDE windows of (h, w, C)."""
    # Adding seven shifted arrays takes a fifth of the time that means of sliding windows take.
    height, width = x.shape[0] - SIDE + 1, x.shape[1] - SIDE + 1
    down = sum(x[i : i + height] for i in range(1, SIDE)) + x[:height]
    across = sum(down[:, i : i + width] for i in range(1, SIDE)) + down[:, :width]
    return across / (SIDE * SIDE)
