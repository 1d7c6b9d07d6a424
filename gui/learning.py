"""A kernel learned from the picture that is shown, without Qt: by least squares or step by step.

What is learned from is the picture and its averages, `scale` times smaller; or, where there is a
truth of the right size, the picture and the truth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, log10

import numpy as np

import upsampler
from upsampler.kernel_upsampling import centred_padding, upsample_with_kernel

from .parts import Part, data_range
from .render import Cancelled, never
from .source import Source
from .state import UNCHANGED

SIDE = 1024  # pixels of the larger picture along a side, of the middle, that are learned from
BAND = 128  # rows of the smaller picture between two looks at whether anybody waits
PATCH = 32  # pixels of the smaller picture along a side of the patches of a step
BATCH = 8  # patches of a step
OFTEN = 0.1  # seconds between two reports

WAYS = {"adam": "Adam, step by step", "exact": "least squares, at once"}
INITS = {"kaiming": "random", "bilinear": "bilinear", "icnr": "ICNR", "": "what it has"}


@dataclass(frozen=True)
class Recipe:
    """How to learn.

    Attributes
    ----------
    scale, kernel_size : int
        At least 2; at least 1.
    way : str
        A key of `WAYS`; the rest is for ``"adam"`` alone.
    init : str
        A key of `INITS`; "" goes on with what has been learned.
    steps : int
        How many more.
    rate : float
        Step size.
    seed : int
    """

    scale: int = 2
    kernel_size: int = 6
    way: str = "adam"
    init: str = "kaiming"
    steps: int = 4000
    rate: float = 0.01
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Learned:
    """A kernel and how it came about; a report while it is learned, and the result.

    Attributes
    ----------
    weight : (1, 1, kH, kW) ndarray
        A copy: nobody changes it any more.
    scale : int
    losses : ndarray of float64
        Mean squared error before each step, black to white being 1.
    training : Training or None
        To go on from; of results by ``"adam"``.
    """

    weight: np.ndarray
    scale: int
    losses: np.ndarray
    training: upsampler.Training | None = None

    @property
    def score(self) -> float:
        """Of the checkerboard that the kernel would lay over a constant picture."""
        return upsampler.checkerboard(self.weight, self.scale).score

    def module(self) -> upsampler.ConvTranspose2d:
        """A transposed convolution with the kernel, one channel to one."""
        made = layer(self.weight.shape[2:], self.scale, self.weight.dtype)
        made.load_state_dict({"weight": self.weight})
        return made


@dataclass(frozen=True, eq=False)
class Lesson:
    """A picture to learn from, perhaps its truth, and how; `start` is what to go on with."""

    source: Source
    truth: Source | None
    recipe: Recipe
    start: Learned | None = None

    @property
    def has_truth(self) -> bool:
        """Whether the truth is of the size that the picture is to have."""
        if self.truth is None:
            return False
        s, (height, width) = self.recipe.scale, self.source.size
        return self.truth.size == (height * s, width * s)


def learn(
    lesson: Lesson,
    report: Callable[[Learned], None],
    stopped: Callable[[], bool] = never,
    cancelled: Callable[[], bool] = never,
) -> Learned:
    """Learn, and tell of it now and then.

    Parameters
    ----------
    lesson : Lesson
    report : callable
        Takes what has been learned so far, `OFTEN`.
    stopped : callable
        Whether to end with what there is; looked at after each step.
    cancelled : callable
        Whether to end without a result.

    Raises
    ------
    ValueError
        If the picture or the recipe is of no use: a sentence that says why.
    FloatingPointError
        If the loss is no longer finite.
    Cancelled
        Soon after `cancelled` began to return True.
    """
    low, high = examples(lesson, cancelled)
    if lesson.recipe.way == "exact":
        return _exact(low, high, lesson.recipe, cancelled)
    return _stepwise(low, high, lesson, report, stopped, cancelled)


def examples(
    lesson: Lesson, cancelled: Callable[[], bool] = never
) -> tuple[np.ndarray, np.ndarray]:
    """(C, 1, h, w) and (C, 1, h * scale, w * scale) float32: what is given and what is wanted.

    Raises
    ------
    ValueError
        If there is too little to learn from, or it is not finite.
    """
    source, truth, s = lesson.source, lesson.truth, lesson.recipe.scale
    whole = Part(source, UNCHANGED, (0, source.size[0]), (0, source.size[1]))
    if truth is not None and lesson.has_truth:
        given = whole.within(SIDE // s, SIDE // s)
        rows, cols = ((start * s, stop * s) for start, stop in (given.rows, given.cols))
        low = _planes(given, cancelled)
        high = _planes(Part(truth, UNCHANGED, rows, cols), cancelled)
    else:
        wanted = whole.within(*(min(n, SIDE) // s * s for n in source.size))
        if wanted.empty:
            raise ValueError(
                f"a picture of {source.size[1]} x {source.size[0]} pixels is too small to learn "
                f"from at scale {s}; it takes at least {s} pixels a side"
            )
        high = _planes(wanted, cancelled)
        low = upsampler.avg_pool2d(high, s)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError("the picture holds NaN or infinity, from which nothing can be learned")
    return low, high


def _planes(part: Part, cancelled: Callable[[], bool]) -> np.ndarray:
    """(C, 1, h, w) float32: the colours of a part, from black 0 to white 1."""
    values = part.values(cancelled)
    colours = values[..., :-1] if part.source.weighted else values
    planes = np.ascontiguousarray(colours.transpose(2, 0, 1)[:, None], np.float32)
    return planes / np.float32(data_range(part.source))


def layer(
    kernel: tuple[int, ...], scale: int, dtype: np.dtype, init: str = "bilinear", seed: int = 0
) -> upsampler.ConvTranspose2d:
    """One that makes each pixel `scale` x `scale`, its kernel in the middle of them."""
    padding = [centred_padding(k, scale) for k in kernel]
    extra = [scale - k + 2 * p for k, p in zip(kernel, padding, strict=True)]
    return upsampler.ConvTranspose2d(
        1, 1, kernel, scale, padding, extra, bias=False, init=init, dtype=dtype, seed=seed
    )


def bilinear_loss(low: np.ndarray, high: np.ndarray, scale: int) -> float:
    """Mean squared error of bilinear interpolation, to have something to compare with."""
    kernel = upsampler.init.bilinear(1, 2 * scale - scale % 2)
    errors = [
        np.square(upsample_with_kernel(given[0], kernel, scale) - wanted[0], dtype=np.float64)
        for given, wanted in zip(low, high, strict=True)
    ]
    return float(np.mean(errors))


def decibels(loss: float) -> float:
    """PSNR of a mean squared error."""
    return -10 * log10(loss) if loss > 0 else inf


def _exact(
    low: np.ndarray, high: np.ndarray, recipe: Recipe, cancelled: Callable[[], bool]
) -> Learned:
    k, s = recipe.kernel_size, recipe.scale
    around = -(-k // s)
    found = upsampler.fit_conv_transpose(
        _bands(low, high, around, s, cancelled), kernel_size=k, stride=s,
        padding=around * s + centred_padding(k, s),
    )  # fmt: skip
    errors = [
        np.square(upsample_with_kernel(given[0], found.weight, s) - wanted[0], dtype=np.float64)
        for given, wanted in zip(low, high, strict=True)
    ]
    return Learned(found.weight.copy(), s, np.array([np.mean(errors)]))


def _bands(
    low: np.ndarray, high: np.ndarray, around: int, scale: int, cancelled: Callable[[], bool]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of some rows each, with so much around that no output lacks a tap."""
    wide = np.pad(low, [(0, 0), (0, 0), (around, around), (around, around)], mode="edge")
    for given, wanted in zip(wide, high, strict=True):
        for first in range(0, low.shape[2], BAND):
            if cancelled():
                raise Cancelled
            last = min(first + BAND, low.shape[2])
            yield (
                given[None, :, first : last + 2 * around],
                wanted[None, :, first * scale : last * scale],
            )


