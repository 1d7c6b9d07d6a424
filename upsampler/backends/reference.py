"""The definition of every operation, in plain NumPy and float64.  The oracle; never fast.

The arithmetic is float64 throughout (a result may therefore differ from the other backends in
the last bits of float32), and an axis table is applied as what it is: a weighted sum of rows
of the input, with terms of weight zero left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from ..axis import AxisTable
from ..conv_spec import ConvSpec
from ..layout import Layout, by_letters, canonical
from ..plan import Plan
from ..pool_spec import PoolSpec
from ..resize_conv_spec import ResizeConvSpec
from ..spec import resample_spec


def apply_table(x: np.ndarray, table: AxisTable, axis: int) -> np.ndarray:
    """``out[i] = sum over t of weights[i, t] * x[start[i] + t]`` along `axis`."""
    if table.kind == "copy":
        return np.take(x, table.start, axis=axis)
    if table.kind == "linear":
        return _apply_linear(x, table, axis)
    terms = [
        _weighted(np.take(x, table.start + t, axis=axis), table.weights[:, t], axis)
        for t in range(table.taps)
    ]
    return sum(terms[1:], start=terms[0])


def _weighted(x: np.ndarray, w: np.ndarray, axis: int) -> np.ndarray:
    """``w * x`` along `axis`, and 0 where w is 0, even where x is not finite."""
    shape = [1] * x.ndim
    shape[axis] = len(w)
    w = w.reshape(shape)
    return np.multiply(w, x, out=np.zeros(np.broadcast_shapes(w.shape, x.shape)), where=w != 0)


def _apply_linear(x: np.ndarray, table: AxisTable, axis: int) -> np.ndarray:
    """``a + w * (b - a)``, and the plain weighted sum where that is not finite."""
    a = np.take(x, table.start, axis=axis)
    b = np.take(x, np.minimum(table.start + 1, table.n - 1), axis=axis)
    w = table.weights[:, 0]
    result = a + _weighted(b - a, w, axis)
    plain = _weighted(a, 1.0 - w, axis) + _weighted(b, w, axis)
    return np.where(np.isfinite(result), result, plain)


def round_to(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """float64 to the data type: integers to nearest (ties up) and saturated, floats to nearest."""
    if dtype.kind not in "iu":
        return values.astype(dtype)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    below = np.floor(values)
    whole = below + (values - below >= 0.5)
    result = np.clip(whole, float(low), np.nextafter(float(high), 0) if high > 2**53 else high)
    result = result.astype(dtype)
    result[whole >= float(high)] = high
    return result


class Reference:
    name = "reference"

    def resample(
        self, plan: Plan, x: np.ndarray, out: np.ndarray, threads: int, fresh: bool
    ) -> None:
        values = x if plan.spec.copies and not plan.adjoint else x.astype(np.float64)
        passes = list(zip(plan.spec.layout.axes, plan.tables, strict=True))
        # Innermost axis first; the adjoint undoes it, outermost first.
        with np.errstate(all="ignore"):
            for axis, table in passes if plan.adjoint else reversed(passes):
                values = apply_table(values, table, axis)
            out[...] = values if values.dtype == out.dtype else round_to(values, out.dtype)

    # Transposed convolution, as it is defined: arrays are seen as (N, groups, C / groups, ...).

    def shuffle(
        self, layout: Layout, factor: int, x: np.ndarray, out: np.ndarray, up: bool
    ) -> None:
        """Views (N, C, r, r, H, W) of both sides: splitting an axis never copies."""
        r = factor
        small, large = (by_letters(a, layout, "NCHW") for a in ((x, out) if up else (out, x)))
        n, c, h, w = small.shape
        groups = small.reshape(n, c // (r * r), r, r, h, w)
        blocks = large.reshape(n, c // (r * r), h, r, w, r).transpose(0, 1, 3, 5, 2, 4)
        target, source = (blocks, groups) if up else (groups, blocks)
        target[...] = source

    def conv_transpose(
        self,
        spec: ConvSpec,
        x: np.ndarray,
        weight: np.ndarray,
        bias: np.ndarray | None,
        out: np.ndarray,
        threads: int,
    ) -> None:
        w = _grouped_weight(spec, weight)
        values = _channels_first(spec, x, spec.channels_in)
        whole = np.zeros((*values.shape[:2], w.shape[2], *_reach(spec)))
        for tap in _taps(spec):
            term = np.einsum("ngi...,gio->ngo...", values, w[(..., *tap)])
            whole[_places(spec, tap)] += term
        if bias is not None:
            whole += bias.astype(np.float64).reshape(spec.groups, -1, *[1] * spec.rank)
        _channels_first_view(spec, out)[...] = whole[_window(spec)].reshape(
            spec.batch, spec.channels_out, *[hi - lo for lo, hi in spec.window]
        )

    def conv_transpose_backward(
        self,
        spec: ConvSpec,
        grad: np.ndarray,
        x: np.ndarray,
        weight: np.ndarray,
        grad_x: np.ndarray,
        grad_weight: np.ndarray,
        grad_bias: np.ndarray,
        threads: int,
    ) -> None:
        w = _grouped_weight(spec, weight)
        values = _channels_first(spec, x, spec.channels_in)
        whole = np.zeros((*values.shape[:2], w.shape[2], *_reach(spec)))
        whole[_window(spec)] = _channels_first(spec, grad, spec.channels_out)
        there = np.zeros((1, 1, 1, *_reach(spec)), bool)
        there[_window(spec)] = True
        gx, gw = np.zeros(values.shape), np.zeros(w.shape)
        for tap in _taps(spec):
            seen = whole[_places(spec, tap)]
            share = np.einsum("ngo...,gio->ngi...", seen, w[(..., *tap)])
            gx += np.where(there[_places(spec, tap)], share, 0)  # no NaN from outputs cut off
            pixels = prod(spec.small)
            flat = [a.reshape(*a.shape[:3], pixels) for a in (seen, values)]
            gw[(..., *tap)] = np.einsum("ngok,ngik->gio", *flat)
        _channels_first_view(spec, grad_x)[...] = gx.reshape(
            spec.batch, spec.channels_in, *spec.small
        )
        grad_weight[...] = gw.reshape(spec.weight_shape)
        others = (0, *range(3, whole.ndim))
        grad_bias[...] = whole.sum(axis=others).ravel()

    # Resize-convolution: upsample, pad, convolve.

    def resize_conv(
        self,
        spec: ResizeConvSpec,
        x: np.ndarray,
        weight: np.ndarray,
        bias: np.ndarray | None,
        out: np.ndarray,
        threads: int,
    ) -> None:
        w = _grouped(spec, weight)
        padded = _continued(spec, _upsampled(spec, x))
        whole = np.zeros((*padded.shape[:2], w.shape[1], *spec.large))
        for tap in np.ndindex(spec.kernel):
            seen = padded[_seen_by(spec, tap)]
            whole += np.einsum("ngihw,goi->ngohw", seen, w[(..., *tap)])
        if bias is not None:
            whole += bias.astype(np.float64).reshape(spec.groups, w.shape[1], 1, 1)
        window: tuple[Any, ...] = (..., *(slice(lo, hi) for lo, hi in spec.window))
        part = whole[window]
        view = by_letters(out, spec.layout, "NCHW")
        view[...] = part.reshape(view.shape)

    def resize_conv_backward(
        self,
        spec: ResizeConvSpec,
        grad: np.ndarray,
        x: np.ndarray,
        weight: np.ndarray,
        grad_x: np.ndarray,
        grad_weight: np.ndarray,
        grad_bias: np.ndarray,
        threads: int,
    ) -> None:
        w = _grouped(spec, weight)
        padded = _continued(spec, _upsampled(spec, x))
        whole = np.zeros((*padded.shape[:2], w.shape[1], *spec.large))
        window: tuple[Any, ...] = (..., *(slice(lo, hi) for lo, hi in spec.window))
        whole[window] = by_letters(grad, spec.layout, "NCHW").reshape(whole[window].shape)
        gp, gw = np.zeros(padded.shape), np.zeros(w.shape)
        for tap in np.ndindex(spec.kernel):
            seen = _seen_by(spec, tap)
            gp[seen] += np.einsum("ngohw,goi->ngihw", whole, w[(..., *tap)])
            gw[(..., *tap)] = np.einsum("ngohw,ngihw->goi", whole, padded[seen])
        for axis, (before, after) in zip((3, 4), spec.padding, strict=True):
            gp = np.moveaxis(gp, axis, 0)
            inside = gp[before : len(gp) - after]
            if spec.padding_mode == "replicate":
                inside[0] += gp[:before].sum(axis=0)
                inside[-1] += gp[len(gp) - after :].sum(axis=0)
            gp = np.moveaxis(inside, 0, axis)
        for axis, table in zip((3, 4), _resizing(spec), strict=True):
            gp = apply_table(gp, table.transpose(), axis)
        view = by_letters(grad_x, spec.layout, "NCHW")
        view[...] = gp.reshape(view.shape)
        grad_weight[...] = gw.reshape(grad_weight.shape)
        grad_bias[...] = whole.sum(axis=(0, 3, 4)).ravel()

    # Pooling: planes are seen as (outer, outer, H, W, inner).

    def avg_pool(self, spec: PoolSpec, x: np.ndarray, out: np.ndarray, threads: int) -> None:
        planes = _padded(_planes(spec, x).astype(np.float64), spec, 0.0)
        total = np.zeros(_planes(spec, out).shape)
        for i, j in np.ndindex(spec.kernel):
            total = total + _tap(planes, spec, i, j)
        _planes(spec, out)[...] = round_to(total / (spec.kernel[0] * spec.kernel[1]), out.dtype)

    def avg_pool_backward(
        self, spec: PoolSpec, grad: np.ndarray, out: np.ndarray, threads: int
    ) -> None:
        share = _planes(spec, grad).astype(np.float64) / (spec.kernel[0] * spec.kernel[1])
        padded = _padded(np.zeros(_planes(spec, out).shape), spec, 0.0)
        for i, j in np.ndindex(spec.kernel):
            _tap(padded, spec, i, j)[...] += share
        (ph, pw), (h, w) = spec.padding, spec.large
        _planes(spec, out)[...] = padded[:, :, ph : ph + h, pw : pw + w]

    def max_pool(
        self,
        spec: PoolSpec,
        x: np.ndarray,
        out: np.ndarray,
        indices: np.ndarray | None,
        threads: int,
    ) -> None:
        view = _planes(spec, x)
        h, w = spec.large
        place = np.broadcast_to(np.arange(h * w).reshape(h, w, 1), view.shape)
        # Padding is never chosen: it is marked with place -1 and skipped.
        values, place = _padded(view, spec, view.dtype.type(0)), _padded(place, spec, -1)
        best = np.zeros(_planes(spec, out).shape, view.dtype)
        where = np.full(best.shape, -1)
        for i, j in np.ndindex(spec.kernel):
            v, p = _tap(values, spec, i, j), _tap(place, spec, i, j)
            # The first maximum wins; a NaN wins over everything, the last NaN over the others.
            with np.errstate(invalid="ignore"):  # bfloat16 warns of comparisons with NaN
                take = (p >= 0) & ((where < 0) | (v > best) | (v != v))
            best, where = np.where(take, v, best), np.where(take, p, where)
        _planes(spec, out)[...] = best
        if indices is not None:
            _planes(spec, indices)[...] = where

    def scatter(
        self, spec: PoolSpec, x: np.ndarray, indices: np.ndarray, out: np.ndarray, add: bool
    ) -> None:
        out[...] = 0
        for values, places, plane in _each_plane(spec, x, indices, out):
            if add:
                total = np.zeros(plane.shape)
                np.add.at(total.reshape(-1), places, values.astype(np.float64))
                plane[...] = total
            else:
                for value, place in zip(values, places, strict=True):  # the last one stays
                    plane[divmod(int(place), spec.large[1])] = value

    def gather(self, spec: PoolSpec, x: np.ndarray, indices: np.ndarray, out: np.ndarray) -> None:
        view, places, planes = (_planes(spec, a) for a in (out, indices, x))
        for o0, o1, h, w, c in np.ndindex(view.shape):
            place = divmod(int(places[o0, o1, h, w, c]), spec.large[1])
            view[o0, o1, h, w, c] = planes[(o0, o1, *place, c)]


def _channels_first_view(spec: ConvSpec, x: np.ndarray) -> np.ndarray:
    """`x` as a view of shape (N, C, spatial...)."""
    return by_letters(x, spec.layout, "NC" + "DHW"[3 - spec.rank :])


def _channels_first(spec: ConvSpec, x: np.ndarray, channels: int) -> np.ndarray:
    """The values of `x` in float64, of shape (N, groups, channels / groups, spatial...)."""
    view = _channels_first_view(spec, x).astype(np.float64)
    return view.reshape(spec.batch, spec.groups, channels // spec.groups, *view.shape[2:])


def _grouped_weight(spec: ConvSpec, weight: np.ndarray) -> np.ndarray:
    """Shape (groups, C_in / groups, C_out / groups, kernel...)."""
    per_group = spec.channels_in // spec.groups
    return weight.astype(np.float64).reshape(spec.groups, per_group, *weight.shape[1:])


def _taps(spec: ConvSpec) -> Iterator[tuple[Any, ...]]:
    return iter(np.ndindex(*spec.kernel))


def _reach(spec: ConvSpec) -> tuple[int, ...]:
    """Outputs before the padding is cut off, with room for the window's end."""
    return tuple(
        max((n - 1) * s + d * (k - 1) + 1, p + m)
        for n, s, d, k, p, m in zip(
            spec.small, spec.stride, spec.dilation, spec.kernel, spec.padding, spec.large,
            strict=True,
        )
    )  # fmt: skip


