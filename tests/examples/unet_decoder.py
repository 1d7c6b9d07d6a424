"""A small U-Net on NumPy whose decoder concatenates without copying.

Going down, the encoder halves the picture level by level; going up, the decoder doubles it
again.  At every level the decoder joins what comes from below with what the encoder saw there:
a concatenation along the channels.  Here each level owns one buffer with room for both,

    (N, 2 c, H, W):   [ upsampled, c channels | skip connection, c channels ]

and both are written in place.  The encoder's convolution writes into the right half (`out=`),
the upsampling writes into the left half (`out=`), and the decoder's convolution reads the
buffer as a whole: nothing is left to concatenate.

How the decoder upsamples is to be chosen: every method below is a function of the same four
arguments.  The ordinary convolutions are `resize_conv2d` with a scale factor of 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

import upsampler

COLOURS, CLASSES = 3, 5  # channels of the picture and of the result
CHANNELS = (16, 32, 64)  # of the levels, the finest first
WIDTH = 130  # columns where the output is no terminal

Layer = tuple[np.ndarray, ...]  # weight and bias; empty where there is nothing to learn


# --- the ways up -----------------------------------------------------------------------------
#
# Each goes from x (N, c, H, W) into `out` (N, c, 2 H, 2 W), the left half of a buffer.  `layer`
# are its parameters; `indices` tell where the encoder's pooling had found its maxima.


def nearest(x: np.ndarray, out: np.ndarray, layer: Layer, indices: np.ndarray) -> np.ndarray:
    """A pixel becomes a block."""
    return upsampler.interpolate(x, scale_factor=2, mode="nearest", out=out)


def bilinear(x: np.ndarray, out: np.ndarray, layer: Layer, indices: np.ndarray) -> np.ndarray:
    """Straight lines between pixels."""
    return upsampler.interpolate(x, scale_factor=2, mode="bilinear", out=out)


def conv_transpose2d(
    x: np.ndarray, out: np.ndarray, layer: Layer, indices: np.ndarray
) -> np.ndarray:
    """A pixel spreads a 2 x 2 kernel; the first U-Net's way."""
    return upsampler.conv_transpose2d(x, *layer, stride=2, out=out)


def resize_conv2d(x: np.ndarray, out: np.ndarray, layer: Layer, indices: np.ndarray) -> np.ndarray:
    """Nearest, then a 3 x 3 convolution, in one step."""
    return upsampler.resize_conv2d(x, *layer, scale_factor=2, out=out)


def pixel_shuffle(x: np.ndarray, out: np.ndarray, layer: Layer, indices: np.ndarray) -> np.ndarray:
    """A 1 x 1 convolution to 4 c channels, which become blocks."""
    return upsampler.pixel_shuffle(convolve(x, layer), 2, out=out)


def max_unpool2d(x: np.ndarray, out: np.ndarray, layer: Layer, indices: np.ndarray) -> np.ndarray:
    """A pixel returns to where the maximum was, zeros elsewhere; SegNet's way."""
    return upsampler.max_unpool2d(x, indices, 2, out=out)


Method = Callable[[np.ndarray, np.ndarray, Layer, np.ndarray], np.ndarray]
METHODS: tuple[Method, ...] = (
    nearest, bilinear, conv_transpose2d, resize_conv2d, pixel_shuffle, max_unpool2d,
)  # fmt: skip


def weight_shape(method: Method, c: int) -> tuple[int, ...] | None:
    """Of a method that learns: from c channels to c channels."""
    shapes = {
        conv_transpose2d: (c, c, 2, 2),  # in, out
        resize_conv2d: (c, c, 3, 3),  # out, in
        pixel_shuffle: (4 * c, c, 1, 1),  # out, in
    }
    return shapes.get(method)


# --- the network -----------------------------------------------------------------------------


def convolve(x: np.ndarray, layer: Layer, out: np.ndarray | None = None) -> np.ndarray:
    """An ordinary convolution that keeps H and W."""
    return upsampler.resize_conv2d(x, *layer, scale_factor=1, out=out)


def rectify(x: np.ndarray) -> np.ndarray:
    """ReLU, in place."""
    return np.maximum(x, 0, out=x)