def _stepwise(
    low: np.ndarray,
    high: np.ndarray,
    lesson: Lesson,
    report: Callable[[Learned], None],
    stopped: Callable[[], bool],
    cancelled: Callable[[], bool],
) -> Learned:
    recipe, start = lesson.recipe, lesson.start
    module, state = _begun(recipe, start)
    before = np.array([]) if start is None or recipe.init else start.losses
    patch = [min(PATCH, n) for n in low.shape[2:]]
    losses: list[float] = []
    told = time.monotonic()

    def after(step: int, loss: float) -> bool:
        nonlocal told
        if cancelled():
            raise Cancelled
        losses.append(loss)
        if time.monotonic() - told >= OFTEN:
            told = time.monotonic()
            report(Learned(module.weight.copy(), recipe.scale, np.append(before, losses)))
        return not stopped()

    training = upsampler.train(
        module, list(zip(low, high, strict=True)), recipe.steps + (state.steps if state else 0),
        batch_size=BATCH, patch=patch, margin=_margin(module, patch), lr=recipe.rate,
        seed=recipe.seed, callback=after, state=state,
    )  # fmt: skip
    return Learned(module.weight.copy(), recipe.scale, np.append(before, losses), training)


def _begun(
    recipe: Recipe, start: Learned | None
) -> tuple[upsampler.ConvTranspose2d, upsampler.Training | None]:
    """The module at the beginning, and what Adam remembers of earlier steps."""
    if recipe.init:
        kernel = (recipe.kernel_size,) * 2
        return layer(kernel, recipe.scale, np.dtype(np.float32), recipe.init, recipe.seed), None
    if start is None:
        raise ValueError("there is no kernel yet to go on with")
    if start.scale != recipe.scale:
        raise ValueError(f"the kernel is for scale {start.scale}, not {recipe.scale}")
    return start.module(), start.training


def _margin(module: upsampler.ConvTranspose2d, patch: list[int]) -> int:
    """Outputs at the borders of a patch that lack taps, as far as there are others left."""
    most = (min(patch) * module.stride[0] - 1) // 2
    return min(max(module.kernel_size), most)
