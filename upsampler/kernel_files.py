"""Kernels from files, for pictures: what a module has saved, or weights alone.

Every way in which a file can be of no use ends in one ValueError that names it and the reason.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import numpy as np

from .images import open_regular
from .modules import ConvTranspose2d, Module, ResizeConv2d, load_module
from .picture import ImageError, shown

ENDINGS = (".npz", ".npy")
LARGEST = 64 << 20  # bytes; a kernel for pictures has some hundred numbers

Pair = tuple[int, int]


def transposed(path: str, scale: Pair, channels: int) -> np.ndarray:
    """The weight of a transposed convolution for a picture of so many channels.

    Parameters
    ----------
    path : str
        An .npz file of a `ConvTranspose2d`, or an .npy or .npz file with its weight alone.
    scale : (int, int)
        By which the picture will be enlarged.
    channels : int
        Of the picture.

    Returns
    -------
    ndarray
        (1, 1, kH, kW), one kernel for all channels, or (channels, 1, kH, kW).

    Raises
    ------
    ValueError
        If the file is none of these, or the kernel not for such a picture.
    """
    with _naming(path):
        found = _read(path)
        if not isinstance(found, Module):
            return _for_channels(_single(found), channels)
        if not isinstance(found, ConvTranspose2d):
            raise _Useless(f"holds a {type(found).__name__}, not a ConvTranspose2d")
        if found.stride != scale:
            raise _Useless(f"is for scale {_sizes(found.stride)}, not {_sizes(scale)}")
        return _for_channels(_plain(found), channels)


def resized(path: str, scale: Pair, mode: str) -> np.ndarray:
    """The weight, (1, 1, kH, kW), of a resize-convolution that interpolates by `mode`.

    As `transposed`, for a `ResizeConv2d` or the weight of one.
    """
    with _naming(path):
        found = _read(path)
        if not isinstance(found, Module):
            return _for_channels(_single(found), 1)
        if not isinstance(found, ResizeConv2d):
            raise _Useless(f"holds a {type(found).__name__}, not a ResizeConv2d")
        if found.scale_factor != scale:
            raise _Useless(f"is for scale {_sizes(found.scale_factor)}, not {_sizes(scale)}")
        if found.mode != mode:
            raise _Useless(f"interpolates {found.mode}, not {mode}")
        return _for_channels(_plain(found), 1)


def method_of(path: str) -> str:
    """The name of the method that the kernel in a file is for.

    Raises
    ------
    ValueError
        If the file holds no kernel, or its name does not end as those of kernels do.
    """
    with _naming(path):
        if not path.lower().endswith(ENDINGS):
            raise _Useless(f"is no kernel; their names end in {' or '.join(ENDINGS)}")
        found = _read(path)
    if isinstance(found, ResizeConv2d):
        return f"resize_conv:{found.mode}:{path}"
    return f"conv_transpose:{path}"


class _Useless(Exception):
    """Why a file is of no use."""


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    try:
        yield
    except (_Useless, ImageError) as error:
        raise ValueError(f"{shown(path)}: {error}") from error.__cause__


def _read(path: str) -> Module | dict[str, np.ndarray]:
    """The module in a file, or the arrays by name."""
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > LARGEST:
                raise _Useless("is too large to be a kernel for pictures")
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return {"weight": content}
            if "module" in content.files:
                return load_module(path)
            return {name: content[name] for name in content.files}
    except (_Useless, ImageError, MemoryError):
        raise
    except OSError as error:
        raise _Useless((error.strerror or str(error)).lower()) from error
    except Exception as error:  # damaged archives raise whatever their parsers stumble over
        raise _Useless("holds no kernel, or is damaged") from error


def _single(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The weight among arrays: the one of that name, or the only one."""
    _refuse_bias(arrays.get("bias"))
    weight = arrays.get("weight", next(iter(arrays.values())) if len(arrays) == 1 else None)
    if weight is None:
        raise _Useless("holds no array named weight")
    return weight[None, None] if weight.ndim == 2 else weight


def _plain(module: ConvTranspose2d | ResizeConv2d) -> np.ndarray:
    """The weight of a module that does nothing else to a picture, one kernel a channel."""
    _refuse_bias(module.bias)
    if module.dilation != (1, 1):
        raise _Useless(f"has dilation {_sizes(module.dilation)}; pictures take 1")
    if module.groups < max(module.in_channels, module.out_channels):
        raise _Useless(
            f"mixes {module.in_channels} channels into {module.out_channels}; pictures take a "
            "kernel for each channel (groups equal to the channels)",
        )
    return module.weight


def _for_channels(weight: np.ndarray, channels: int) -> np.ndarray:
    if (
        weight.ndim != 4
        or weight.shape[1] != 1
        or 0 in weight.shape
        or weight.dtype.kind not in "iuf"
    ):
        raise _Useless(
            f"has a weight of shape {weight.shape} and dtype {weight.dtype}; pictures take "
            "numbers of shape (kH, kW) or (C, 1, kH, kW)",
        )
    if not np.isfinite(weight).all():
        raise _Useless("has weights that are not finite")
    if (weight == weight[:1]).all():  # one kernel for all channels, however many
        return weight[:1]
    if len(weight) != channels:
        raise _Useless(f"has kernels for {len(weight)} channels, the picture has {channels}")
    return weight


def _refuse_bias(bias: np.ndarray | None) -> None:
    if bias is not None and np.any(bias):
        raise _Useless("has a bias, of which nobody knows for which white it was learned")


def _sizes(pair: tuple[int, ...]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[1]} across and {pair[0]} down"
