"""Which parts of a picture are worth a magnifying glass."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

# Share of the way from the centre to the border from which on a place counts as outer.
_OUTER = 0.62
_EMPTY = 0.1  # share of the best place's score below which there is nothing to see


@dataclass(frozen=True)
class Crop:
    """A rectangle of output pixels: its top left corner and its size."""

    y: int
    x: int
    height: int
    width: int

    @property
    def name(self) -> str:
        """As the command line takes it: X,Y,SIZE or X,Y,WIDTHxHEIGHT."""
        size = f"{self.width}x{self.height}" if self.width != self.height else f"{self.width}"
        return f"{self.x},{self.y},{size}"

    def of(self, pixels: np.ndarray) -> np.ndarray:
        return pixels[self.y : self.y + self.height, self.x : self.x + self.width]

    def scaled(self, n: int, height: int, width: int, rows: int, columns: int) -> Crop:
        """The crop of `height` x `width` about n times this one's centre, within the picture."""
        height, width = min(height, rows), min(width, columns)
        y, x = (
            round((c + 0.5) * n - k / 2) for c, k in zip(self.centre, (height, width), strict=True)
        )
        return Crop(min(max(y, 0), rows - height), min(max(x, 0), columns - width), height, width)

    @property
    def centre(self) -> tuple[float, float]:
        """As pixel index: the centre of pixel 0 is 0."""
        return self.y + (self.height - 1) / 2, self.x + (self.width - 1) / 2


def detail(gray: np.ndarray) -> np.ndarray:
    """How much there is to see at each pixel: the length of the gradient, strong edges damped.

    The root keeps one hard edge from outweighing a whole field of texture.
    """
    gray = gray.astype(np.float64)
    across = np.abs(np.diff(gray, axis=1, append=gray[:, -1:]))
    along = np.abs(np.diff(gray, axis=0, append=gray[-1:]))
    return np.sqrt(np.nan_to_num(across + along, posinf=0.0))


def detailed_crop(energy: np.ndarray, side: int) -> Crop:
    """The square of `side` pixels with the most detail (smaller where the picture is)."""
    height, width = min(side, energy.shape[0]), min(side, energy.shape[1])
    sums = _window_sums(energy, height, width)
    y, x = np.unravel_index(np.argmax(sums), sums.shape)
    return Crop(int(y), int(x), height, width)


def outer_crop(gray: np.ndarray, height: int, width: int) -> Crop:
    """A rectangle near the border of a picture, centred on an edge that faces outwards.

    There align_corners moves things furthest, away from the middle, where it moves nothing; an
    edge shows the move best that lies across it.
    """
    height, width = min(height, gray.shape[0]), min(width, gray.shape[1])
    # -1 to 1 from border to border: the direction and the size of the move.
    v, u = (
        ((np.arange(n) + 0.5) * 2 / n - 1).reshape(shape)
        for n, shape in zip(gray.shape, ((-1, 1), (1, -1)), strict=True)
    )
    gray = gray.astype(np.float64)
    across = np.diff(gray, axis=1, append=gray[:, -1:])
    along = np.diff(gray, axis=0, append=gray[-1:])
    energy = np.abs(np.nan_to_num(across * u + along * v, posinf=0.0, neginf=0.0))
    sums = _window_sums(energy, height, width)
    # The edge is wanted in the middle, where the cross-hair is.
    core_size = ceil(height / 3), ceil(width / 3)
    top, left = (height - core_size[0]) // 2, (width - core_size[1]) // 2
    core = _window_sums(energy, *core_size)
    core = core[top : top + sums.shape[0], left : left + sums.shape[1]]
    rows = np.abs(v[height // 2 : height // 2 + sums.shape[0]])
    columns = np.abs(u[:, width // 2 : width // 2 + sums.shape[1]])
    share = np.maximum(rows, columns)
    outer = share >= min(_OUTER, float(share.max()))
    score = sums / (height * width) + core / (core_size[0] * core_size[1])
    # Where the border is empty, as around an icon, better a place further inside.
    found = outer & (score >= _EMPTY * score.max())
    score = np.where(found if found.any() else True, score, -1.0)
    y, x = np.unravel_index(np.argmax(score), score.shape)
    return Crop(int(y), int(x), height, width)


def _window_sums(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Sums over all windows of that size, by the table of sums over top left rectangles."""
    table = np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    total = table[height:, width:] - table[:-height, width:]
    return total - table[height:, :-width] + table[:-height, :-width]
