"""Where arrays are: in the memory of the host, or on which GPU; and who computes there.

A place is the number of a GPU, or None for the host.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .backends import connect, for_cupy, for_numpy
from .spec import bad_type, bad_value

_DEVICES = "'cpu', 'gpu' or a GPU by its number, such as 'gpu:1'"


def on_gpu(x: Any) -> bool:
    """Whether `x` is an array of CuPy, which is never imported for the question."""
    if type(x) is np.ndarray:
        return False
    cupy = sys.modules.get("cupy")
    return cupy is not None and isinstance(x, getattr(cupy, "ndarray", ()))


def backend_for(**arrays: Any) -> Any:
    """The backend that computes on these, by the names of their arguments, all of one place.

    What is no array (None, or an argument of a wrong type) is passed over.
    """
    if not any(map(on_gpu, arrays.values())):
        return for_numpy()
    places = {n: _place(x) for n, x in arrays.items() if isinstance(x, np.ndarray) or on_gpu(x)}
    (first, here), *others = places.items()
    for name, place in others:
        if place != here:
            raise TypeError(
                f"{name}: got an array {_named(place)}; allowed: {_named(here)}, where {first} is"
            )
    return for_numpy() if here is None else for_cupy()


def array_module(x: Any) -> Any:
    """NumPy or CuPy, whichever `x` belongs to."""
    return backend_for(x=x).xp if on_gpu(x) else np


def named_place(device: object) -> int | None:
    """The place that the argument `device` names."""
    if not isinstance(device, str):
        raise bad_type("device", device, _DEVICES)
    name, colon, number = device.partition(":")
    if device == "cpu":
        return None
    if name != "gpu" or (colon and not (number.isascii() and number.isdigit())):
        raise bad_value("device", device, _DEVICES)
    place = int(number or 0)
    count = connect().xp.cuda.runtime.getDeviceCount()
    if place >= count:
        raise bad_value("device", device, f"GPUs from 0 to {count - 1}")
    return place


def moved(x: Any, place: int | None) -> Any:
    """`x` where it is wanted: itself, or a copy."""
    if _place(x) == place:
        return x
    host = x.get() if on_gpu(x) else x
    if place is None:
        return host
    xp = connect().xp
    with xp.cuda.Device(place):
        return xp.asarray(host)


def beside(x: Any, other: Any) -> Any:
    """`x` where `other` is."""
    return moved(x, _place(other))


def _place(x: Any) -> int | None:
    return int(x.device.id) if on_gpu(x) else None


def _named(place: int | None) -> str:
    return "on the host" if place is None else f"on GPU {place}"
