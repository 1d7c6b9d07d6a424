"""Which backend computes: chosen by the type of the array, loaded on first use."""

from __future__ import annotations

import contextlib
import contextvars
import importlib
import sys
from collections.abc import Iterator
from typing import Any


class BackendUnavailable(RuntimeError):
    """An operation needs a backend that this machine does not have; the message says why."""


# name -> module; each has a function `status`, and `backend` or, for arrays of CuPy, `of`
_MODULES = {
    "cpu": "upsampler.backends.cpu",
    "reference": "upsampler.backends.reference",
    "gpu": "upsampler.backends.gpu",
}
_forced: contextvars.ContextVar[str | None] = contextvars.ContextVar("backend", default=None)


def get(name: str) -> Any:
    """The backend of that name: "cpu", "reference", or "cpu-baseline", "cpu-avx2"..."""
    name, _, isa = name.partition("-")
    try:
        module = importlib.import_module(_MODULES[name])
    except ImportError as error:
        raise BackendUnavailable(f"backend {name!r}: {error}") from error
    return module.of_isa(isa) if isa else module.backend


def preload() -> None:
    """Load the loops of the CPU now rather than in the first call.

    A thread that imports them holds the import's lock, and a child forked at that moment waits
    for it forever.  Where they cannot be loaded, the first call says why.
    """
    with contextlib.suppress(ImportError):
        importlib.import_module(_MODULES["cpu"])


def forced() -> str | None:
    """The name of the backend that `use` chose, None outside of such a block."""
    return _forced.get()


def for_numpy() -> Any:
    """The backend that computes on NumPy arrays."""
    return get(_forced.get() or "cpu")


def for_cupy() -> Any:
    """The backend that computes on arrays of CuPy, which somebody has imported."""
    return importlib.import_module(_MODULES["gpu"]).of(sys.modules["cupy"])


def connect() -> Any:
    """The backend of the GPU, which nobody has given an array of yet."""
    state = backends()["gpu"]
    if not state["available"]:
        raise BackendUnavailable(f"backend 'gpu': {state['reason']}")
    return for_cupy()


@contextlib.contextmanager
def use(name: str) -> Iterator[None]:
    """Within the block NumPy arrays are computed on by the backend `name` (see `get`)."""
    get(name)
    token = _forced.set(name)
    try:
        yield
    finally:
        _forced.reset(token)


def backends() -> dict[str, dict[str, Any]]:
    """What can compute here, and with what.

    Returns
    -------
    dict
        For each backend name a dict with ``available`` (bool) and ``reason`` (why not, or
        None).  Where the CPU's are available: ``instruction_set``, ``instruction_sets`` (all that
        were built and that this processor runs) and ``threads`` (the default number); where the
        GPU's is: ``devices``, their names.

    Examples
    --------
    >>> import upsampler
    >>> upsampler.backends()["reference"]["available"]
    True
    """
    result = {}
    for name, module in _MODULES.items():
        try:
            result[name] = importlib.import_module(module).status()
        except ImportError as error:
            result[name] = {"available": False, "reason": str(error)}
    return result
