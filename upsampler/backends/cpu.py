"""The CPU backend: picks the instruction set and the threads, and calls the loops."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from functools import partial
from math import prod
from types import ModuleType
from typing import Any

import numpy as np

from ..axis import AxisTable
from ..conv_spec import ConvSpec
from ..layout import Layout, by_letters, canonical
from ..plan import CACHE_BYTES, BoundedCache, Plan
from ..pool_spec import PoolSpec
from ..resize_conv_spec import ResizeConvSpec
from ..threads import available_cores, get_num_threads
from . import (  # type: ignore[attr-defined]
    _cpu_baseline,
    _threads,
    reference,
    resize_conv,
    resize_conv_gradients,
    resize_conv_strips,
)
from .conv_tables import Tables, backward_tables, forward_tables, weight_parts
from .pixel_tables import PixelTables, outer_side, outer_tables, pixel_tables, pixels_pay
from .shuffles import joined_picks, joined_rows, picks_of
from .tiles import LONG_TILE, TILE, byte_shift, column_tiles, row_table

# Results from this size on are written past the caches where their memory has been used before:
# plain stores first read the lines that they overwrite, from memory where other work came between
# (22 MB of float32: 1.3 ms whether it did or not, plainly 1.6 ms and 3.0 to 3.9 ms).  New memory
# is different: the system has just cleared it, through the caches, and streaming it made whole
# calls up to 1.5 times slower in pages of 4 kB, and no more than a tenth faster or slower in pages
# of 2 MB.
STREAM = 8 << 20

# Items of small planes whose rows are resampled as one, outputs of a row up to which that pays
# where sums are exact in 16 bits, and planes after which it does.
SHORT_TYPES = ("uint8", "uint16", "float16", "float32")
SHORT_BYTES = 64
PLANES = 100

_ISAS = ("avx512", "avx2", "baseline")


def _load(isa: str) -> ModuleType | None:
    """The loops built for an instruction set, None where this machine cannot run them."""
    if isa == "baseline":
        return _cpu_baseline
    if getattr(_threads, f"has_{isa}")():
        try:
            return importlib.import_module(f"upsampler.backends._cpu_{isa}")
        except ModuleNotFoundError:  # not built for this architecture
            return None
    return None


_LOOPS = {isa: loops for isa in _ISAS if (loops := _load(isa)) is not None}


class Cpu:
    """The compiled loops of one instruction set."""

    name = "cpu"

    def __init__(self, isa: str) -> None:
        self.isa = isa
        self.loops: Any = _LOOPS[isa]

    def resample(
        self, plan: Plan, x: np.ndarray, out: np.ndarray, threads: int, fresh: bool
    ) -> None:
        if plan.is_long:
            for piece, source, target in plan.pieces():
                self.resample(piece, x[source], out[target], threads, fresh)
            return
        if all(t.identity for t in plan.tables):
            window = zip(plan.spec.layout.axes, plan.spec.window, strict=True)
            crop = {axis: slice(lo, hi) for axis, (lo, hi) in window}
            out[...] = x[tuple(crop.get(axis, slice(None)) for axis in range(x.ndim))]
            return
        view = canonical(plan.spec.layout, x, out)
        x6, out6 = view.view(x), view.view(out)
        stream = not fresh and out.nbytes >= STREAM
        self._runner(plan, x6.shape[5])(x6, out6, threads, stream)

    def prepare(self, plan: Plan, inner: int) -> Callable[..., None] | None:
        """What runs a plan: x and out as the loops see them, threads, whether to stream.

        `inner` is the last length of x as the loops see it.  None for plans that need more.
        """
        if plan.is_long or all(t.identity for t in plan.tables):
            return None
        return self._runner(plan, inner)

    def _runner(self, plan: Plan, inner: int) -> Callable[..., None]:
        if plan.spec.copies and not plan.adjoint:
            tables = self._compiled(plan, inner, self._copy_tables)
            return partial(_copy, self.loops.copy_pixels, tables)
        return self._compiled(plan, inner, self._resampler).run

    def shuffle(
        self, layout: Layout, factor: int, x: np.ndarray, out: np.ndarray, up: bool
    ) -> None:
        small, large = (by_letters(a, layout, "NCHW") for a in ((x, out) if up else (out, x)))
        if not self.loops.shuffle_pixels_of(small, large, factor, up, get_num_threads()):
            reference.backend.shuffle(layout, factor, x, out, up)

    # Convolutions see arrays as (N, C, D, H, W).

    def conv_transpose(
        self,
        spec: ConvSpec,
        x: np.ndarray,
        weight: np.ndarray,
        bias: np.ndarray | None,
        out: np.ndarray,
        threads: int,
    ) -> None:
        self._spread(spec, x, weight, bias, out, threads, True)

    def _spread(
        self,
        spec: ConvSpec,
        source: np.ndarray,
        weight: np.ndarray,
        bias: np.ndarray | None,
        target: np.ndarray,
        threads: int,
        forward: bool,
    ) -> None:
        """The output of a transposed convolution, or the gradient of its input."""
        tables = self.conv_tables(spec, source, target, forward)
        if isinstance(tables, Tables) and not (spec.edge or np.isfinite(weight).all()):
            # Planes have zeros around them, by which NaN and infinity must not be multiplied.
            tables = pixel_tables(spec, forward)
        self.convolve(tables, spec, source, weight, bias, target, threads, by_output=not forward)

    def conv_tables(
        self, spec: ConvSpec, source: np.ndarray, target: np.ndarray, forward: bool
    ) -> Tables | PixelTables:
        """For the output or the gradient of the input, as suits the memory of the arrays."""
        channel = spec.layout.text.index("C")
        last = all(a.strides[channel] == a.itemsize for a in (source, target))
        register = self.loops.REGISTER // arithmetic_of(spec).itemsize
        if pixels_pay(spec, forward, register, last):
            return pixel_tables(spec, forward)
        return (forward_tables if forward else backward_tables)(spec, self.loops.CONV_SLACK)

    def convolve(
        self,
        tables: Tables | PixelTables,
        spec: ConvSpec,
        x: np.ndarray,
        weight: np.ndarray,
        bias: np.ndarray | None,
        out: np.ndarray,
        threads: int,
        by_output: bool = False,
    ) -> None:
        """Sums as `tables` say; `by_output` weights begin with the channels that are computed."""
        numbers = arithmetic_of(spec)
        pixels = isinstance(tables, PixelTables)
        (self.loops.convolve_pixels if pixels else self.loops.convolve)(
            tables,
            _channels_first(spec, x),
            _channels_first(spec, out),
            np.ascontiguousarray(weight, numbers),
            None if bias is None else np.ascontiguousarray(bias, numbers),
            spec.groups,
            by_output,
            spec.edge,
            self.loops.ITEM_NAMES.index(spec.dtype),
            numbers == np.float64,
            threads,
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
        numbers = arithmetic_of(spec)
        grads = _channels_first(spec, grad)
        if not grad.size:
            grad_x[...] = grad_weight[...] = grad_bias[...] = 0
            return
        # Rows first: that is fast whether channels or columns lie side by side.
        with np.errstate(over="ignore"):  # half types overflow to infinity, as in the loops
            grad_bias[...] = grads.sum(axis=(0, 2, 3), dtype=numbers).sum(axis=1)
        if not x.size:
            grad_weight[...] = 0
            return
        self._spread(spec, grad, weight, None, grad_x, threads, False)
        self.weight_gradient(spec, grad, x, grad_weight, threads)

    def weight_gradient(
        self,
        spec: ConvSpec,
        grad: np.ndarray,
        x: np.ndarray,
        grad_weight: np.ndarray,
        threads: int,
    ) -> None:
        """(C_in, C_out / groups, taps...)"""
        numbers = arithmetic_of(spec)
        side = outer_side(spec, self.loops.REGISTER // numbers.itemsize)
        if side is not None:
            tables = outer_tables(spec, side)
            self.outer_gradient(tables, spec, grad, x, grad_weight, side == "g", threads)
            return
        part, outers = weight_parts(spec)
        self.loops.weight_gradient(
            backward_tables(spec, self.loops.CONV_SLACK, outers),
            _channels_first(spec, grad),
            _channels_first(spec, x),
            grad_weight,
            spec.groups,
            part,
            outers,
            self.loops.ITEM_NAMES.index(spec.dtype),
            numbers == np.float64,
            threads,
        )

    def outer_gradient(
        self,
        tables: PixelTables,
        spec: ConvSpec,
        grad: np.ndarray,
        x: np.ndarray,
        grad_weight: np.ndarray,
        mirrored: bool,
        threads: int,
    ) -> None:
        """The channels of one side in the lanes: of `x`, or, `mirrored`, of `grad`."""
        arrays = _channels_first(spec, grad), _channels_first(spec, x)
        self.loops.outer_gradient(
            tables,
            *(arrays[::-1] if mirrored else arrays),
            grad_weight,
            spec.groups,
            mirrored,
            self.loops.ITEM_NAMES.index(spec.dtype),
            arithmetic_of(spec) == np.float64,
            threads,
        )

    def resize_conv(
        self,
        spec: ResizeConvSpec,
        x: np.ndarray,
        weight: np.ndarray,
        bias: np.ndarray | None,
        out: np.ndarray,
        threads: int,
    ) -> None:
        resize_conv.forward(self, spec, x, weight, bias, out, threads)

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
        into = resize_conv_strips.Gradients(grad_x, grad_weight, grad_bias)
        resize_conv_gradients.backward(self, spec, grad, x, weight, into, threads)

    def fold(
        self, source: np.ndarray, target: np.ndarray, first: Any, second: Any, threads: int
    ) -> None:
        self.loops.fold(source, target, first, second, source.dtype == np.float64, threads)

    # Pooling runs plane by plane, whatever the layout.

    def avg_pool(self, spec: PoolSpec, x: np.ndarray, out: np.ndarray, threads: int) -> None:
        self._pool("avg", spec, x, out, None, threads)

    def avg_pool_backward(
        self, spec: PoolSpec, grad: np.ndarray, out: np.ndarray, threads: int
    ) -> None:
        self._pool("avg_backward", spec, out, grad, None, threads)

    def max_pool(
        self,
        spec: PoolSpec,
        x: np.ndarray,
        out: np.ndarray,
        indices: np.ndarray | None,
        threads: int,
    ) -> None:
        self._pool("max", spec, x, out, indices, threads)

    def scatter(
        self, spec: PoolSpec, x: np.ndarray, indices: np.ndarray, out: np.ndarray, add: bool
    ) -> None:
        places = indices.astype(np.int64, copy=False)
        self._pool("add" if add else "unpool", spec, out, x, places, get_num_threads())

    def gather(self, spec: PoolSpec, x: np.ndarray, indices: np.ndarray, out: np.ndarray) -> None:
        places = indices.astype(np.int64, copy=False)
        self._pool("pick", spec, x, out, places, get_num_threads())

    def _pool(
        self,
        operation: str,
        spec: PoolSpec,
        large: np.ndarray,
        small: np.ndarray,
        indices: np.ndarray | None,
        threads: int,
    ) -> None:
        views = [large, small] if indices is None else [large, small, indices]
        seen = canonical(spec.layout, *views)
        self.loops.pool(
            self.loops.POOL_OPERATIONS.index(operation),
            self.loops.ITEM_NAMES.index(spec.dtype),
            spec.arithmetic == "float64",
            seen.view(large),
            seen.view(small),
            None if indices is None else seen.view(indices),
            spec.kernel,
            spec.stride,
            spec.padding,
            threads,
        )

    def _compiled(self, plan: Plan, inner: int, make: Any) -> Any:
        """What `make` derives from a plan, kept with the plan."""
        key = f"{self.isa} {inner}"
        made = plan.compiled.get(key)
        if made is None:
            made = plan.compiled[key] = make(plan, inner)
        return made

    def _copy_tables(self, plan: Plan, inner: int) -> tuple[Any, ...]:
        indices = [np.ascontiguousarray(t.start) for t in plan.tables]
        d, h, w = [np.zeros(1, np.int64)] * (3 - len(indices)) + indices
        n, pixel = plan.tables[-1].n, inner * _SIZES.get(plan.spec.dtype, 0)
        picks = joined = None
        if self.loops.LANES and pixel:
            picks = picks_of(w, n, pixel, self.loops.LANES)
            joined = joined_picks(d, h, w, n, pixel, self.loops.LANES)
        return d, h, w, _copy_period(plan.tables[-1]), picks, joined

    def _resampler(self, plan: Plan, inner: int) -> Any:
        dtype = np.dtype(plan.arithmetic)
        *outer, w = plan.tables
        d, h = (row_table(t, dtype) for t in (*[None] * (2 - len(outer)), *outer))
        slots = 1 if plan.adjoint else d.taps * h.taps
        shift = None
        # Rows of sums of bytes are float32; an axis of many taps makes all of them float64.
        short = plan.spec.dtype == "uint8" and dtype == np.float32
        if short and len(outer) == 1 and self.loops.LANES:
            shift = byte_shift(w, outer[0])
        # Little arithmetic, and much to write.
        light = (
            plan.spec.dtype == "float32" and not plan.adjoint and max(d.taps, h.taps, w.taps) <= 2
        )
        tile = LONG_TILE if light and 4 * prod(plan.spec.out_shape) >= STREAM else TILE
        key = (w, self.isa, inner, slots, dtype.name, shift, tile)
        columns = _COLUMNS.get(
            key,
            lambda: column_tiles(w, inner, slots, dtype, self.loops.LANES, shift, tile),
            lambda made: made.nbytes,
        )
        code = self.loops.ITEM_NAMES.index(plan.spec.dtype)
        settings = code, dtype == np.float64, plan.adjoint, inner, (d, h), columns
        plain = self.loops.Resampler(*settings, None)
        # Longer rows of whole numbers are faster one by one, shorter ones have no register.
        pays = columns.quick or (columns.phases is not None and w.rows <= SHORT_BYTES)
        known = plan.spec.dtype in SHORT_TYPES
        if plan.adjoint or not (pays and known and inner == 1 and len(outer) == 1):
            return plain

        def joining() -> Any:
            joined = joined_rows(w, outer[0], self.loops.LANES)
            return plain if joined is None else self.loops.Resampler(*settings, joined)

        return _ManyPlanes(plain, joining)


class _ManyPlanes:
    """Runs a plan plane by plane, and in another way from the `PLANES`-th plane on.

    That way's tables take up to some milliseconds; it saves a few microseconds a plane.
    """

    def __init__(self, runner: Any, make: Callable[[], Any]) -> None:
        self.runner, self.make = runner, make
        self.seen = 0

    def run(self, x: np.ndarray, out: np.ndarray, threads: int, stream: bool) -> None:
        if self.seen <= PLANES:
            self.seen += len(out) * out.shape[1]
            if self.seen > PLANES:
                self.runner = self.make()
        self.runner.run(x, out, threads, stream)


def _copy(
    copy_pixels: Any, tables: Any, x: np.ndarray, out: np.ndarray, threads: int, stream: bool
) -> None:
    copy_pixels(x, out, *tables, threads, stream)


def arithmetic_of(spec: ConvSpec) -> np.dtype:
    """The type that convolutions compute in: half types accumulate in float32."""
    return np.dtype(np.float64 if spec.dtype == "float64" else np.float32)


def _channels_first(spec: ConvSpec, x: np.ndarray) -> np.ndarray:
    return by_letters(x, spec.layout, "NCDHW")


def _copy_period(table: AxisTable) -> int:
    """2 or 4 where every sample is repeated so many times from the first output on, else 0."""
    f = table.period
    if f not in (2, 4):
        return 0
    regular = table.start[0] + np.arange(table.rows) // f
    return f if np.array_equal(table.start, regular) else 0


_SIZES = {n: int(n.lstrip("abfintlou")) // 8 for n in _cpu_baseline.ITEM_NAMES} | {"bool": 1}
# Windows that differ in rows only share the tiles of their columns.
_COLUMNS = BoundedCache(CACHE_BYTES)
_BACKENDS = {isa: Cpu(isa) for isa in _LOOPS}


def _forced_isa() -> str | None:
    """``UPSAMPLER_CPU``: an instruction set to use instead of the best."""
    isa = os.environ.get("UPSAMPLER_CPU", "").strip().lower()
    if not isa:
        return None
    if isa not in _BACKENDS:
        raise ImportError(
            f"UPSAMPLER_CPU: got {isa!r}; allowed here: {', '.join(sorted(_BACKENDS))}"
        )
    return isa


backend = _BACKENDS[_forced_isa() or next(iter(_BACKENDS))]


def of_isa(isa: str) -> Cpu:
    """The backend of one instruction set."""
    return _BACKENDS[isa]


def status() -> dict[str, Any]:
    return {
        "available": True,
        "reason": None,
        "instruction_set": backend.isa,
        "instruction_sets": tuple(_BACKENDS),
        "threads": get_num_threads(),
    }


_threads.set_cores(available_cores())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.forget_threads)
