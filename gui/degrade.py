"""Degrade and restore: a picture made smaller by averaging, for the methods to bring back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import upsampler

from .source import Source


def degrade(source: Source, factor: int) -> tuple[Source, Source]:
    """The truth and what the methods are given.

    Parameters
    ----------
    source : Source
    factor : int
        How many times smaller.

    Returns
    -------
    truth, small : Source
        `source` cropped at the bottom and on the right so that `factor` divides its sides, and the
        means of its squares of `factor` x `factor` pixels.

    Raises
    ------
    ValueError
        If the picture is too small for it.
    """
    height, width = (length - length % factor for length in source.size)
    if not height or not width:
        raise ValueError(
            f"{source.name}: {source.size[1]} x {source.size[0]} pixels are too few to make it "
            f"{factor} times smaller."
        )
    whole = source.values[:height, :width]
    size = height // factor, width // factor
    values = upsampler.interpolate(whole, size=size, mode="area", layout="HWC")
    small = replace(
        source, name=f"{source.name} 1:{factor}", values=values,
        centre=(source.centre[0] / factor, source.centre[1] / factor),
    )  # fmt: skip
    return replace(source, values=np.asarray(whole)), small