def _places(spec: ConvSpec, tap: tuple[int, ...]) -> tuple[Any, ...]:
    """Where a tap of the kernel puts the inputs, before the padding is cut off."""
    steps = zip(tap, spec.dilation, spec.small, spec.stride, strict=True)
    return (..., *(slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in steps))


def _window(spec: ConvSpec) -> tuple[Any, ...]:
    pairs = zip(spec.padding, spec.window, strict=True)
    return (..., *(slice(p + a, p + b) for p, (a, b) in pairs))


def _grouped(spec: ResizeConvSpec, weight: np.ndarray) -> np.ndarray:
    """Shape (groups, C_out / groups, C_in / groups, kH, kW)."""
    outer = spec.channels_out // spec.groups
    return weight.astype(np.float64).reshape(spec.groups, outer, *weight.shape[1:])


def _resizing(spec: ResizeConvSpec) -> list[AxisTable]:
    resize = resample_spec(
        spec.small, np.dtype(np.float64), None, list(spec.factor), spec.mode, layout="HW"
    )
    return [rule.table(0, rule.m) for rule in resize.rules]


def _upsampled(spec: ResizeConvSpec, x: np.ndarray) -> np.ndarray:
    """Float64, of shape (N, groups, C / groups, H, W)."""
    view = by_letters(x, spec.layout, "NCHW").astype(np.float64)
    for axis, table in zip((2, 3), _resizing(spec), strict=True):
        view = apply_table(view, table, axis)
    return view.reshape(spec.batch, spec.groups, spec.channels_in // spec.groups, *spec.up)


def _continued(spec: ResizeConvSpec, up: np.ndarray) -> np.ndarray:
    around = ((0, 0), (0, 0), (0, 0), *spec.padding)
    return np.pad(up, around, mode="edge" if spec.padding_mode == "replicate" else "constant")


def _seen_by(spec: ResizeConvSpec, tap: tuple[int, ...]) -> tuple[Any, ...]:
    """What a tap of the kernel sees of the padded input: one sample for each output."""
    steps = zip(tap, spec.dilation, spec.large, strict=True)
    return (..., *(slice(t * d, t * d + m) for t, d, m in steps))


def _planes(spec: PoolSpec, x: np.ndarray) -> np.ndarray:
    """`x` as a view of shape (outer, outer, H, W, inner), whatever its layout."""
    view = canonical(spec.layout).view(x)
    return view[:, :, 0]


def _padded(planes: np.ndarray, spec: PoolSpec, value: Any) -> np.ndarray:
    (ph, pw) = spec.padding
    return np.pad(planes, ((0, 0), (0, 0), (ph, ph), (pw, pw), (0, 0)), constant_values=value)


def _tap(padded: np.ndarray, spec: PoolSpec, i: int, j: int) -> np.ndarray:
    """What tap (i, j) of the kernel sees, as a view: one value for each output."""
    (sh, sw), (h, w) = spec.stride, spec.small
    return padded[:, :, i : i + sh * (h - 1) + 1 : sh, j : j + sw * (w - 1) + 1 : sw]


def _each_plane(spec: PoolSpec, small: np.ndarray, indices: np.ndarray, large: np.ndarray) -> Any:
    """Values and places of each channel, flat, with the plane (a view) they belong to."""
    s, p, b = (_planes(spec, a) for a in (small, indices, large))
    for o in np.ndindex(s.shape[0], s.shape[1]):
        for c in range(s.shape[4]):
            yield s[o][:, :, c].reshape(-1), p[o][:, :, c].reshape(-1), b[o][:, :, c]


backend = Reference()


def status() -> dict[str, Any]:
    return {
        "available": True,
        "reason": None,
        "instruction_set": "numpy",
        "instruction_sets": ("numpy",),
        "threads": 1,
    }
