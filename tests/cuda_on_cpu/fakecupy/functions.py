"""Functions of CuPy's top level that make or take arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import events
from .arrays import check_dtype, fresh, ndarray, operands, wrap


def empty(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    return ndarray(shape, dtype, order=order)


def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C") -> ndarray:
    made = empty(shape, np.result_type(fill_value) if dtype is None else dtype, order)
    made.fill(fill_value)
    return made


def zeros(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    return full(shape, 0, dtype, order)


def ones(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    return full(shape, 1, dtype, order)


def empty_like(a: ndarray, dtype: Any = None, order: str = "K", shape: Any = None) -> ndarray:
    blank = np.empty_like(a._array, check_dtype(dtype or a.dtype), order, shape=shape)
    made = fresh(blank, a)
    made._buffer.forget()
    return made


def full_like(a: ndarray, fill_value: Any, dtype: Any = None, **rest: Any) -> ndarray:
    made = empty_like(a, dtype, **rest)
    made.fill(fill_value)
    return made


def zeros_like(a: ndarray, dtype: Any = None, **rest: Any) -> ndarray:
    return full_like(a, 0, dtype, **rest)


def ones_like(a: ndarray, dtype: Any = None, **rest: Any) -> ndarray:
    return full_like(a, 1, dtype, **rest)


def array(obj: Any, dtype: Any = None, copy: bool = True, order: str = "K", **_: Any) -> ndarray:
    if isinstance(obj, ndarray):
        same = not copy and dtype in (None, obj.dtype)
        return obj if same else obj.astype(dtype or obj.dtype, order=order)
    events.record("to_device", "array")
    values = np.array(obj, dtype, order=order)
    return fresh(values.astype(values.dtype.newbyteorder("="), copy=False))


def asarray(a: Any, dtype: Any = None, order: str | None = None, **_: Any) -> ndarray:
    found = array(a, dtype, copy=False, order="K")
    return ascontiguousarray(found) if order == "C" else found


def ascontiguousarray(a: Any, dtype: Any = None) -> ndarray:
    found = array(a, dtype, copy=False)
    return found if found.flags.c_contiguous else found.copy("C")


def asnumpy(a: Any, stream: Any = None, order: str = "C", out: Any = None, **_: Any) -> np.ndarray:
    return a.get(out=out, order=order) if isinstance(a, ndarray) else np.asarray(a)


def arange(*bounds: Any, dtype: Any = None) -> ndarray:
    return fresh(np.arange(*bounds, dtype=dtype))


def linspace(*bounds: Any, **rest: Any) -> ndarray:
    return fresh(np.linspace(*bounds, **rest))


def eye(*sizes: Any, dtype: Any = float, **rest: Any) -> ndarray:
    return fresh(np.eye(*sizes, dtype=dtype, **rest))


def copyto(dst: ndarray, src: Any) -> None:
    dst[...] = src


def may_share_memory(a: ndarray, b: ndarray, max_work: Any = None) -> bool:
    return bool(np.may_share_memory(a._array, b._array))


def shares_memory(a: ndarray, b: ndarray, max_work: Any = None) -> bool:
    return bool(np.shares_memory(a._array, b._array))


def get_array_module(*arrays: Any) -> Any:
    import fakecupy

    return fakecupy if any(isinstance(a, ndarray) for a in arrays) else np


def _flat(value: Any) -> list[Any]:
    parts = value if isinstance(value, tuple | list) else [value]
    return [one for part in parts for one in ([part] if part is value else _flat(part))]


def _replaced(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(map(_replaced, value))
    return value._array if isinstance(value, ndarray) else value


def lift(name: str, function: Callable, reads: bool = True) -> Callable:
    """A function of NumPy on arrays of the device; `out` is filled as by NumPy.

    Shape functions (`reads` false) may be given memory that nothing has written yet.
    """

    def lifted(*args: Any, out: ndarray | None = None, **kwargs: Any) -> Any:
        given = _flat((*args, *kwargs.values()))
        sources = [value for value in given if isinstance(value, ndarray)]
        if reads:
            operands(name, given)
        elif any(isinstance(value, np.ndarray) and value.ndim for value in given):
            raise TypeError(f"{name}: Unsupported type {np.ndarray}")
        if not sources:
            raise TypeError(f"{name}: no array of the device among the arguments")
        with np.errstate(all="ignore"):
            result = function(*_replaced(args), **{k: _replaced(v) for k, v in kwargs.items()})
        if out is None:
            return wrap(result, *sources)
        out[...] = wrap(np.asarray(result).astype(out.dtype, casting="same_kind"), *sources)
        return out

    lifted.__name__ = lifted.__qualname__ = name
    return lifted


READING = (
    "abs absolute exp expm1 log log1p log2 log10 sqrt cbrt square sign negative sin cos tan tanh"
    " maximum minimum fmax fmin clip where isfinite isnan isinf rint floor ceil trunc round around"
    " add subtract multiply divide true_divide floor_divide remainder mod power reciprocal"
    " logical_and logical_or logical_not logical_xor bitwise_and bitwise_or bitwise_xor invert"
    " equal not_equal less less_equal greater greater_equal nan_to_num copysign signbit hypot"
    " sum mean max min amax amin prod var std all any argmax argmin count_nonzero cumsum nansum"
    " matmul dot tensordot einsum inner outer vdot kron trace"
    " concatenate stack vstack hstack pad repeat tile roll take nonzero unique sort argsort"
    " bincount searchsorted diff cumprod average median array_equal allclose tril triu"
)
SHAPING = (
    "reshape transpose moveaxis swapaxes rollaxis squeeze expand_dims broadcast_to"
    " broadcast_arrays ravel split array_split flip atleast_1d atleast_2d diagonal"
)
LINALG = "solve lstsq norm cholesky eigh svd inv qr matrix_rank pinv"
