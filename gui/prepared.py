"""Methods made ready for a picture, once: kernels that are learned from it or read from a file."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from upsampler.method_base import Prepared
from upsampler.methods import parse

from .source import Source
from .state import Pane


class _Once:
    """A place for a value, and the right to make it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.value: Prepared | None = None


# By the source first, and weakly: with a picture goes what was made ready for it.
_PLACES: WeakKeyDictionary[Source, dict[Pane, _Once]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def prepared(source: Source, pane: Pane) -> Prepared:
    """The method of `pane`, ready for windows of what it makes of `source`.

    From any thread; of several that ask for the same, one makes it and the others wait.

    Raises
    ------
    ValueError, TypeError
        If the method cannot have this picture or this scale: a sentence that says why.
    """
    with _LOCK:
        place = _PLACES.setdefault(source, {}).setdefault(pane, _Once())
    with place.lock:
        if place.value is None:
            method = parse(pane.method)
            method.check(source.values.shape, pane.scale)
            place.value = method.prepare(source.values, pane.output_size(source.size))
        return place.value
