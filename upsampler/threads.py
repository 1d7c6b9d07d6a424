"""How many threads a call may use."""

from __future__ import annotations

import os

from .spec import thread_count

_chosen: int | None = None


def _from_environment() -> int | None:
    for name in ("UPSAMPLER_NUM_THREADS", "OMP_NUM_THREADS"):
        # OMP_NUM_THREADS may be a list, one number for each level of nesting.
        text = os.environ.get(name, "").split(",")[0].strip()
        if text.isascii() and text.isdigit() and int(text) > 0:
            return thread_count(int(text))
    return None


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def get_num_threads() -> int:
    """Number of threads that a call uses where `num_threads` is not given.

    Returns
    -------
    int
        The number given to `set_num_threads`; else ``UPSAMPLER_NUM_THREADS``, else
        ``OMP_NUM_THREADS`` of the environment; else the cores that this process may use.

    Examples
    --------
    >>> import upsampler
    >>> upsampler.set_num_threads(1)
    >>> upsampler.get_num_threads()
    1
    >>> upsampler.set_num_threads(None)
    """
    global _default
    if _chosen is not None:
        return _chosen
    if _default is None:
        _default = _from_environment() or available_cores()
    return _default


_default: int | None = None


def set_num_threads(n: int | None) -> None:
    """Set the number of threads for calls that do not say `num_threads`.

    Parameters
    ----------
    n : int or None
        At least 1; ``None`` returns to the environment's choice.

    Raises
    ------
    TypeError, ValueError
        If `n` is no integer, or below 1.
    """
    global _chosen
    _chosen = thread_count(n, "n")
