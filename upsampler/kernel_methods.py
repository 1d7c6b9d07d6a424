"""The learnable methods on pictures, by name: the operation of a decoder and a kernel for it.

So what they leave in a picture, a checkerboard for one, can be seen beside what the fixed rules
leave.
"""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, ClassVar

import numpy as np

from . import kernel_files
from . import picture_kernels as kernels
from .functional import Scale, Size
from .kernel_operations import Operation, Resized, Shuffled, Transposed
from .method_base import Method, layout_of
from .picture import shown
from .spec import bad_value, resample_spec

LIMITS = {"k": (1, 99), "seed": (0, 10**9 - 1)}
Pair = tuple[int, int]
K = 3  # taps of a convolution beside the change of size, if nothing else is said
MODES = ("nearest", "bilinear")  # of a resize-convolution; the first one goes without saying
_OPTIONS = re.compile(r"(.*?)((?::(?:k|seed)=\d{1,9})*)", re.DOTALL)


@dataclass(frozen=True)
class KernelMethod(Method):
    """A learnable method with a kernel from somewhere; for whole-numbered scales.

    Parameters
    ----------
    kernel : str
        A name of `KERNELS`, or the path of a file (.npz or .npy).
    k : int, optional
        Taps of the kernel along each axis; None lets kernel and scale decide.
    seed : int
        Of random weights.

    Raises
    ------
    ValueError
        If there is no such kernel, or it has no such parameter.
    """

    kernel: str
    k: int | None = None
    seed: int = 0

    FAMILY: ClassVar[str]
    KERNELS: ClassVar[Mapping[str, tuple[str, ...]]]  # a kernel and the parameters that it has
    TAKES_FILES: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.kernel not in self.KERNELS and not self.is_file:
            raise ValueError(f"method: got {self.name!r}; allowed: {self.grammar()}")
        for name, given in (("k", self.k), ("seed", self.seed or None)):
            if given is None:
                continue
            if name not in self.parameters:
                takes = [kernel for kernel, names in self.KERNELS.items() if name in names]
                raise ValueError(
                    f"{name}: got {given} with kernel {self.kernel!r}; allowed: only with "
                    f"{', '.join(takes)}"
                )
            low, high = LIMITS[name]
            if not low <= given <= high:
                raise bad_value(name, given, f"{low} to {high}")

    @classmethod
    def read(cls, text: str) -> KernelMethod:
        """The method that is named ``FAMILY:`` and `text`."""
        match = _OPTIONS.fullmatch(text)
        assert match is not None  # everything matches
        options = [option.split("=") for option in match[2].split(":")[1:]]
        values: dict[str, Any] = {name: int(value) for name, value in options}
        if len(values) < len(options):
            raise ValueError(f"method: got '{cls.FAMILY}:{text}'; allowed: k and seed once each")
        return cls(**cls._words(match[1]), **values)

    @classmethod
    def _words(cls, text: str) -> dict[str, Any]:
        return {"kernel": text}

    @classmethod
    def grammar(cls) -> str:
        """The names of all methods of this family, in a line."""
        words = [
            kernel + "".join(f"[:{name}=N]" for name in names)
            for kernel, names in cls.KERNELS.items()
        ]
        if cls.TAKES_FILES:
            words.append(f"a file that ends in {' or '.join(kernel_files.ENDINGS)}")
        return f"{cls.FAMILY}: with {', '.join(words)}"

    @property
    def is_file(self) -> bool:
        return self.TAKES_FILES and self.kernel.lower().endswith(kernel_files.ENDINGS)

    @property
    def parameters(self) -> tuple[str, ...]:
        """What of ``k`` and ``seed`` this kernel has."""
        return self.KERNELS.get(self.kernel, ())

    @property
    def name(self) -> str:
        k = [] if self.k is None else [f"k={self.k}"]
        seed = [] if self.seed == 0 else [f"seed={self.seed}"]
        return ":".join([self.FAMILY, *self._names(), *k, *seed])

    def _names(self) -> list[str]:
        return [self.kernel]

    @property
    def label(self) -> str:
        if not self.is_file:
            return super().label
        # The file's own name, without its folder, and as it is.
        family = "  ".join([self.FAMILY, *self._names()[:-1]]).replace("_", " ")
        return f"{family}  {shown(os.path.basename(self.kernel))}"

    def result_shape(
        self, shape: tuple[int, ...], dtype: np.dtype, size: Size, scale_factor: Scale
    ) -> tuple[int, ...]:
        # What a picture may be for bilinear interpolation it may be here.
        spec = resample_spec(
            shape, dtype, size, scale_factor, "bilinear", layout=layout_of(shape)
        )  # fmt: skip
        self.check(shape, [Fraction(rule.m, rule.n) for rule in spec.rules])
        return spec.full_shape

    def check(self, shape: tuple[int, ...], scale: Sequence[Fraction]) -> None:
        if any(s.denominator != 1 for s in scale):
            shown = " x ".join(f"{float(s):.4g}" for s in dict.fromkeys(scale))
            raise ValueError(f"scale: got {shown}; allowed: a whole number for {self.FAMILY}")
        self._check(shape, (int(scale[0]), int(scale[1])))

    def _check(self, shape: tuple[int, ...], scale: Pair) -> None:
        """What else a family asks of a picture and a scale."""

    def prepare(self, pixels: np.ndarray, size: Size, scale_factor: Scale = None) -> Operation:
        shape = self.result_shape(pixels.shape, pixels.dtype, size, scale_factor)
        down, across = (m // n for n, m in zip(pixels.shape[:2], shape[:2], strict=False))
        return self._operation(pixels, (down, across))

    @abstractmethod
    def _operation(self, pixels: np.ndarray, scale: Pair) -> Operation: ...


@dataclass(frozen=True)
class ConvTranspose(KernelMethod):
    """Transposed convolution: every pixel spreads a kernel over the result.

    Examples
    --------
    >>> from upsampler.kernel_methods import ConvTranspose
    >>> ConvTranspose("random", k=3).name, ConvTranspose.read("box:k=4").k
    ('conv_transpose:random:k=3', 4)
    """

    FAMILY = "conv_transpose"
    KERNELS: ClassVar = {
        "bilinear": (), "box": ("k",), "random": ("k", "seed"), "learned": ("k",)
    }  # fmt: skip

    def _check(self, shape: tuple[int, ...], scale: Pair) -> None:
        if self.is_file:
            self._loaded(shape, scale)
        elif self.kernel == "learned":
            kernels.check_learnable(shape, scale, self.k)

    def _operation(self, pixels: np.ndarray, scale: Pair) -> Operation:
        return Transposed(pixels, scale, self._weight(pixels, scale))

    def _weight(self, pixels: np.ndarray, scale: Pair) -> np.ndarray:
        if self.is_file:
            return self._loaded(pixels.shape, scale)
        if self.kernel == "bilinear":
            return kernels.bilinear(scale)
        if self.kernel == "learned":
            return kernels.learned(pixels, scale, self.k)
        size = (2 * scale[0], 2 * scale[1]) if self.k is None else (self.k, self.k)
        if self.kernel == "box":
            return kernels.box(size, scale)
        return kernels.random((1, 1, *size), prod(scale), self.seed)

    def _loaded(self, shape: tuple[int, ...], scale: Pair) -> np.ndarray:
        return kernel_files.transposed(self.kernel, scale, shape[2] if len(shape) == 3 else 1)


@dataclass(frozen=True)
class ResizeConv(KernelMethod):
    """Interpolation, nearest or bilinear, and then a convolution.

    Examples
    --------
    >>> from upsampler.kernel_methods import ResizeConv
    >>> ResizeConv.read("box").name, ResizeConv.read("bilinear:random:k=5:seed=7").mode
    ('resize_conv:box', 'bilinear')
    """

    mode: str = "nearest"

    FAMILY = "resize_conv"
    KERNELS: ClassVar = {"box": ("k",), "random": ("k", "seed")}

    @classmethod
    def _words(cls, text: str) -> dict[str, Any]:
        mode, _, kernel = text.partition(":")
        return {"mode": mode, "kernel": kernel} if mode in MODES else {"kernel": text}

    def _names(self) -> list[str]:
        return [self.kernel] if self.mode == MODES[0] else [self.mode, self.kernel]

    def _check(self, shape: tuple[int, ...], scale: Pair) -> None:
        if self.is_file:
            self._weight(scale)

    def _operation(self, pixels: np.ndarray, scale: Pair) -> Operation:
        return Resized(pixels, scale, self._weight(scale), self.mode)

    def _weight(self, scale: Pair) -> np.ndarray:
        if self.is_file:
            return kernel_files.resized(self.kernel, scale, self.mode)
        k = self.k or K
        if self.kernel == "box":
            return kernels.box((k, k), (1, 1))
        return kernels.random((1, 1, k, k), 1, self.seed)


@dataclass(frozen=True)
class PixelShuffle(KernelMethod):
    """A convolution to one channel for each output phase, and then pixel shuffle.

    Examples
    --------
    >>> from upsampler.kernel_methods import PixelShuffle
    >>> PixelShuffle("icnr", k=5, seed=7).name
    'pixel_shuffle:icnr:k=5:seed=7'
    """

    FAMILY = "pixel_shuffle"
    KERNELS: ClassVar = {"random": ("k", "seed"), "icnr": ("k", "seed"), "learned": ("k",)}
    TAKES_FILES = False

    def _check(self, shape: tuple[int, ...], scale: Pair) -> None:
        if scale[0] != scale[1]:
            shown = f"{scale[1]} across and {scale[0]} down"
            raise ValueError(f"scale: got {shown}; allowed: one for both axes of {self.FAMILY}")
        if self.kernel == "learned":
            kernels.check_learnable(shape, scale, self.k and self.k * scale[0])

    def _operation(self, pixels: np.ndarray, scale: Pair) -> Operation:
        return Shuffled(pixels, scale, self._weight(pixels, scale[0]))

    def _weight(self, pixels: np.ndarray, scale: int) -> np.ndarray:
        if self.kernel == "learned":
            return kernels.learned_phases(pixels, scale, self.k)
        k = self.k or K
        shape = (scale * scale, 1, k, k)
        if self.kernel == "icnr":
            return kernels.icnr(shape, scale, self.seed)
        return kernels.random(shape, scale * scale, self.seed)


FAMILIES = {family.FAMILY: family for family in (ConvTranspose, ResizeConv, PixelShuffle)}
