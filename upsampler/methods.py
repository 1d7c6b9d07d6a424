"""The table of methods: each by a name that the command line, the sheets and the viewer share."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from . import gpu_methods
from .functional import Scale, Size, interpolate
from .kernel_methods import FAMILIES
from .lazy import lazy
from .method_base import Contributions, Method, Prepared, Range, layout_of
from .picture_samples import Sampler
from .spec import MODES, ResampleSpec, resample_spec

__all__ = ["DEFAULT_METHODS", "MENU", "PRESETS", "Interpolation", "Method", "Preset", "parse"]

SWITCHES = ("align_corners", "antialias")


@dataclass(frozen=True)
class Interpolation(Method):
    """A fixed rule.

    Parameters
    ----------
    mode : str
        A mode of `interpolate`.
    align_corners, antialias : bool
        As for `interpolate`.

    Raises
    ------
    ValueError
        If there is no such mode, or it knows no such switch.

    Examples
    --------
    >>> from upsampler.methods import Interpolation
    >>> Interpolation("bicubic").name, Interpolation("bicubic", antialias=True).name
    ('bicubic', 'bicubic:antialias')
    """

    mode: str
    align_corners: bool = False
    antialias: bool = False

    def __post_init__(self) -> None:
        # `interpolate` knows best what goes together: ask it, with a picture of no account.
        self._spec((1, 1), np.dtype(np.float32), [1, 1], None)

    @property
    def name(self) -> str:
        return ":".join([self.mode, *(s for s in SWITCHES if getattr(self, s))])

    @property
    def copies(self) -> bool:
        return self._spec((1, 1), np.dtype(np.float32), [1, 1], None).copies

    @property
    def skips_pixels(self) -> bool:
        return self.mode in ("bilinear", "bicubic") and not self.antialias

    def result_shape(
        self, shape: tuple[int, ...], dtype: np.dtype, size: Size, scale_factor: Scale
    ) -> tuple[int, ...]:
        return self._spec(shape, dtype, size, scale_factor).full_shape

    def prepare(self, pixels: np.ndarray, size: Size, scale_factor: Scale = None) -> Prepared:
        spec = self._spec(pixels.shape, pixels.dtype, size, scale_factor)
        return _Interpolated(self, pixels, size, scale_factor, spec)

    def _spec(
        self, shape: tuple[int, ...], dtype: np.dtype, size: Size, scale_factor: Scale
    ) -> ResampleSpec:
        return resample_spec(
            shape, dtype, size, scale_factor, self.mode, self.align_corners, None,
            self.antialias, layout_of(shape),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Interpolated(Prepared):
    method: Interpolation
    pixels: np.ndarray
    size: Size
    scale_factor: Scale
    spec: ResampleSpec
    sparse = weighs = True

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return self.spec.full_shape

    @lazy
    def _sampler(self) -> Sampler:
        return Sampler(self.spec)

    def samples(
        self, rows: np.ndarray, columns: np.ndarray, num_threads: int | None = None
    ) -> np.ndarray:
        return self._sampler.samples(self.pixels, rows, columns, num_threads)

    def means(
        self, row_edges: np.ndarray, column_edges: np.ndarray, num_threads: int | None = None
    ) -> np.ndarray:
        return self._sampler.means(self.pixels, row_edges, column_edges, num_threads)

    def window(
        self,
        rows: Range,
        columns: Range,
        out: np.ndarray | None = None,
        num_threads: int | None = None,
    ) -> np.ndarray:
        method = self.method
        return interpolate(
            self.pixels, self.size, self.scale_factor, method.mode, method.align_corners, None,
            method.antialias, layout=layout_of(self.pixels.shape), window=(rows, columns),
            out=out, num_threads=num_threads,
        )  # fmt: skip

    def contributions(self, row: int, column: int) -> Contributions:
        pixels = self.pixels
        spec = self.method._spec(pixels.shape, pixels.dtype, self.size, self.scale_factor)
        lines = []
        for rule, at in zip(spec.rules, (row, column), strict=True):
            table = rule.table(at, at + 1).as_sum()
            used = np.flatnonzero(table.weights[0])  # rows shorter than others carry zeros
            lines.append((table.start[0] + used, table.weights[0, used]))
        (rows, down), (columns, across) = lines
        return Contributions.gathered(rows, columns, np.outer(down, across)[None], pixels.shape)


def parse(text: str) -> Method:
    """The method of that name.

    Parameters
    ----------
    text : str
        A mode of `interpolate`, with ``:align_corners`` and ``:antialias`` at will; or a learnable
        method and its kernel, such as ``conv_transpose:bilinear``, ``conv_transpose:box:k=3``,
        ``resize_conv:random``, ``pixel_shuffle:icnr:seed=7``.  A rule after ``gpu:`` is computed
        by the GPU.

    Returns
    -------
    Method
        Whose `name` may be a shorter way to say the same.

    Raises
    ------
    ValueError
        If there is no such method.

    Examples
    --------
    >>> from upsampler.methods import parse
    >>> parse("bilinear:align_corners")
    Interpolation(mode='bilinear', align_corners=True, antialias=False)
    >>> parse("transposed:random:seed=0:k=3").name
    'conv_transpose:random:k=3'
    """
    family, _, rest = text.strip().partition(":")
    family = ALIASES.get(family, family)
    if family == gpu_methods.FAMILY:
        rule = parse(rest)
        if not isinstance(rule, Interpolation):
            raise ValueError(f"gpu: got {rest!r}; allowed: a mode of interpolate and its switches")
        return gpu_methods.OnGpu(rule)
    if family in FAMILIES:
        return FAMILIES[family].read(rest)
    if family not in MODES:
        known = [*MODES, *(f"{name}:..." for name in (*FAMILIES, gpu_methods.FAMILY))]
        raise ValueError(f"mode: got {family!r}; allowed: one of {', '.join(known)}")
    switches = rest.split(":") if rest or ":" in text else []
    unknown = [s for s in switches if s not in SWITCHES]
    if unknown:
        raise ValueError(
            f"method: got {text!r}; allowed: a mode, then :align_corners and :antialias at will"
        )
    return Interpolation(family, **dict.fromkeys(switches, True))


ALIASES = {"transposed": "conv_transpose"}


def _parsed(*names: str) -> tuple[Method, ...]:
    return tuple(parse(name) for name in names)


DEFAULT_METHODS = _parsed(
    "nearest", "area", "bilinear", "bilinear:align_corners", "bicubic", "lanczos3"
)


@dataclass(frozen=True)
class Preset:
    """Methods that belong together, and the scale at which to compare them."""

    scale: Fraction
    methods: tuple[Method, ...]


# The checkerboard of uneven overlap and of random weights, each beside what removes it.
PRESETS = {
    "checkerboard": Preset(
        Fraction(2),
        _parsed(
            "bilinear", "conv_transpose:bilinear",
            "conv_transpose:box:k=3", "conv_transpose:box:k=4",
            "conv_transpose:random:k=3", "conv_transpose:random:k=4",
            "conv_transpose:learned", "resize_conv:random",
            "pixel_shuffle:random", "pixel_shuffle:icnr",
        ),
    ),
}  # fmt: skip
# What the viewer offers, by headings.
MENU = {
    "Interpolation": _parsed(
        "nearest", "nearest-exact", "bilinear", "bilinear:align_corners", "bicubic",
        "bicubic:align_corners", "bicubic:antialias", "area", "lanczos3",
    ),
    "Transposed convolution": _parsed(
        "conv_transpose:bilinear", "conv_transpose:box:k=3", "conv_transpose:box:k=4",
        "conv_transpose:random:k=3", "conv_transpose:random:k=4",
        "conv_transpose:learned",
    ),
    "Resize-convolution": _parsed(
        "resize_conv:box", "resize_conv:random", "resize_conv:bilinear:random"
    ),
    "Pixel shuffle": _parsed(
        "pixel_shuffle:random", "pixel_shuffle:icnr", "pixel_shuffle:learned"
    ),
}  # fmt: skip
