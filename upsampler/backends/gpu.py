"""The GPU backend: CuPy arrays in, CuPy arrays out, on the current stream.

The same specs, plans and axis tables as on the CPU; tables are uploaded once for each plan, device
and stream.  Nothing is copied between host and device behind the user's back, and nothing waits
for the device.  The only file that imports CuPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from math import prod
from typing import Any

import numpy as np

from ..conv_spec import ConvSpec
from ..layout import Layout, canonical, matching_order
from ..plan import Plan
from ..pool_spec import PoolSpec
from ..resize_conv_spec import ResizeConvSpec
from . import gpu_copy, gpu_resample, gpu_resize_conv
from .gpu_conv import Conv
from .gpu_launch import INSTALL, Launcher
from .gpu_pool import Places, Pool

_PROBE = 'extern "C" __global__ void probe(int *y) { *y = 7; }'


class Gpu:
    """The kernels, launched by one CuPy (`xp`, which a stand-in may be in tests)."""

    name = "gpu"

    def __init__(self, xp: Any) -> None:
        self.xp = xp
        self.launcher = Launcher(xp)

    def device_of(self, x: Any) -> Any:
        """A context in which the device of `x` is the current one."""
        return self.xp.cuda.Device(x.device.id)

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Any) -> Any:
        try:
            with self.device_of(like):
                return self.xp.empty(shape, dtype)
        except Exception as error:
            # CuPy's own errors of memory, and of sizes beyond its integers.
            nbytes = prod(shape) * np.dtype(dtype).itemsize
            raise MemoryError(
                f"the result of shape {shape} and dtype {dtype} needs {nbytes} bytes on GPU "
                f"{like.device.id}"
            ) from error

    def resample(self, plan: Plan, x: Any, out: Any, threads: int, fresh: bool) -> None:
        with self.device_of(x):
            self._resample(plan, x, out)

    def _resample(self, plan: Plan, x: Any, out: Any) -> None:
        if plan.is_long:
            for piece, source, target in plan.pieces():
                self._resample(piece, x[source], out[target])
            return
        if not plan.adjoint:
            x = _cropped(plan, x)
        if all(t.identity for t in plan.tables):
            out[...] = x
            return
        with self._seen(plan.spec.layout, [out], [x]) as ((made,), (x6,)):
            if plan.spec.copies and not plan.adjoint:
                gpu_copy.nearest(self.launcher, plan, x6, made)
            else:
                gpu_resample.resample(self.launcher, plan, _five(x6), _five(made))

    @contextmanager
    def _seen(
        self, layout: Layout, outs: list[Any], inputs: list[Any]
    ) -> Iterator[tuple[list[Any], list[Any]]]:
        """Results and inputs as contiguous arrays (outer, outer, D, H, W, inner).

        Kernels know no strides: what is not contiguous in this order is copied.
        """
        view = canonical(layout, *inputs, *outs)
        with self._contiguous([view.view(out) for out in outs]) as made:
            yield made, [self.xp.ascontiguousarray(view.view(x)) for x in inputs]

    @contextmanager
    def _contiguous(self, targets: list[Any]) -> Iterator[list[Any]]:
        """Contiguous arrays that are copied into the targets at the end, if they are not those."""
        made = [t if t.flags.c_contiguous else self.xp.empty(t.shape, t.dtype) for t in targets]
        yield made
        for target, values in zip(targets, made, strict=True):
            if values is not target:
                target[...] = values

    def shuffle(self, layout: Layout, factor: int, x: Any, out: Any, up: bool) -> None:
        """Pixel shuffle, or its inverse; axes are taken in the order of those of the result."""
        order = matching_order(out)
        letters = "".join(layout.text[axis] for axis in order)
        with self.device_of(x), self._contiguous([out.transpose(order)]) as (made,):
            gpu_copy.shuffle(self.launcher, letters, factor, x.transpose(order), made, up)

    def conv_transpose(
        self, spec: ConvSpec, x: Any, weight: Any, bias: Any, out: Any, threads: int
    ) -> None:
        with self.device_of(x):
            Conv(self.launcher, spec).forward(x, weight, bias, out)

    def conv_transpose_backward(
        self, spec: ConvSpec, grad: Any, x: Any, weight: Any, grad_x: Any, grad_weight: Any,
        grad_bias: Any, threads: int,
    ) -> None:  # fmt: skip
        with self.device_of(x):
            into = grad_x, grad_weight, grad_bias
            Conv(self.launcher, spec).backward(grad, x, weight, *into)

    def resize_conv(
        self, spec: ResizeConvSpec, x: Any, weight: Any, bias: Any, out: Any, threads: int
    ) -> None:
        with self.device_of(x):
            gpu_resize_conv.Form(self, spec).forward(x, weight, bias, out)

    def resize_conv_backward(
        self, spec: ResizeConvSpec, grad: Any, x: Any, weight: Any, grad_x: Any, grad_weight: Any,
        grad_bias: Any, threads: int,
    ) -> None:  # fmt: skip
        with self.device_of(x):
            into = grad_x, grad_weight, grad_bias
            gpu_resize_conv.Form(self, spec).backward(grad, x, weight, *into)

    def avg_pool(self, spec: PoolSpec, x: Any, out: Any, threads: int) -> None:
        with self.device_of(x), self._seen(spec.layout, [out], [x]) as ((made,), (x6,)):
            Pool(self.launcher, spec, x6.shape).average(x6, made)

    def avg_pool_backward(self, spec: PoolSpec, grad: Any, out: Any, threads: int) -> None:
        with self.device_of(grad), self._seen(spec.layout, [out], [grad]) as ((made,), (grad6,)):
            Pool(self.launcher, spec, made.shape).average_backward(grad6, made)

    def max_pool(self, spec: PoolSpec, x: Any, out: Any, indices: Any, threads: int) -> None:
        outs = [out] if indices is None else [out, indices]
        with self.device_of(x), self._seen(spec.layout, outs, [x]) as (made, (x6,)):
            Pool(self.launcher, spec, x6.shape).maximum(x6, *made)

    def scatter(self, spec: PoolSpec, x: Any, indices: Any, out: Any, add: bool) -> None:
        with self.device_of(x):
            places = indices.astype(np.int64, copy=False)
            with self._seen(spec.layout, [out], [x, places]) as ((made,), seen):
                Places(self.launcher, spec, made.shape).collect(seen[0], seen[1], made, add)

    def gather(self, spec: PoolSpec, x: Any, indices: Any, out: Any) -> None:
        with self.device_of(x):
            places = indices.astype(np.int64, copy=False)
            with self._seen(spec.layout, [out], [x, places]) as ((made,), seen):
                Places(self.launcher, spec, made.shape).pick(seen[0], seen[1], made)


def _cropped(plan: Plan, x: Any) -> Any:
    """`x` without what windows leave out of the axes that keep their size."""
    spec = plan.spec
    crops = [slice(None)] * x.ndim
    for axis, table, (lo, hi) in zip(spec.layout.axes, plan.tables, spec.window, strict=True):
        if table.identity:
            crops[axis] = slice(lo, hi)
    return x[tuple(crops)]


def _five(x: Any) -> Any:
    """(outer, D, H, W, inner)"""
    return x.reshape(prod(x.shape[:2]), *x.shape[2:])


@cache
def of(xp: Any) -> Gpu:
    """The backend of a CuPy."""
    return Gpu(xp)


def status() -> dict[str, Any]:
    try:
        import cupy
    except Exception as error:  # also what a broken installation of it raises
        return {"available": False, "reason": f"CuPy cannot be imported ({error}); {INSTALL}"}
    reason = _problem(cupy)
    if reason is not None:
        return {"available": False, "reason": reason}
    count = cupy.cuda.runtime.getDeviceCount()
    properties = cupy.cuda.runtime.getDeviceProperties
    names = tuple(properties(i)["name"].decode() for i in range(count))
    return {"available": True, "reason": None, "devices": names}


@cache
def _problem(cupy: Any) -> str | None:
    """Why kernels cannot run, None where one did.

    CuPy imports without a driver, and compiles lazily: only a kernel that ran is a proof.  Its own
    kernels, which convert types and copy, include headers of CUDA; ours do not.
    """
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:
        return f"no CUDA driver or device: {error}"
    if not count:
        return "no CUDA device"
    try:
        kernel = cupy.RawModule(code=_PROBE).get_function("probe")
    except Exception as error:
        return f"a kernel failed to compile ({INSTALL}): {error}"
    try:
        found = cupy.zeros(1, "int32")
        kernel((1,), (1,), (found,))
        if int(found[0]) != 7:
            return f"a kernel ran and gave {int(found[0])} instead of 7"
    except Exception as error:
        return f"a kernel failed to run: {error}"
    try:
        half = found.astype("float16")
        if float(half[0]) != 7:
            return f"a kernel of CuPy ran and gave {float(half[0])} instead of 7"
    except Exception as error:
        return f"a kernel of CuPy failed (are the CUDA headers there? {INSTALL}): {error}"
    return None
