"""Conversions between upsampling convolutions, of weights and of modules."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from .conv_forms import ResizeConv, ShuffleConv, TransposedConv
from .conv_layers import ConvTranspose2d, ResizeConv2d
from .layers import PixelShuffle, Sequential
from .module_base import Module
from .resize_conversions import (
    conv_transpose_to_resize_conv,
    resize_conv_to_conv_transpose,
    resize_conv_to_shuffle,
)
from .shuffle_conversions import conv_transpose_to_shuffle, shuffle_to_conv_transpose
from .spec import bad_type

__all__ = [
    "ResizeConv",
    "ShuffleConv",
    "TransposedConv",
    "conv_transpose_to_resize_conv",
    "conv_transpose_to_shuffle",
    "resize_conv_to_conv_transpose",
    "resize_conv_to_shuffle",
    "shuffle_to_conv_transpose",
    "to_conv_transpose",
    "to_resize_conv",
    "to_shuffle",
]


def to_conv_transpose(module: Module) -> ConvTranspose2d:
    """A module that gives the same with one transposed convolution.

    Parameters
    ----------
    module : ResizeConv2d or Sequential
        A resize-convolution; or a `ResizeConv2d` with a scale of 1 and a `PixelShuffle`.

    Returns
    -------
    ConvTranspose2d
        With weights of its own.

    Raises
    ------
    TypeError, ValueError
        If it is another module, or one without such a form: see `resize_conv_to_conv_transpose`,
        which says where bilinear ones are equal, and `shuffle_to_conv_transpose`.

    Examples
    --------
    >>> import upsampler
    >>> upsampler.convert.to_conv_transpose(upsampler.ResizeConv2d(3, 4, 3, scale_factor=2))
    ConvTranspose2d(3, 4, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1))
    """
    if isinstance(module, ResizeConv2d):
        return _conv_transpose(resize_conv_to_conv_transpose(*_arguments(module)), module.layout)
    convolution, shuffle = _before_shuffle(module)
    found = shuffle_to_conv_transpose(
        convolution.weight,
        convolution.bias,
        shuffle.upscale_factor,
        convolution.padding,
        convolution.groups,
    )
    return _conv_transpose(found, convolution.layout)


def to_resize_conv(module: ConvTranspose2d, mode: str = "nearest") -> ResizeConv2d:
    """A module that gives the same by resizing and convolving, where there is one.

    Parameters
    ----------
    module : ConvTranspose2d
        One whose kernels are folded ones: see `conv_transpose_to_resize_conv`.
    mode : str
        ``"nearest"`` or ``"bilinear"``.

    Returns
    -------
    ResizeConv2d
        With weights of its own.

    Raises
    ------
    TypeError, ValueError
        If it is another module, or there is no such resize-convolution.

    Examples
    --------
    >>> import upsampler
    >>> module = upsampler.ConvTranspose2d(3, 4, 4, stride=2, padding=1)
    >>> module.weight[...] = 1
    >>> upsampler.convert.to_resize_conv(module)
    ResizeConv2d(3, 4, kernel_size=(3, 3), scale_factor=(2, 2), mode='nearest', padding=(1, 1))
    """
    if not isinstance(module, ConvTranspose2d):
        raise bad_type("module", module, "ConvTranspose2d")
    found = conv_transpose_to_resize_conv(*_arguments(module), mode=mode)
    into = found.weight.shape[1] * found.groups
    made = ResizeConv2d(
        into, len(found.weight), found.weight.shape[2:], found.scale_factor, mode, found.padding,
        groups=found.groups, bias=found.bias is not None, dtype=module.dtype, layout=module.layout,
    )  # fmt: skip
    return _filled(made, found.weight, found.bias)


def to_shuffle(module: ConvTranspose2d | ResizeConv2d) -> Sequential:
    """A module that gives the same by an ordinary convolution and a pixel shuffle.

    Parameters
    ----------
    module : ConvTranspose2d or ResizeConv2d
        With the same stride or scale along H and W, and an output that is a multiple of it.

    Returns
    -------
    Sequential
        Of a `ResizeConv2d` with a scale of 1, which is an ordinary convolution, and a
        `PixelShuffle`.

    Raises
    ------
    TypeError, ValueError
        If it is another module, or one without such a form: see `conv_transpose_to_shuffle`
        and `resize_conv_to_shuffle`, which says where bilinear ones are equal.

    Examples
    --------
    >>> import upsampler
    >>> upsampler.convert.to_shuffle(upsampler.ConvTranspose2d(3, 2, 4, stride=2, padding=1))
    Sequential(
      (0): ResizeConv2d(3, 8, kernel_size=(3, 3), scale_factor=(1, 1), mode='nearest', \
padding=(1, 1))
      (1): PixelShuffle(upscale_factor=2)
    )
    """
    if isinstance(module, ConvTranspose2d):
        found = conv_transpose_to_shuffle(*_arguments(module), crop=False)
    elif isinstance(module, ResizeConv2d):
        found = resize_conv_to_shuffle(*_arguments(module), crop=False)
    else:
        raise bad_type("module", module, "ConvTranspose2d or ResizeConv2d")
    into = found.weight.shape[1] * found.groups
    convolution = ResizeConv2d(
        into, len(found.weight), found.weight.shape[2:], 1, padding=found.padding,
        groups=found.groups, bias=found.bias is not None, dtype=module.dtype, layout=module.layout,
    )  # fmt: skip
    return Sequential(
        _filled(convolution, found.weight, found.bias),
        PixelShuffle(found.upscale_factor, layout=module.layout),
    )


def _arguments(module: ConvTranspose2d | ResizeConv2d) -> tuple[Any, ...]:
    """Weight, bias and geometry in the order of the functions."""
    kind = TransposedConv if isinstance(module, ConvTranspose2d) else ResizeConv
    return tuple(getattr(module, name) for name in kind._fields)


def _before_shuffle(module: Module) -> tuple[ResizeConv2d, PixelShuffle]:
    """The two modules of a Sequential that is an ordinary convolution and a shuffle."""
    if isinstance(module, Sequential) and len(module) == 2:
        first, second = module.modules
        if isinstance(first, ResizeConv2d) and isinstance(second, PixelShuffle):
            plain = (first.scale_factor, first.dilation, first.padding_mode)
            if plain != ((1, 1), (1, 1), "zeros"):
                raise ValueError(
                    f"module: got scale_factor, dilation, padding_mode {plain} before the shuffle; "
                    "allowed: 1, 1 and 'zeros'"
                )
            return first, second
    raise bad_type("module", module, "ResizeConv2d, or Sequential of it and a PixelShuffle")


def _conv_transpose(found: TransposedConv, layout: str | None) -> ConvTranspose2d:
    weight, bias, stride, padding, output_padding, groups, dilation = found
    made = ConvTranspose2d(
        len(weight), weight.shape[1] * groups, weight.shape[2:], stride, padding, output_padding,
        groups, bias is not None, dilation, dtype=weight.dtype, layout=layout,
    )  # fmt: skip
    return _filled(made, weight, bias)


Layer = TypeVar("Layer", ConvTranspose2d, ResizeConv2d)


def _filled(module: Layer, weight: np.ndarray, bias: np.ndarray | None) -> Layer:
    module.load_state_dict({"weight": weight} | ({} if bias is None else {"bias": bias}))
    return module
