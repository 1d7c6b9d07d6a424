"""The array of the device: NumPy's behaviour, without any implicit way to or from NumPy."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import events
from .cuda.device import Device, current_device
from .memory import Buffer

# What CuPy has; no strings, objects, records, dates, long doubles or foreign byte orders.
DTYPES = {np.dtype(c) for c in "?bBhHiIlLqQefdFD"}
with contextlib.suppress(ImportError):  # without that package nobody can ask for its types
    import ml_dtypes

    DTYPES.add(np.dtype(ml_dtypes.bfloat16))


class MemoryPointer:
    """``array.data``: where it begins."""

    def __init__(self, address: int, device: Device) -> None:
        self.ptr, self.device = address, device
        self.device_id = device.id


class Flags:
    """The three flags that CuPy has."""

    def __init__(self, array: np.ndarray, owndata: bool) -> None:
        self.c_contiguous = array.flags.c_contiguous
        self.f_contiguous = array.flags.f_contiguous
        self.owndata = owndata

    def __getitem__(self, name: str) -> bool:
        return bool(getattr(self, name.lower()))


def check_dtype(dtype: Any) -> np.dtype:
    dtype = np.dtype(dtype)
    if dtype not in DTYPES:
        raise ValueError(f"Unsupported dtype {dtype}")
    return dtype


class ndarray:
    """A NumPy array in a buffer of the device, or a view of one."""

    __array_ufunc__ = None  # NumPy's operators leave it to ours, which refuse
    __hash__ = None

    def __init__(self, shape: Any, dtype: Any = float, *, order: str = "C") -> None:
        dtype = check_dtype(dtype)
        shape = (shape,) if np.isscalar(shape) else tuple(shape)
        shape = tuple(operator.index(n) for n in shape)
        if any(n < 0 for n in shape):
            raise ValueError("negative dimensions are not allowed")
        nbytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
        self._buffer = Buffer(nbytes, dtype.itemsize, current_device())
        self._array = self._buffer.bytes.view(dtype).reshape(shape, order=order)
        self._base: ndarray | None = None

    @classmethod
    def _of(cls, buffer: Buffer, array: np.ndarray, base: ndarray | None) -> ndarray:
        made = cls.__new__(cls)
        made._buffer, made._array, made._base = buffer, array, base
        return made

    @classmethod
    def _view(cls, array: np.ndarray, source: ndarray) -> ndarray:
        base = source if source._base is None else source._base
        return cls._of(source._buffer, array, base)

    # ---- what it is

    shape = property(lambda self: self._array.shape, lambda self, shape: self._reshape(shape))
    dtype = property(lambda self: self._array.dtype)
    ndim = property(lambda self: self._array.ndim)
    size = property(lambda self: self._array.size)
    itemsize = property(lambda self: self._array.itemsize)
    nbytes = property(lambda self: self._array.nbytes)
    strides = property(lambda self: self._array.strides)
    base = property(lambda self: self._base)
    flags = property(lambda self: Flags(self._array, self._base is None))
    device = property(lambda self: Device(self._buffer.device))
    data = property(lambda self: MemoryPointer(self._array.ctypes.data, self.device))
    T = property(lambda self: self.transpose())
    real = property(lambda self: wrap(self._array.real, self))
    imag = property(lambda self: wrap(self._array.imag, self))

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "descr": self.dtype.descr,
            "stream": 1,
            "version": 3,
            "strides": None if self.flags.c_contiguous else self.strides,
            "data": (self._array.ctypes.data if self.size else 0, False),
        }

    def _reshape(self, shape: Any) -> None:
        self._array = self._array.reshape(shape)

    def __len__(self) -> int:
        return len(self._array)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"fakecupy.ndarray(shape={self.shape}, dtype={self.dtype})"

    # ---- to the host: everything that makes it wait for the device

    def _host(self, reader: str) -> np.ndarray:
        events.record("to_host", reader)
        self._buffer.check(self._array, reader)
        return self._array

    def get(
        self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True
    ) -> np.ndarray:
        host = self._host("get")
        if out is None:
            return host.copy(order=order)
        out[...] = host
        return out

    def item(self, *place: int) -> Any:
        return self._host("item").item(*place)

    def tolist(self) -> list[Any]:
        return self._host("tolist").tolist()

    def __bool__(self) -> bool:
        return bool(self._host("bool"))

    def __int__(self) -> int:
        return int(self._host("int"))

    def __float__(self) -> float:
        return float(self._host("float"))

    def __complex__(self) -> complex:
        return complex(self._host("complex"))

    def __index__(self) -> int:
        return operator.index(self._host("index")[()])

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    # ---- items

    def set(self, values: np.ndarray, stream: Any = None) -> None:
        if not isinstance(values, np.ndarray) or values.shape != self.shape:
            raise ValueError("set: got another shape, or no numpy.ndarray")
        events.record("to_device", "set")
        self._array[...] = values.astype(self.dtype, copy=False)
        self._buffer.mark(self._array)

    def fill(self, value: Any) -> None:
        self[...] = value

    def __getitem__(self, key: Any) -> ndarray:
        key = _key(key, self)
        found = self._array[key]
        if isinstance(found, np.generic):  # a view here: one item, not its value
            found = self._array[(*(key if isinstance(key, tuple) else (key,)), ...)]
        return wrap(found, self)

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(value, np.ndarray) and value.ndim:
            raise ValueError("Non-scalar numpy.ndarray cannot be used for fill")
        key, (value,) = _key(key, self), operands("setitem", (value,), like=self)
        self._array[key] = value
        place = self._array[key]
        if isinstance(place, np.ndarray) and self._buffer.holds(place):
            self._buffer.mark(place)
        elif self._buffer.watched:  # a scalar's place, or places picked by an index
            marks = np.zeros(self.shape, bool)
            marks[key] = True
            self._buffer.written(self._array)[marks] = 1

    # ---- other arrays of the same items

    def astype(
        self,
        dtype: Any,
        order: str = "K",
        casting: Any = None,
        subok: Any = None,
        copy: bool = True,
    ) -> ndarray:
        if not copy and self.dtype == dtype:
            return self
        self._buffer.check(self._array, "astype")
        return fresh(self._array.astype(check_dtype(dtype), order=order), self)

    def copy(self, order: str = "C") -> ndarray:
        self._buffer.check(self._array, "copy")
        return fresh(self._array.copy(order=order), self)

    def view(self, dtype: Any = None) -> ndarray:
        return ndarray._view(self._array.view(check_dtype(dtype or self.dtype)), self)

    def reshape(self, *shape: Any, order: str = "C") -> ndarray:
        return wrap(self._array.reshape(*shape, order=order), self)

    def transpose(self, *axes: Any) -> ndarray:
        return wrap(self._array.transpose(*axes), self)


def wrap(result: Any, *sources: ndarray) -> Any:
    """What NumPy has made of `sources`, on the device: a view where it lies in their memory."""
    if isinstance(result, tuple | list):
        return type(result)(wrap(one, *sources) for one in result)
    result = np.asarray(result)
    for source in sources:
        if result.base is not None and source._buffer.holds(result):
            return ndarray._view(result, source)
    for source in sources:
        source._buffer.check(source._array, "an operation of the device")
    return fresh(result, *sources)


def fresh(values: np.ndarray, *like: ndarray) -> ndarray:
    """A new array of the device with these values, in their memory order."""
    dtype = check_dtype(values.dtype)
    buffer = Buffer(
        values.nbytes, dtype.itemsize, like[0]._buffer.device if like else current_device()
    )
    order = sorted(range(values.ndim), key=lambda axis: -abs(values.strides[axis]))
    storage = buffer.bytes.view(dtype).reshape([values.shape[axis] for axis in order])
    array = storage.transpose(np.argsort(order)) if values.ndim else storage
    array[...] = values
    buffer.mark(array)
    return ndarray._of(buffer, array, None)


def operands(name: str, values: Sequence[Any], like: ndarray | None = None) -> list[Any]:
    """Operands as NumPy sees them; arrays of the host and of two devices are refused."""
    devices = {value._buffer.device for value in values if isinstance(value, ndarray)}
    if like is not None:
        devices.add(like._buffer.device)
    if len(devices) > 1:
        raise ValueError(f"{name}: arrays of the devices {sorted(devices)}; peer access is off")
    for value in values:
        if isinstance(value, np.ndarray) and value.ndim:
            raise TypeError(f"{name}: Unsupported type {type(value)}")
        if isinstance(value, ndarray):
            value._buffer.check(value._array, name)
    return [value._array if isinstance(value, ndarray) else value for value in values]


def _key(key: Any, array: ndarray) -> Any:
    """An index; arrays in it come from the device."""
    parts = key if isinstance(key, tuple) else (key,)
    for part in parts:
        if isinstance(part, np.ndarray) and part.ndim:
            raise IndexError("Unsupported type <class 'numpy.ndarray'> in an index")
    found = tuple(operands("index", parts, like=array))
    return found if isinstance(key, tuple) else found[0]


def _binary(function: Callable, swapped: bool = False) -> Callable:
    def method(self: ndarray, other: Any) -> Any:
        if not isinstance(other, ndarray | np.generic | int | float | complex | np.ndarray):
            return NotImplemented
        pair = operands(function.__name__, (other, self) if swapped else (self, other))
        with np.errstate(all="ignore"):  # the device does not warn
            return fresh(np.asarray(function(*pair)), self)

    return method


def _in_place(function: Callable) -> Callable:
    def method(self: ndarray, other: Any) -> ndarray:
        mine, theirs = operands(function.__name__, (self, other))
        with np.errstate(all="ignore"):
            self._array[...] = _same_kind(function(mine, theirs), self.dtype)
        return self

    return method


def _same_kind(result: Any, dtype: np.dtype) -> np.ndarray:
    return np.asarray(result).astype(dtype, casting="same_kind", copy=False)


def _unary(function: Callable) -> Callable:
    def method(self: ndarray) -> ndarray:
        return fresh(np.asarray(function(*operands(function.__name__, (self,)))), self)

    return method


_OPERATORS = (
    "add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift rshift lt le gt ge eq ne"
)
for _name in _OPERATORS.split():
    _function, _plain = getattr(operator, _name), _name.rstrip("_")
    setattr(ndarray, f"__{_plain}__", _binary(_function))
    if _name not in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(ndarray, f"__r{_plain}__", _binary(_function, swapped=True))
        setattr(ndarray, f"__i{_plain}__", _in_place(_function))
for _name in ("neg", "pos", "abs", "invert"):
    setattr(ndarray, f"__{_name}__", _unary(getattr(operator, _name)))


def _method(name: str) -> Callable:
    def method(self: ndarray, *args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        result = getattr(operands(name, (self,))[0], name)(*args, **kwargs)
        if out is None:
            return wrap(result, self)
        out[...] = wrap(result, self)
        return out

    method.__name__ = name
    return method


def _shape_method(name: str) -> Callable:
    """A method that only looks at the shape: nothing is read unless it has to copy."""

    def method(self: ndarray, *args: Any, **kwargs: Any) -> ndarray:
        return wrap(getattr(self._array, name)(*args, **kwargs), self)

    method.__name__ = name
    return method


_METHODS = (
    "sum mean max min prod var std all any argmax argmin cumsum clip round conj dot take repeat"
    " trace argsort nonzero"
)
for _name in _METHODS.split():
    setattr(ndarray, _name, _method(_name))
for _name in ("ravel", "squeeze", "swapaxes", "diagonal", "flatten"):
    setattr(ndarray, _name, _shape_method(_name))
