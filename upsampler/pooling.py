"""Pooling and unpooling in two dimensions: the operations that upsampling inverts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arrays import Result, as_array, check_types, native
from .places import backend_for
from .pool_spec import PoolSpec, check_indices, index_spec, pool_spec, unpool_spec
from .spec import FLOATS, NUMBERS, check_full_shape, flag, thread_count
from .threads import get_num_threads

IntPair = int | Sequence[int]


def avg_pool2d(
    x: Any,
    kernel_size: IntPair,
    stride: IntPair | None = None,
    padding: IntPair = 0,
    *,
    layout: str | None = None,
    out: np.ndarray | None = None,
    num_threads: int | None = None,
) -> np.ndarray:
    """Mean over kernel-sized cells; the padding counts as zeros, as in PyTorch.

    Parameters
    ----------
    x : array_like
        Two spatial axes, integers or floats, for example (N, C, H, W).
    kernel_size : int or pair of int
        Height and width of a cell.
    stride : int or pair of int, optional
        Distance of cells, by default `kernel_size`.
    padding : int or pair of int
        Zeros around the input, at most half of the kernel.
    layout : str, optional
        A letter for each axis; by default HW and NCHW for 2 and 4 axes.
    out : ndarray, optional
        Where to write.
    num_threads : int, optional
        By default `get_num_threads`.

    Returns
    -------
    ndarray
        ``floor((n + 2 * padding - kernel_size) / stride) + 1`` along each axis, the dtype of
        `x`; integers are rounded to nearest.

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is of a wrong type, a wrong value, or the result too large.

    Examples
    --------
    >>> import upsampler
    >>> upsampler.avg_pool2d([[1.0, 3.0], [5.0, 7.0]], 2)
    array([[4.]])
    """
    x = as_array("x", x)
    backend = backend_for(x=x, out=out)
    check_types(out, x.dtype, num_threads)
    spec = pool_spec(x.shape, x.dtype, kernel_size, stride, padding, layout, NUMBERS, "avg_pool2d")
    threads = thread_count(num_threads) or get_num_threads()
    result = Result(out, spec.layout.with_spatial(x.shape, spec.small), x.dtype, x, x)
    if result.array.size:
        backend.avg_pool(spec, native(x), result.array, threads)
    return result.finish(x.dtype)


def avg_pool2d_backward(
    grad: Any,
    input_size: Sequence[int],
    kernel_size: IntPair,
    stride: IntPair | None = None,
    padding: IntPair = 0,
    *,
    layout: str | None = None,
    out: np.ndarray | None = None,
    num_threads: int | None = None,
) -> np.ndarray:
    """Gradient of `avg_pool2d` with respect to its input.

    Parameters
    ----------
    grad : array_like
        Gradient of the pooled array, a floating dtype.
    input_size : sequence of int
        The full shape of the input of `avg_pool2d`.
    kernel_size, stride, padding, layout, out, num_threads
        As for `avg_pool2d`; `out` has the shape `input_size`.

    Returns
    -------
    ndarray
        Shape `input_size`, the dtype of `grad`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `avg_pool2d`.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> upsampler.avg_pool2d_backward(np.array([[4.0]]), (2, 2), 2)
    array([[1., 1.],
           [1., 1.]])
    """
    grad = as_array("grad", grad)
    backend = backend_for(grad=grad, out=out)
    check_types(out, grad.dtype, num_threads)
    full = check_full_shape("input_size", input_size)
    spec = pool_spec(
        full, grad.dtype, kernel_size, stride, padding, layout, FLOATS, "avg_pool2d_backward"
    )
    threads = thread_count(num_threads) or get_num_threads()
    _expect("grad", grad, spec.layout.with_spatial(full, spec.small))
    result = Result(out, full, grad.dtype, grad, grad)
    if result.array.size:
        backend.avg_pool_backward(spec, native(grad), result.array, threads)
    return result.finish(grad.dtype)


def max_pool2d(
    x: Any,
    kernel_size: IntPair,
    stride: IntPair | None = None,
    padding: IntPair = 0,
    return_indices: bool = False,
    *,
    layout: str | None = None,
    out: np.ndarray | None = None,
    num_threads: int | None = None,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Maximum over kernel-sized cells; the padding is never chosen, NaN always is.

    Parameters
    ----------
    x : array_like
        Two spatial axes, integers or floats, for example (N, C, H, W).
    kernel_size, stride, padding, layout, out, num_threads
        As for `avg_pool2d`.
    return_indices : bool
        Return also where each maximum was found.

    Returns
    -------
    values : ndarray
        As `avg_pool2d`, the dtype of `x`.
    indices : ndarray of int64
        Only with `return_indices`: the flat place ``h * W + w`` of the first maximum of each
        cell in its plane, as in PyTorch and for every layout.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `avg_pool2d`.

    Examples
    --------
    >>> import upsampler
    >>> upsampler.max_pool2d([[1, 3], [7, 5]], 2, return_indices=True)
    (array([[7]]), array([[2]]))
    """
    x = as_array("x", x)
    backend = backend_for(x=x, out=out)
    check_types(out, x.dtype, num_threads)
    wanted = flag("return_indices", return_indices)
    spec = pool_spec(x.shape, x.dtype, kernel_size, stride, padding, layout, NUMBERS, "max_pool2d")
    threads = thread_count(num_threads) or get_num_threads()
    shape = spec.layout.with_spatial(x.shape, spec.small)
    result = Result(out, shape, x.dtype, x, x)
    places = Result(None, shape, np.dtype(np.int64), result.array) if wanted else None
    if result.array.size:
        indices = None if places is None else places.array
        backend.max_pool(spec, native(x), result.array, indices, threads)
    values = result.finish(x.dtype)
    return values if places is None else (values, places.array)


