"""Memory of frames that are gone, for the next ones.

A frame of a pane takes megabytes, and the system clears every page of new ones: while a picture
was dragged that took as long as computing it.
"""

from __future__ import annotations

import sys
import threading
from math import prod

import numpy as np

MOST = 128 << 20  # bytes held at most, used or not
SMALL = 1 << 16  # bytes below which the allocator itself keeps memory
_FREE = 2  # references to a buffer that nobody uses: the list, the call that counts


class Pool:
    """Arrays in recycled memory; from any thread.

    Examples
    --------
    >>> import numpy as np
    >>> from upsampler_gui.pool import Pool
    >>> pool = Pool()
    >>> a = pool.empty((300, 400), np.uint32)
    >>> place = a.ctypes.data
    >>> pool.empty((300, 400), np.uint32).ctypes.data == place
    False
    >>> del a
    >>> pool.empty((400, 300), np.uint32).ctypes.data == place
    True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buffers: list[np.ndarray] = []
        self._held = 0

    def empty(self, shape: tuple[int, ...], dtype: np.typing.DTypeLike) -> np.ndarray:
        """A new array, its values undefined."""
        dtype = np.dtype(dtype)
        nbytes = prod(shape) * dtype.itemsize
        if not SMALL <= nbytes <= MOST:
            return np.empty(shape, dtype)
        with self._lock:
            buffer = self._taken(nbytes)
            # A view: as long as it lives, and all views of it, it refers to the buffer.
            return buffer.view(dtype).reshape(shape)

    def _taken(self, nbytes: int) -> np.ndarray:
        # By number: a loop over the buffers would hold references of its own, how many depends.
        for i in range(len(self._buffers)):
            fits = self._buffers[i].nbytes == nbytes
            if fits and sys.getrefcount(self._buffers[i]) <= _FREE:
                # Behind the others, so that what is never wanted again comes first.
                self._buffers.append(self._buffers.pop(i))
                return self._buffers[-1]
        made = np.empty(nbytes, np.uint8)
        self._buffers.append(made)
        self._held += nbytes
        while self._held > MOST:
            self._held -= self._buffers.pop(0).nbytes  # whoever uses it keeps it
        return made


FRAMES = Pool()