@dataclass
class Level:
    """One resolution: its buffer and its parameters."""

    buffer: np.ndarray
    encode: Layer
    upsample: Layer
    decode: Layer

    @property
    def upsampled(self) -> np.ndarray:
        """The left half, a view."""
        return self.buffer[:, : self.buffer.shape[1] // 2]

    @property
    def skip(self) -> np.ndarray:
        """The right half, a view."""
        return self.buffer[:, self.buffer.shape[1] // 2 :]


@dataclass(frozen=True)
class Stage:
    """One level of the decoder at work."""

    level: Level
    given: np.ndarray
    upsampled: np.ndarray
    result: np.ndarray
    upsampling: float  # seconds
    convolution: float  # seconds


class UNet:
    """Encoder and decoder with random parameters, for pictures of one size.

    Parameters
    ----------
    method : function
        One of `METHODS`.
    pictures, height, width : int
        N, H, W of the input (N, 3, H, W); H and W are multiples of 8.
    dtype : type
        Of pictures and parameters.
    seed : int
        Of the parameters.
    """

    def __init__(
        self,
        method: Method,
        pictures: int,
        height: int,
        width: int,
        *,
        dtype: type[np.floating] = np.float32,
        seed: int = 0,
    ) -> None:
        self.method = method
        self.stages: list[Stage] = []  # of the last call
        self.levels = []
        rng = np.random.default_rng(seed)

        def layer(shape: tuple[int, ...] | None) -> Layer:
            if shape is None:
                return ()
            weight = rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
            return weight.astype(dtype), rng.uniform(-0.1, 0.1, shape[0]).astype(dtype)

        ends = zip((COLOURS, *CHANNELS), (CLASSES, *CHANNELS), strict=True)
        for k, (c, (before, after)) in enumerate(zip(CHANNELS, ends, strict=False)):
            buffer = np.empty((pictures, 2 * c, height >> k, width >> k), dtype)
            encode, up = layer((c, before, 3, 3)), layer(weight_shape(method, c))
            self.levels.append(Level(buffer, encode, up, decode=layer((after, 2 * c, 3, 3))))

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """From (N, 3, H, W) to scores (N, 5, H, W)."""
        x, maxima = picture, []
        for level in self.levels:
            rectify(convolve(x, level.encode, out=level.skip))
            x, indices = upsampler.max_pool2d(level.skip, 2, return_indices=True)
            maxima.append(indices)
        self.stages = []
        for level, indices in zip(reversed(self.levels), reversed(maxima), strict=True):
            x = self.decode(level, x, indices)
        return x

    def decode(self, level: Level, x: np.ndarray, indices: np.ndarray) -> np.ndarray:
        """One stage: upsample beside the skip connection, convolve both together."""
        begin = perf_counter()
        upsampled = self.method(x, level.upsampled, level.upsample, indices)
        middle = perf_counter()
        result = convolve(level.buffer, level.decode)
        if level is not self.levels[0]:  # scores keep their sign
            rectify(result)
        end = perf_counter()
        self.stages.append(Stage(level, x, upsampled, result, middle - begin, end - middle))
        return result


# --- the program -----------------------------------------------------------------------------


HEADS = ("method", "x", "upsampled", "in the buffer", "convolved", "upsampling", "convolution")


def sizes(array: np.ndarray) -> str:
    """(C, H, W) of (N, C, H, W)."""
    return "x".join(map(str, array.shape[1:]))


def row(runs: Sequence[Stage]) -> list[str]:
    """What a stage did, and the least time of several runs."""
    stage = runs[-1]
    inside = np.shares_memory(stage.upsampled, stage.level.buffer)
    return [
        sizes(stage.given),
        sizes(stage.upsampled),
        ("half of " if inside else "NOT in ") + sizes(stage.level.buffer),
        sizes(stage.result),
        f"{min(run.upsampling for run in runs) * 1e3:.2f}",
        f"{min(run.convolution for run in runs) * 1e3:.2f}",
    ]


def report(methods: Sequence[Method], height: int, width: int) -> Table:
    """The stages of a decoder by every method."""
    table = Table(title=f"U-Net decoders for a picture of {height} x {width}; milliseconds")
    for head in HEADS:
        table.add_column(head, justify="right" if head.endswith("ion") else "left")
    picture = np.random.default_rng(1).random((1, COLOURS, height, width), np.float32)
    for method in methods:
        network = UNet(method, 1, height, width)
        calls = []
        for _ in range(4):
            network(picture)
            calls.append(network.stages)
        name = method.__name__
        for runs in zip(*calls, strict=True):
            table.add_row(name, *row(runs))
            name = ""
        table.add_section()
    return table


def main(argv: list[str] | None = None) -> None:
    names = {method.__name__: method for method in METHODS}
    parser = argparse.ArgumentParser(prog="python -m tests.examples.unet_decoder")
    parser.add_argument("methods", nargs="*", metavar="METHOD", help=f"of {', '.join(names)}")
    parser.add_argument("--size", type=int, nargs=2, metavar=("H", "W"), default=(192, 320))
    args = parser.parse_args(argv)
    if unknown := set(args.methods) - set(names):
        parser.error(f"METHOD: got {', '.join(unknown)}; allowed: {', '.join(names)}")
    if any(length < 8 or length % 8 for length in args.size):
        parser.error(f"--size: got {args.size[0]} {args.size[1]}; allowed: multiples of 8")
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(report([names[n] for n in args.methods or names], *args.size))


if __name__ == "__main__":
    main()
