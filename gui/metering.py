"""How far a part of one pane is from the same part of the reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from upsampler.metrics import Metrics
from upsampler.metrics_rows import measure_rows

from .parts import Part, data_range, give_up_if, unit
from .render import never


@dataclass(frozen=True)
class Comparison:
    """What is measured: two parts of one size, the reference first."""

    reference: Part
    test: Part

    @property
    def trouble(self) -> str:
        """Why the two cannot be compared, "" where they can."""
        a, b = self.reference, self.test
        if a.source.values.shape[2] != b.source.values.shape[2]:
            return f"{b.shape[2]} channels, the reference has {a.shape[2]}"
        if a.source.values.dtype != b.source.values.dtype:
            return f"{b.source.dtype} values, the reference has {a.source.dtype}"
        if a.shape != b.shape:
            (height, width), (high, wide) = b.shape[:2], a.shape[:2]
            return f"{width} x {height} pixels, the reference has {wide} x {high}"
        return ""


def meter(comparison: Comparison, cancelled: Callable[[], bool] = never) -> Metrics | None:
    """All measures, some rows at a time; None where nothing is to be compared.

    Means and maxima of errors are in the units of the file.  Colours with opacity are compared
    as they are shown, weighed by it.

    Raises
    ------
    Cancelled
        Soon after `cancelled` began to return True.
    """
    a, b = comparison.reference, comparison.test
    if a.empty or comparison.trouble:
        return None
    found = measure_rows(
        a.read, b.read, a.shape, data_range(a.source), lambda done, total: give_up_if(cancelled)
    )
    scale = unit(a.source)
    return Metrics(found.psnr, found.ssim, found.mae * scale, found.max_error * scale)


def texts(found: Metrics) -> tuple[str, str, str, str]:
    """PSNR, SSIM, mean and largest error as they are read."""
    if found.max_error == 0:
        return "identical", "1", "0", "0"
    return (
        f"{found.psnr:.2f} dB", f"{found.ssim:.4f}", f"{found.mae:.4g}", f"{found.max_error:.4g}"
    )  # fmt: skip
