"""What is timed: a table.  A case is added by adding a row."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

SHORT = {"float32": "f32", "uint8": "u8"}


@dataclass(frozen=True)
class Case:
    """One interpolation of an array of `shape` to `size`, the lengths of H and W."""

    mode: str
    dtype: str
    layout: str
    shape: tuple[int, ...]
    size: tuple[int, int]

    @property
    def name(self) -> str:
        old, new = ("x".join(map(str, numbers)) for numbers in (self.shape, self.size))
        return f"{self.mode} {SHORT.get(self.dtype, self.dtype)} {self.layout} {old} -> {new}"

    @property
    def out_shape(self) -> tuple[int, ...]:
        first = self.layout.index("H")
        return self.shape[:first] + self.size + self.shape[first + 2 :]

    @property
    def out_bytes(self) -> int:
        return prod(self.out_shape) * np.dtype(self.dtype).itemsize

    def input(self) -> np.ndarray:
        """Noise in the middle half of the value range, the same in every run.

        The cubic filters overshoot by up to 1.9 times the amplitude in two dimensions, and
        Pillow clips 8-bit data between its two passes: here nobody has to clip, so that all
        methods can be held to one result.
        """
        rng = np.random.default_rng(0)
        if self.dtype == "uint8":
            return rng.integers(64, 192, self.shape, dtype=np.uint8)
        return rng.uniform(0.25, 0.75, self.shape).astype(self.dtype)


FEATURES = (  # (N, C, H, W) -> (H, W)
    ((1, 21, 128, 128), (512, 512)),  # class scores of a segmentation network
    ((1, 19, 128, 256), (1024, 2048)),  # the same for street scenes
    ((8, 64, 64, 64), (128, 128)),  # a decoder stage
    ((1, 3, 1080, 1920), (2160, 3840)),  # a picture
)
PICTURES = (  # mode, layout, shape -> (H, W)
    ("bilinear", "HWC", (1080, 1920, 3), (2160, 3840)),
    ("bilinear", "HWC", (1000, 1500, 3), (1700, 2550)),
    ("bilinear", "HW", (1080, 1920), (2160, 3840)),
    ("nearest", "HWC", (1080, 1920, 3), (2160, 3840)),
    ("bicubic", "HWC", (1080, 1920, 3), (2160, 3840)),
)
CASES = tuple(
    Case(mode, "float32", "NCHW", shape, size)
    for mode in ("bilinear", "nearest", "bicubic")
    for shape, size in FEATURES
) + tuple(Case(mode, "uint8", layout, shape, size) for mode, layout, shape, size in PICTURES)


def matching(text: str) -> tuple[Case, ...]:
    """The cases whose name contains every word of `text`."""
    return tuple(c for c in CASES if all(word in c.name for word in text.split()))
