"""Learning how to enlarge: one kernel of a transposed convolution, found in two ways.

1. A photograph is halved by averaging.  Its left part is to learn from, its right part to
   measure on.  The colours count as three pictures of one channel: one kernel serves them all.
2. The closed form: `fit_conv_transpose` solves the normal equations of least squares.
3. The same by descent: a `ConvTranspose2d` that starts as bilinear interpolation, and Adam
   written out, which needs of a module no more than its call, `backward` and `gradients`.

Both minimise the same error, so descent ends where the closed form already is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import upsampler
from upsampler import images

PICTURE = Path(upsampler.__file__).parent / "data" / "sample.png"
STRIDE, KERNEL = 2, 10  # five inputs reach every output, along each axis
EDGE = KERNEL // 4  # inputs to add at the border, for outputs there to have as many
STEPS = (0, 50, 100, 200, 400, 800)
RATE, KEEP, KEEP_SQUARES, TINY = 3e-3, 0.9, 0.999, 1e-8  # Adam's


@dataclass(frozen=True)
class Pair:
    """A picture (N, 1, H, W) and what it looks like halved."""

    high: np.ndarray

    @property
    def low(self) -> np.ndarray:
        return upsampler.avg_pool2d(self.high, STRIDE)

    @property
    def padded(self) -> np.ndarray:
        """`low` with its border repeated: without it the kernel had to make up for zeros."""
        return np.pad(self.low, ((0, 0), (0, 0), (EDGE, EDGE), (EDGE, EDGE)), mode="edge")


def halves() -> tuple[Pair, Pair]:
    """The left and the right part of the photograph, from 0 to 1."""
    colours = images.read(PICTURE).pixels.transpose(2, 0, 1)[:, None] / np.float32(255)
    middle = colours.shape[3] // 2
    return Pair(colours[..., :middle]), Pair(colours[..., middle:])


def loss(module: upsampler.ConvTranspose2d, pair: Pair) -> float:
    """Mean squared error."""
    return float(np.mean((module(pair.padded) - pair.high) ** 2))


def psnr(image: np.ndarray, pair: Pair) -> float:
    """Decibel, of white 1."""
    return float(-10 * np.log10(np.mean((image - pair.high) ** 2)))


def closed_form(pair: Pair) -> upsampler.ConvTranspose2d:
    return upsampler.fit_conv_transpose(pair.padded, pair.high, KERNEL, STRIDE)


def bilinear_start(padding: tuple[int, int]) -> upsampler.ConvTranspose2d:
    """The kernel of bilinear interpolation in the middle of a larger one."""
    module = upsampler.ConvTranspose2d(1, 1, KERNEL, STRIDE, padding, bias=False)
    inner = upsampler.init.bilinear(1, 2 * STRIDE)
    rest = (KERNEL - 2 * STRIDE) // 2
    module.weight[...] = np.pad(inner, ((0, 0), (0, 0), (rest, rest), (rest, rest)))
    return module


def descend(module: upsampler.ConvTranspose2d, pair: Pair) -> Iterator[int]:
    """Adam (D. Kingma and J. Ba, arXiv:1412.6980), for as many steps as are asked for."""
    low, high = pair.padded, pair.high
    mean, squares = np.zeros_like(module.weight), np.zeros_like(module.weight)
    step = 0
    while True:
        yield step
        step += 1
        error = module(low) - high
        module.backward(error * (2 / error.size))  # the gradient of the loss, by the result
        (gradient,) = module.gradients()
        mean += (1 - KEEP) * (gradient - mean)
        squares += (1 - KEEP_SQUARES) * (gradient**2 - squares)
        size = np.sqrt(squares / (1 - KEEP_SQUARES**step)) + TINY
        module.weight[...] -= RATE * mean / (1 - KEEP**step) / size


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Name, loss on the left part, decibel on the right part, checkerboard."""
    left, right = halves()
    for mode in ("nearest", "bilinear", "bicubic"):
        image = upsampler.interpolate(right.low, scale_factor=STRIDE, mode=mode)
        yield mode, "", f"{psnr(image, right):.2f}", ""

    def judged(name: str, module: upsampler.ConvTranspose2d) -> tuple[str, str, str, str]:
        score = upsampler.checkerboard(module.weight, STRIDE).score
        decibel = psnr(module(right.padded), right)
        return name, f"{loss(module, left):.6f}", f"{decibel:.2f}", f"{score:.4f}"

    best = closed_form(left)
    yield judged("closed form", best)
    module = bilinear_start(best.padding)
    for step in descend(module, left):
        if step in STEPS:
            yield judged(f"Adam, {step} steps", module)
        if step == STEPS[-1]:
            return


def main() -> None:
    table = Table(title=f"A {KERNEL} x {KERNEL} kernel for x{STRIDE}")
    for head in ("method", "loss on the left", "dB on the right", "checkerboard"):
        table.add_column(head, justify="left" if head == "method" else "right")
    for row in rows():
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
