"""How every other library does a case: the fastest way it has, all preparation done before.

A function here takes a case and its input and returns entries.  The input of an entry lies in
memory as the library likes it best (PyTorch's channels_last, OpenCV's interleaved channels),
and what it returns is fresh memory.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from .cases import Case

# Largest difference to ours that is the same picture.  float32: PyTorch's own coordinates are
# 1.5e-5 off.  8-bit data: others truncate their fixed-point weights, so one level.
TOLERANCE = {"float32": 5e-5, "uint8": 1.0}


@dataclass(frozen=True)
class Entry:
    """One way to do a case."""

    name: str
    run: Callable[[], Any]
    view: Callable[[Any], np.ndarray]  # the result as an array of the case's layout
    same_as: dict[str, Any] = field(default_factory=dict)  # our keywords for the same filter


def torch_entries(case: Case, x: np.ndarray, threads: int) -> list[Entry]:
    import torch
    from torch.nn.functional import interpolate

    torch.set_num_threads(threads)
    # (N, C, H, W), as a view of channels-last memory where the pixels are interleaved.
    nchw = torch.from_numpy(x[(None,) * (4 - x.ndim)])
    if case.layout == "HWC":
        nchw = nchw.permute(0, 3, 1, 2)

    def run(t: torch.Tensor) -> torch.Tensor:
        align = None if case.mode == "nearest" else False
        return interpolate(t, size=case.size, mode=case.mode, align_corners=align)

    def view(t: torch.Tensor) -> np.ndarray:
        t = t.permute(0, 2, 3, 1) if case.layout == "HWC" else t
        return t.numpy().reshape(case.out_shape)

    entries = [Entry("torch", partial(run, nchw.contiguous()), view)]
    if nchw.shape[1] > 1:
        last = nchw.contiguous(memory_format=torch.channels_last)
        entries.append(Entry("torch channels_last", partial(run, last), view))
    return entries


def opencv_entries(case: Case, x: np.ndarray, threads: int) -> list[Entry]:
    import cv2

    cv2.setNumThreads(threads)
    flags = {"bilinear": cv2.INTER_LINEAR, "nearest": cv2.INTER_NEAREST, "bicubic": cv2.INTER_CUBIC}
    resize = partial(cv2.resize, dsize=case.size[::-1], interpolation=flags[case.mode])
    if case.layout != "NCHW":
        return [Entry("opencv", partial(resize, x), np.asarray)]

    def run(pictures: np.ndarray, out_shape: tuple[int, ...]) -> np.ndarray:
        out = np.empty(out_shape, x.dtype)
        for picture, dst in zip(pictures, out, strict=True):
            resize(picture, dst=dst)
        return out

    n, c, h, w = x.shape
    nhwc = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    planes = partial(run, x.reshape(n * c, h, w), (n * c, *case.size))
    pixels = partial(run, nhwc, (n, *case.size, c))
    return [
        Entry("opencv planes", planes, lambda out: out.reshape(case.out_shape)),
        Entry("opencv HWC", pixels, lambda out: out.transpose(0, 3, 1, 2)),
    ]


def pillow_entries(case: Case, x: np.ndarray, threads: int) -> list[Entry]:
    from PIL import Image

    if case.dtype != "uint8" or case.layout == "NCHW":
        return []
    filters = Image.Resampling
    resample = {
        "bilinear": filters.BILINEAR,
        "nearest": filters.NEAREST,
        "bicubic": filters.BICUBIC,
    }[case.mode]
    picture = Image.fromarray(x)
    # Pillow's bicubic is Keys' with A = -0.5 and normalises at the border: our antialias=True.
    same_as = {"antialias": True} if case.mode == "bicubic" else {}
    run = partial(picture.resize, case.size[::-1], resample, reducing_gap=None)
    return [Entry("pillow", run, np.asarray, same_as)]


def skimage_entries(case: Case, x: np.ndarray, threads: int) -> list[Entry]:
    """Planes one by one: a third faster than HWC as a whole, which counts as a volume there.

    None for bicubic, which means B-splines there.  8-bit data comes back as float64.
    """
    from skimage.transform import resize

    if case.mode == "bicubic":
        return []
    order = {"bilinear": 1, "nearest": 0}[case.mode]
    first = case.layout.index("H")
    channels = tuple(a for a in range(x.ndim) if a not in (first, first + 1))
    planes = x.transpose(*channels, first, first + 1).reshape(-1, *x.shape[first : first + 2])
    kind = float if x.dtype == np.uint8 and order else x.dtype

    def run() -> np.ndarray:
        out = np.empty((len(planes), *case.size), kind)
        for plane, dst in zip(planes, out, strict=True):
            dst[...] = resize(
                plane, case.size, order, "edge", anti_aliasing=False, preserve_range=True
            )
        return out

    def view(out: np.ndarray) -> np.ndarray:
        lengths = [case.out_shape[a] for a in (*channels, first, first + 1)]
        return out.reshape(lengths).transpose(np.argsort((*channels, first, first + 1)))

    return [Entry("scikit-image", run, view)]


# name: (module whose presence and version count, its entries)
PEERS = {
    "torch": ("torch", torch_entries),
    "opencv": ("cv2", opencv_entries),
    "pillow": ("PIL", pillow_entries),
    "scikit-image": ("skimage", skimage_entries),
}
ONE_THREAD = ("pillow", "scikit-image")  # whatever the others may use


def versions(names: list[str]) -> dict[str, str]:
    """The version of every peer of `names`, or "absent: " and the reason why."""
    found = {}
    for name in names:
        try:
            found[name] = str(importlib.import_module(PEERS[name][0]).__version__)
        except ImportError as error:
            found[name] = f"{ABSENT}{error}"
    return found


ABSENT = "absent: "
