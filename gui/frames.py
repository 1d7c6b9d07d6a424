"""The frames that are known: what the panes show, what they have shown, what failed.

Nothing here knows Qt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from .cache import LRU
from .render import Frame, Request
from .scene import Layer, Scene, Slot
from .source import Source

CACHE_BYTES = 256 << 20


class Frames:
    """Frames by their requests, and the last one of each pane.

    Attributes
    ----------
    last : dict
        By the numbers of the panes (and `TRUTH`) what was made last for each.
    """

    def __init__(self) -> None:
        self.last: dict[int, Frame] = {}
        self._asked: dict[int, Request] = {}  # what they are the answers to
        self._cache: LRU[Request, Frame] = LRU(CACHE_BYTES, lambda frame: frame.nbytes)
        self._errors: dict[Request, str] = {}

    def of(self, layer: Layer) -> Frame | None:
        """The frame that a layer asks for, None where it is not known."""
        # What a pane shows counts as known whether or not the cache had room for it.
        if self._asked.get(layer.pane) == layer.request:
            return self.last[layer.pane]
        return self._cache.get(layer.request)

    def error(self, layer: Layer) -> str:
        """Why there is no frame for a layer, "" as long as nothing is wrong."""
        return self._errors.get(layer.request, "")

    def is_missing(self, layer: Layer) -> bool:
        return self.of(layer) is None and layer.request not in self._errors

    def old(self, slot: Slot, layer: Layer) -> np.ndarray | None:
        """The last frame of a layer, or of its slot, under the transform of the layer."""
        frame = self.last.get(layer.pane) or self.last.get(slot.pane)
        if frame is None:
            return None
        return frame.under(layer.request.rows, layer.request.cols)

    def best(self, scene: Scene, idle: bool) -> Scene:
        """Below 1:1 the averages, once they are known or nothing has moved for a while."""

        def best(layer: Layer) -> Layer:
            if not layer.request.minified:
                return layer
            averaged = replace(layer, request=replace(layer.request, averaged=True))
            return averaged if idle or self.of(averaged) is not None else layer

        slots = (replace(s, layers=tuple(map(best, s.layers))) for s in scene.slots)
        return Scene(tuple(slots), tuple(map(best, scene.ahead)))

    def take(self, request: Request, frame: Frame, layers: Iterable[Layer]) -> None:
        """Keep a frame; it is the last one of every layer that asks for it, wherever it looks."""
        self._cache[request] = frame
        for layer in layers:
            same = replace(layer.request, rows=request.rows, cols=request.cols)
            if same == replace(request, averaged=False):
                self._show(layer.pane, request, frame)

    def shown(self, layer: Layer) -> Frame | None:
        """The frame of a layer, which is now the last one of its pane."""
        frame = self.of(layer)
        if frame is not None:
            self._show(layer.pane, layer.request, frame)
        return frame

    def _show(self, pane: int, request: Request, frame: Frame) -> None:
        self.last[pane], self._asked[pane] = frame, request

    def fail(self, request: Request, error: Exception) -> None:
        self._errors[request] = f"{error}" or type(error).__name__

    def forget(self, held: set[Source | None]) -> bool:
        """Drop the frames of pictures that are gone; they hold their source, which may be large.

        Returns
        -------
        bool
            Whether there were any.
        """
        gone = {frame.request.source for frame in self.last.values()} - held
        if gone:
            self._cache.clear()
            self._errors.clear()
            self.last.clear()
            self._asked.clear()
        return bool(gone)
