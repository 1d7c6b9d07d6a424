"""How every other library does an interpolation: the fastest way it has.

A function here takes a case, its inputs and a number of threads, and returns entries.  The
input of an entry lies in memory as the library likes it best (PyTorch's channels_last, OpenCV's
interleaved channels), and what it returns is fresh memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .case import Entry, Inputs

if TYPE_CHECKING:
    import torch

    from .interpolation import Interpolation


def torch_inputs(case: Interpolation, x: np.ndarray) -> dict[str, torch.Tensor]:
    """(N, C, H, W) in PyTorch's two memory formats, by the name of the entry."""
    import torch

    nchw = torch.from_numpy(x[(None,) * (4 - x.ndim)])
    if case.layout.endswith("C"):
        nchw = nchw.permute(0, 3, 1, 2)
    found = {"torch": nchw.contiguous()}
    if nchw.shape[1] > 1:
        found["torch channels_last"] = nchw.contiguous(memory_format=torch.channels_last)
    return found


def torch_array(case: Interpolation, t: torch.Tensor, shape: tuple[int, ...]) -> np.ndarray:
    """(N, C, H, W) in the layout of the case."""
    t = t.permute(0, 2, 3, 1) if case.layout.endswith("C") else t
    return t.numpy().reshape(shape)


def torch_call(case: Interpolation, threads: int) -> Callable[[torch.Tensor], torch.Tensor]:
    import torch

    torch.set_num_threads(threads)
    align = None if case.mode == "nearest" else False
    return partial(
        torch.nn.functional.interpolate, size=case.size, mode=case.mode, align_corners=align
    )


def by_torch(case: Interpolation, inputs: Inputs, threads: int) -> list[Entry]:
    """None for 16-bit integers."""
    if case.dtype == "uint16":
        return []

    def view(t: torch.Tensor) -> np.ndarray:
        return torch_array(case, t, case.result_shape)

    run = torch_call(case, threads)
    found = torch_inputs(case, *inputs)
    return [Entry(name, partial(run, tensor), view) for name, tensor in found.items()]


def by_torch_backward(case: Interpolation, inputs: Inputs, threads: int) -> list[Entry]:
    from .torch_ways import gradients

    def view(grads: tuple[torch.Tensor]) -> np.ndarray:
        return torch_array(case, grads[0], case.shape)

    run = torch_call(case, threads)
    x, grad = (torch_inputs(case, array) for array in inputs)
    return [Entry(name, gradients(run, (x[name],), grad[name]), view) for name in x]


def by_opencv(case: Interpolation, inputs: Inputs, threads: int) -> list[Entry]:
    """None for half precision."""
    import cv2

    if case.dtype == "float16":
        return []
    cv2.setNumThreads(threads)
    (x,) = inputs
    flags = {"bilinear": cv2.INTER_LINEAR, "nearest": cv2.INTER_NEAREST, "bicubic": cv2.INTER_CUBIC}
    resize = partial(cv2.resize, dsize=case.size[::-1], interpolation=flags[case.mode])
    if "N" not in case.layout:
        return [Entry("opencv", partial(resize, x), np.asarray)]

    def run(pictures: np.ndarray, out_shape: tuple[int, ...]) -> np.ndarray:
        out = np.empty(out_shape, x.dtype)
        for picture, dst in zip(pictures, out, strict=True):
            resize(picture, dst=dst)
        return out

    if case.layout == "NHWC":
        return [Entry("opencv", partial(run, x, case.result_shape), np.asarray)]
    n, c, h, w = x.shape
    nhwc = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    planes = partial(run, x.reshape(n * c, h, w), (n * c, *case.size))
    pixels = partial(run, nhwc, (n, *case.size, c))
    return [
        Entry("opencv planes", planes, lambda out: out.reshape(case.result_shape)),
        Entry("opencv HWC", pixels, lambda out: out.transpose(0, 3, 1, 2)),
    ]


def by_pillow(case: Interpolation, inputs: Inputs, threads: int) -> list[Entry]:
    """None for four channels: the last one is the opacity there, and weights the others."""
    from PIL import Image

    if case.dtype != "uint8" or case.layout == "NCHW" or case.shape[2:] == (4,):
        return []
    filters = Image.Resampling
    resample = {
        "bilinear": filters.BILINEAR,
        "nearest": filters.NEAREST,
        "bicubic": filters.BICUBIC,
    }[case.mode]
    picture = Image.fromarray(*inputs)
    # Pillow's bicubic is Keys' with A = -0.5 and normalises at the border: our antialias=True.
    same_as = {"antialias": True} if case.mode == "bicubic" else {}
    run = partial(picture.resize, case.size[::-1], resample, reducing_gap=None)
    return [Entry("pillow", run, np.asarray, same_as)]


def by_skimage(case: Interpolation, inputs: Inputs, threads: int) -> list[Entry]:
    """Planes one by one: a third faster than HWC as a whole, which counts as a volume there.

    None for bicubic, which means B-splines there, and for types that others than us hardly have.
    8-bit data comes back as float64.
    """
    from skimage.transform import resize

    if case.mode == "bicubic" or case.dtype in ("float16", "uint16"):
        return []
    order = {"bilinear": 1, "nearest": 0}[case.mode]
    (x,) = inputs
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
        lengths = [case.result_shape[a] for a in (*channels, first, first + 1)]
        return out.reshape(lengths).transpose(np.argsort((*channels, first, first + 1)))

    return [Entry("scikit-image", run, view)]
