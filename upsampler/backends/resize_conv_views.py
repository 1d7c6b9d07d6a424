"""Parts of arrays, for resize-convolutions."""

from __future__ import annotations

import numpy as np

from ..layout import Layout
from ..resize_conv_spec import ResizeConvSpec
from .resize_conv_parts import Window


def cropped(x: np.ndarray, layout: Layout, window: Window) -> np.ndarray:
    """A view of a part of `x`."""
    return x[(slice(None),) * layout.first + tuple(slice(lo, hi) for lo, hi in window)]


def inside(out: np.ndarray, spec: ResizeConvSpec, window: Window) -> np.ndarray:
    """The part of an array of the spec's window that holds another window."""
    moved = zip(window, spec.window, strict=True)
    return cropped(out, spec.layout, tuple((lo - a, hi - a) for (lo, hi), (a, _) in moved))


def continued(x: np.ndarray, layout: Layout, around: Window) -> np.ndarray:
    """`x` with its border repeated along H and W."""
    if not any(map(any, around)):
        return x
    letters = dict(zip("HW", around, strict=True))
    return np.pad(x, [letters.get(c, (0, 0)) for c in layout.text], mode="edge")


def border_added(g: np.ndarray, layout: Layout, around: Window) -> np.ndarray:
    """The adjoint of `continued`: what lies outside is added to the border."""
    for axis, (before, after) in zip(layout.axes, around, strict=True):
        g = np.moveaxis(g, axis, 0)
        n = len(g) - after
        if before:
            g[before] += g[:before].sum(axis=0)
        if after:
            g[n - 1] += g[n:].sum(axis=0)
        g = np.moveaxis(g[before:n], 0, axis)
    return g
