"""Where arrays are: in the memory of the host, or on which GPU; and who computes there."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .backends import for_cupy, for_numpy


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


def _place(x: Any) -> int | None:
    return None if isinstance(x, np.ndarray) else int(x.device.id)


def _named(place: int | None) -> str:
    return "on the host" if place is None else f"on GPU {place}"
