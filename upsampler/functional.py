"""The functions of the public API: normalise -> spec -> plan -> backend -> result."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from .arrays import Result, as_array, check_types, native
from .places import backend_for
from .plan import plan_for
from .small_calls import small_call
from .spec import ResampleSpec, check_full_shape, resample_spec, thread_count
from .threads import get_num_threads

Size: TypeAlias = int | Sequence[int] | None
Scale: TypeAlias = float | Fraction | Sequence[float | Fraction] | None
Window: TypeAlias = Sequence[tuple[int, int]] | None


def interpolate(
    x: Any,
    size: Size = None,
    scale_factor: Scale = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
    *,
    layout: str | None = None,
    window: Window = None,
    out: np.ndarray | None = None,
    num_threads: int | None = None,
) -> np.ndarray:
    """Resize the spatial axes of an array with a fixed rule.

    With ``align_corners=False`` (the default) samples are cells with extent: output i lies at
    ``(i + 0.5) * step - 0.5`` in input samples, and beyond the outermost samples the border
    value goes on.  With ``align_corners=True`` samples are points: the first and the last
    output lie exactly on the first and the last sample, whose values they keep.  Integers are
    rounded to nearest and saturated, never truncated or wrapped.

    Parameters
    ----------
    x : array_like
        One to three spatial axes, any strides, for example (N, C, H, W).  bool, complex and
        other items (labels of any size) for the nearest modes only.
    size : int or sequence of int, optional
        Output size of the spatial axes.  Exactly one of `size` and `scale_factor` is given.
    scale_factor : float, Fraction or sequence of them, optional
        Factor for the spatial axes: ``m = floor(n * scale_factor)``, where a product within
        1e-6 of an integer counts as that integer.  The step between outputs is exactly ``1 /
        scale_factor``, not ``n / m``; integer factors and fractions are exact.
    mode : str
        ``"nearest"`` (PyTorch's legacy rule, ``floor(i * step)``), ``"nearest-exact"``
        (``floor((i + 0.5) * step)``), ``"linear"`` (any number of spatial axes),
        ``"bilinear"`` (two), ``"trilinear"`` (three), ``"bicubic"`` (Keys, A = -0.75),
        ``"area"`` (adaptive average) or ``"lanczos3"`` (alias ``"lanczos"``).
    align_corners : bool, optional
        See above; not with ``"area"`` and ``"lanczos3"``.  The nearest modes round the
        position to the nearest sample, ties down.
    recompute_scale_factor : bool, optional
        Take the step as n / m also where a `scale_factor` was given.
    antialias : bool
        Stretch the linear (triangle) or cubic (Keys, A = -0.5) filter by the step when
        shrinking.  ``"lanczos3"`` always does.
    layout : str, optional
        A letter for each axis out of N, C, D, H, W.  By default W, HW, NCHW, NCDHW for 1, 2,
        4, 5 axes; an array of 3 axes needs it.
    window : sequence of (start, stop), optional
        In output samples, one pair for each spatial axis: compute only this part.  It is
        exactly the crop of the full result, at the cost of the crop.
    out : ndarray, optional
        Where to write, for example a slice of a larger buffer.  It is returned.
    num_threads : int, optional
        By default `get_num_threads`.

    Returns
    -------
    ndarray
        The dtype of `x`; the shape of `x` with its spatial sizes replaced.  Same bits for any
        number of threads, instruction set, layout and window.

    Raises
    ------
    TypeError
        If an argument or a dtype is of a wrong type.
    ValueError
        If a shape or a value is not allowed.
    MemoryError
        If the result does not fit into memory.

    Notes
    -----
    Every mode is a sparse matrix for each axis, applied innermost axis first: cost in
    proportion to the output, memory a few rows beyond it.  Where a sample is not finite the
    result is the plain weighted sum without its zero-weight terms, so that masks of -inf stay
    -inf and NaN spreads no further than it must.  Keys' kernel: R. Keys, "Cubic convolution
    interpolation for digital image processing", IEEE Trans. ASSP 29(6), 1981.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> x = np.array([[0.0, 4.0]])
    >>> upsampler.interpolate(x, size=(1, 4), mode="bilinear")
    array([[0., 1., 3., 4.]])
    >>> upsampler.interpolate(x, size=(1, 4), mode="bilinear", align_corners=True).round(3)
    array([[0.   , 1.333, 2.667, 4.   ]])
    >>> upsampler.interpolate(x, scale_factor=2)
    array([[0., 0., 4., 4.],
           [0., 0., 4., 4.]])
    """
    args = (
        size, scale_factor, mode, align_corners, recompute_scale_factor, antialias, layout, window,
    )  # fmt: skip
    if type(x) is np.ndarray:
        call = small_call(x, args, out, num_threads)
        if call is not None:
            return call()
    x = as_array("x", x)
    dtype = x.dtype
    backend = backend_for(x=x, out=out)
    check_types(out, dtype, num_threads)
    spec = _spec(x.shape, x.dtype, *args, False)
    threads = thread_count(num_threads) or get_num_threads()
    result = Result(out, spec.out_shape, dtype, x, x, raw=spec.copies)
    if result.array.nbytes:
        x = x if spec.copies else native(x)
        backend.resample(plan_for(spec), x, result.array, threads, result.fresh)
    return result.finish(dtype)


def interpolate_backward(
    grad: Any,
    input_size: Sequence[int],
    size: Size = None,
    scale_factor: Scale = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
    *,
    layout: str | None = None,
    window: Window = None,
    out: np.ndarray | None = None,
    num_threads: int | None = None,
) -> np.ndarray:
    """Gradient of `interpolate` with respect to its input: the exact adjoint.

    ``sum(interpolate(x) * grad) == sum(x * interpolate_backward(grad, x.shape))`` up to
    rounding, in every mode.

    Parameters
    ----------
    grad : array_like
        Gradient of the output, of the output's shape (of the window's shape with `window`),
        float16, bfloat16, float32 or float64.
    input_size : sequence of int
        The full shape of `x`.
    size, scale_factor, mode, align_corners, recompute_scale_factor, antialias
        As given to `interpolate`.
    layout, window, out, num_threads
        As for `interpolate`; `out` has the shape `input_size`.

    Returns
    -------
    ndarray
        Shape `input_size`, the dtype of `grad`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `interpolate`.

    Notes
    -----
    Gather form: every input sample sums the run of outputs that used it, in one fixed order,
    so results are deterministic.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> grad = np.ones((4, 4))
    >>> upsampler.interpolate_backward(grad, (2, 2), scale_factor=2, mode="bilinear")
    array([[4., 4.],
           [4., 4.]])
    """
    grad = as_array("grad", grad)
    backend = backend_for(grad=grad, out=out)
    check_types(out, grad.dtype, num_threads)
    full = check_full_shape("input_size", input_size)
    spec = _spec(
        full, grad.dtype, size, scale_factor, mode, align_corners,
        recompute_scale_factor, antialias, layout, window, True,
    )  # fmt: skip
    if grad.shape != spec.out_shape:
        raise ValueError(
            f"grad: got shape {grad.shape}; allowed: {spec.out_shape}, the shape of the output"
        )
    threads = thread_count(num_threads) or get_num_threads()
    result = Result(out, spec.shape, grad.dtype, grad, grad)
    if not grad.size:
        result.array[...] = 0
    elif result.array.size:
        backend.resample(plan_for(spec, True), native(grad), result.array, threads, result.fresh)
    return result.finish(grad.dtype)


def _spec(*args: Any) -> ResampleSpec:
    """`resample_spec`, remembered for arguments that are plain ints, floats, tuples and lists."""
    if all(type(a) in _SCALARS for a in args[2:]):
        return _cached_scalars(*args)
    plain = tuple(_frozen(a) for a in args)
    try:
        hash(plain)
    except TypeError:
        return resample_spec(*args)
    # 2 == 2.0 == True, but they are not the same argument: the types belong to the key.
    return _cached_spec(plain, tuple(_types(a) for a in plain))


_SCALARS = {int, float, bool, str, Fraction, type(None)}
_cached_scalars = lru_cache(maxsize=1024, typed=True)(resample_spec)


def _frozen(a: Any) -> Any:
    return tuple(_frozen(v) for v in a) if isinstance(a, (tuple, list)) else a


def _types(a: Any) -> Any:
    return tuple(_types(v) for v in a) if isinstance(a, tuple) else type(a)


@lru_cache(maxsize=1024)
def _cached_spec(args: tuple[Any, ...], types: tuple[Any, ...]) -> ResampleSpec:
    return resample_spec(*args)