def max_pool2d_backward(
    grad: Any,
    indices: Any,
    input_size: Sequence[int],
    *,
    layout: str | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Gradient of `max_pool2d` with respect to its input.

    Parameters
    ----------
    grad : array_like
        Gradient of the pooled values, a floating dtype.
    indices : array_like of int
        The indices that `max_pool2d` returned.
    input_size : sequence of int
        The full shape of the input of `max_pool2d`.
    layout, out
        As for `max_pool2d`; `out` has the shape `input_size`.

    Returns
    -------
    ndarray
        Shape `input_size`, the dtype of `grad`; places that several cells chose get the sum,
        added up in the order of the cells.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `max_pool2d`, and if an index lies outside of the plane.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> upsampler.max_pool2d_backward(np.array([[1.0]]), [[2]], (2, 2))
    array([[0., 0.],
           [1., 0.]])
    """
    grad, indices = as_array("grad", grad), as_array("indices", indices)
    backend = backend_for(grad=grad, indices=indices, out=out)
    check_types(out, grad.dtype)
    full = check_full_shape("input_size", input_size)
    spec = index_spec(grad.shape, grad.dtype, indices, full, layout, "grad")
    return _scatter(backend, spec, grad, indices, full, out, add=True)


def max_unpool2d(
    x: Any,
    indices: Any,
    kernel_size: IntPair,
    stride: IntPair | None = None,
    padding: IntPair = 0,
    output_size: Sequence[int] | None = None,
    *,
    layout: str | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Put pooled maxima back where they came from, zeros elsewhere.

    Parameters
    ----------
    x : array_like
        Pooled values, integers or floats, for example (N, C, H, W).
    indices : array_like of int
        The indices that `max_pool2d` returned, of the shape of `x`.
    kernel_size, stride, padding
        As given to `max_pool2d`; they fix the output size.
    output_size : sequence of int, optional
        H and W (or the full shape) of the result, each less than a stride away from the usual
        ``(n - 1) * stride - 2 * padding + kernel_size``.
    layout, out
        As for `max_pool2d`.

    Returns
    -------
    ndarray
        The dtype of `x`.  Where an index occurs twice the last value stays.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `max_pool2d`, and if an index lies outside of the plane.

    Examples
    --------
    >>> import upsampler
    >>> upsampler.max_unpool2d([[7]], [[2]], 2)
    array([[0, 0],
           [7, 0]])
    """
    x, indices = as_array("x", x), as_array("indices", indices)
    backend = backend_for(x=x, indices=indices, out=out)
    check_types(out, x.dtype)
    spec = unpool_spec(x.shape, x.dtype, indices, kernel_size, stride, padding, output_size, layout)
    full = spec.layout.with_spatial(x.shape, spec.large)
    return _scatter(backend, spec, x, indices, full, out, add=False)


def max_unpool2d_backward(
    grad: Any,
    indices: Any,
    *,
    layout: str | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Gradient of `max_unpool2d` with respect to its input.

    Parameters
    ----------
    grad : array_like
        Gradient of the unpooled array, a floating dtype.
    indices : array_like of int
        The indices given to `max_unpool2d`.
    layout, out
        As for `max_pool2d`; `out` has the shape of `indices`.

    Returns
    -------
    ndarray
        The shape of `indices`, the dtype of `grad`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `max_pool2d`, and if an index lies outside of the plane.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> upsampler.max_unpool2d_backward(np.array([[1.0, 2.0], [3.0, 4.0]]), [[2]])
    array([[3.]])
    """
    grad, indices = as_array("grad", grad), as_array("indices", indices)
    backend = backend_for(grad=grad, indices=indices, out=out)
    check_types(out, grad.dtype)
    spec = index_spec(indices.shape, grad.dtype, indices, grad.shape, layout, "grad")
    check_indices(indices, indices.shape, spec.large[0] * spec.large[1])
    result = Result(out, indices.shape, grad.dtype, grad, grad, indices)
    if result.array.size:
        backend.gather(spec, native(grad), native(indices), result.array)
    return result.finish(grad.dtype)


def _expect(name: str, x: np.ndarray, shape: tuple[int, ...]) -> None:
    if x.shape != shape:
        raise ValueError(f"{name}: got shape {x.shape}; allowed: {shape}")


def _scatter(
    backend: Any,
    spec: PoolSpec,
    x: np.ndarray,
    indices: np.ndarray,
    full: tuple[int, ...],
    out: np.ndarray | None,
    add: bool,
) -> np.ndarray:
    check_indices(indices, x.shape, spec.large[0] * spec.large[1])
    result = Result(out, full, x.dtype, x, x, indices)
    if result.array.size:
        backend.scatter(spec, native(x), native(indices), result.array, add)
    return result.finish(x.dtype)
