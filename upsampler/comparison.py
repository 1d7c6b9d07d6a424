"""Several methods on one picture, timed and measured against the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import median
from time import perf_counter

from .methods import DEFAULT_METHODS, Interpolation, Method
from .metrics import Metrics, measure
from .picture import Picture
from .resize import Resizing, resize_picture

REPEATS = 3  # of the timing; the median counts
LONG = 0.5  # seconds from which one run is enough


@dataclass(frozen=True)
class Outcome:
    """What one method made of the picture.

    `seconds` are those of the enlarging, without what is done once for a picture: kernels that are
    learned or loaded, colours that are weighed by opacity.  `score` is that of the kernel, by
    `checkerboard`; None for fixed rules.
    """

    method: Method
    picture: Picture
    seconds: float
    metrics: Metrics
    score: float | None = None


@dataclass(frozen=True)
class Comparison:
    """The truth, what the methods were given, and what they made of it.

    `degraded` tells whether `small` was made from `truth` by averaging.
    """

    truth: Picture
    small: Picture
    degraded: bool
    outcomes: tuple[Outcome, ...]

    @property
    def scale(self) -> tuple[float, float]:
        """Output pixels for each input pixel, along H and W."""
        return self.truth.height / self.small.height, self.truth.width / self.small.width


def degrade(picture: Picture, scale: Fraction) -> tuple[Picture, Picture]:
    """Shrink by averaging areas, for the methods to restore.

    Parameters
    ----------
    picture : Picture
        The source.
    scale : Fraction
        Above 1.

    Returns
    -------
    truth, small : Picture
        `picture` cropped (at the bottom and on the right) so that `scale` divides its sides, and
        its averages: `scale` times smaller, exactly.

    Raises
    ------
    ValueError
        If `scale` is not above 1 or the picture too small for it.
    """
    if scale <= 1:
        raise ValueError(f"scale: got {scale}; allowed: above 1, to degrade and restore")
    height, width = (n - n % scale.numerator for n in (picture.height, picture.width))
    if not height or not width:
        raise ValueError(
            f"scale: got {scale} for a picture of {picture.width} x {picture.height} pixels; "
            f"allowed: pictures of at least {scale.numerator} pixels a side"
        )
    truth = replace(picture, pixels=picture.pixels[:height, :width])
    small = (int(height / scale), int(width / scale))
    return truth, resize_picture(truth, size=small, method="area")


def compare(
    truth: Picture,
    small: Picture,
    methods: Sequence[Method] = DEFAULT_METHODS,
    *,
    degraded: bool = False,
    linear_light: bool = False,
    num_threads: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Comparison:
    """Enlarge `small` to the size of `truth` by each method, and measure.

    Parameters
    ----------
    truth, small : Picture
        Alike in channels, dtype and alpha.
    methods : sequence of Method
        What to compare.
    degraded : bool
        Whether `small` comes from `degrade`; it is only handed on.
    linear_light, num_threads
        As for `resize_picture`.
    progress : callable, optional
        Called as ``progress(name, done, total)`` before each method and at the end.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If the pictures do not belong together, or a method cannot have their scale.
    TypeError
        If a method cannot take their dtype.
    """
    for what in ("channels", "dtype", "alpha"):
        given, wanted = getattr(small, what), getattr(truth, what)
        if given != wanted:
            raise ValueError(f"reference: got {what} {wanted}; allowed: {given}, as the picture")
    for method in methods:  # before any of them computes
        method.result_shape(small.pixels.shape, small.dtype, (truth.height, truth.width), None)
    outcomes = []
    for done, method in enumerate(methods):
        if progress is not None:
            progress(method.name, done, len(methods))
        outcomes.append(_outcome(truth, small, method, linear_light, num_threads))
    if progress is not None:
        progress("", len(methods), len(methods))
    return Comparison(truth, small, degraded, tuple(outcomes))


def _outcome(
    truth: Picture, small: Picture, method: Method, linear_light: bool, num_threads: int | None
) -> Outcome:
    size = (truth.height, truth.width)
    ready = Resizing(small, size, None, method, linear_light=linear_light)
    times: list[float] = []
    while not times or (len(times) < REPEATS and times[0] < LONG):
        start = perf_counter()
        picture = ready.run(num_threads)
        times.append(perf_counter() - start)
    metrics = measure(truth.pixels, picture.pixels, alpha=truth.alpha)
    return Outcome(method, picture, median(times), metrics, ready.score)


def moved(method: Method, comparison: Comparison, y: float, x: float) -> tuple[float, float]:
    """By how many output pixels a method moves what lies at output position (y, x).

    Half-pixel rules move nothing.  With align_corners the sample at p goes to
    ``p * (m - 1) / (n - 1)`` instead of ``(p + 0.5) * m / n - 0.5``: towards the border by
    up to half of the growth ``m / n - 1``, and not at all in the centre.  With antialias as well
    it goes to ``(p + 0.5) * (m - 1) / (n - 1) - 0.5`` (as in PyTorch): not at all at the first
    pixel and by twice as much at the last.

    Parameters
    ----------
    method : Method
        The method.
    comparison : Comparison
        For its sizes.
    y, x : float
        Where, as pixel index.

    Returns
    -------
    (float, float)
        Along y and x; positive is down and to the right.
    """
    if not isinstance(method, Interpolation) or not method.align_corners:
        return 0.0, 0.0
    small, large, antialias = comparison.small, comparison.truth, method.antialias

    def along(i: float, n: int, m: int) -> float:
        if n == 1 or m == 1:
            return 0.0
        offset = 0.5 if antialias else 0.0
        sample = (i + 0.5) * n / m - 0.5
        return (sample + offset) * (m - 1) / (n - 1) - offset - i

    return along(y, small.height, large.height), along(x, small.width, large.width)
