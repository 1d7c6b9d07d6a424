"""Memory of results, recycled: how much of it is kept, and what is there now."""

from __future__ import annotations

import os
from math import prod

import numpy as np

from .backends import _buffers  # type: ignore[attr-defined]
from .spec import bad_value, integer

DEFAULT = 256 << 20
MOST = 1 << 62  # larger bounds are allowed and mean no more than this


def _from_environment() -> int:
    text = os.environ.get("UPSAMPLER_BUFFER_POOL", "").strip()
    return min(int(text), MOST) if text.isascii() and text.isdigit() else DEFAULT


def get_buffer_pool() -> int:
    """How many bytes of memory the pool of buffers may hold for results to come.

    Returns
    -------
    int
        The number given to `set_buffer_pool`; else ``UPSAMPLER_BUFFER_POOL`` of the environment;
        else 268435456 (256 MB).

    Examples
    --------
    >>> import upsampler
    >>> upsampler.set_buffer_pool(100_000_000)
    >>> upsampler.get_buffer_pool()
    100000000
    >>> upsampler.set_buffer_pool(None)
    """
    return _bound


def set_buffer_pool(bytes: int | None) -> None:
    """Set how many bytes of memory the pool of buffers may hold for results to come.

    The memory of a result of 64 kB or more goes into the pool when the last array that uses it
    dies, and to the next result of about its size.  That spares what new memory costs: the system
    clears each page of it, which often takes longer than the computation.

    Parameters
    ----------
    bytes : int or None
        At least 0; what the pool holds beyond it is given back at once.  0 switches the pool
        off; ``None`` returns to the environment's choice, or 256 MB.

    Raises
    ------
    TypeError, ValueError
        If `bytes` is no integer, or below 0.

    Notes
    -----
    Only memory that nobody uses counts, in blocks of up to an eighth more than their result; the
    block that has waited longest goes first.  Results larger than the bound are never held.
    Linux may take back what the pool holds in huge pages whenever it runs short.  Results own
    their memory like all arrays; copies of them, and what NumPy makes of them, come from NumPy.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> upsampler.set_buffer_pool(0)  # the memory of every result is new
    >>> x = upsampler.interpolate(np.ones((300, 400)), scale_factor=2)
    >>> del x
    >>> upsampler.buffer_pool_info()["held"]
    0
    >>> upsampler.set_buffer_pool(None)
    """
    global _bound
    if bytes is None:
        n = _from_environment()
    else:
        n = integer("bytes", bytes, _ALLOWED)
        if n < 0:
            raise bad_value("bytes", n, _ALLOWED)
    _bound = min(n, MOST)
    _buffers.set_bound(_bound)


_ALLOWED = "an integer of at least 0, or None"


def buffer_pool_info() -> dict[str, int]:
    """What the pool of buffers holds, and what it was good for.

    Returns
    -------
    dict
        ``bound``, the bytes that it may hold, and ``held``, those that it does, in ``blocks``
        blocks; of the results since the start, how many were given a block that was ``reused``,
        and for how many one was ``made``.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> x = np.ones((300, 400))
    >>> for _ in range(3):
    ...     y = upsampler.interpolate(x, scale_factor=2)
    >>> upsampler.buffer_pool_info()["reused"] > 0
    True
    """
    return dict(zip(("bound", "held", "blocks", "reused", "made"), _buffers.state(), strict=True))


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """``np.empty``, of memory from the pool where that pays."""
    try:
        if _buffers.LEAST <= prod(shape) * dtype.itemsize <= _bound:
            return _buffers.empty(shape, dtype)
        return np.empty(shape, dtype)
    except MemoryError:
        if not _buffers.drop():
            raise
        return np.empty(shape, dtype)


def holds(nbytes: int) -> bool:
    """Whether `empty` would take an array of `nbytes` from what the pool holds."""
    return nbytes <= _bound and _buffers.holds(nbytes)


drop, is_recycled = _buffers.drop, _buffers.is_recycled
_bound = _from_environment()
_buffers.set_bound(_bound)
if hasattr(os, "register_at_fork"):
    # A child shares every page with its parent until one of them writes to it, which costs a copy.
    os.register_at_fork(after_in_child=_buffers.drop)
