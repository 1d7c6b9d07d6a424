"""Which picture of an array with more axes than a picture has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..source import Source

LAYOUTS = {
    2: ("HW",),
    3: ("HWC", "CHW"),
    4: ("NCHW", "NHWC"),
    5: ("NCDHW", "NDHWC"),
}
COLOURS = 4  # channels at most that are taken for the colours of one picture


@dataclass(frozen=True)
class Slice:
    """A picture within an array.

    Attributes
    ----------
    layout : str
        A letter for each axis: H and W, C for channels, N and D for others.
    index : tuple of int
        The place along each axis that is no H, W or C, in the order of the layout.
    channel : int or None
        The one that is shown, in gray; None for all of them as colours.
    member : str
        Of a file with several arrays.
    """

    layout: str
    index: tuple[int, ...] = ()
    channel: int | None = None
    member: str = ""

    @property
    def others(self) -> str:
        """The letters that `index` is for."""
        return self.layout.translate({ord(letter): None for letter in "HWC"})

    def lengths(self, shape: Sequence[int]) -> dict[str, int]:
        """How long each axis is, by its letter."""
        return dict(zip(self.layout, shape, strict=True))

    def of(self, array: np.ndarray) -> np.ndarray:
        """(H, W, C): a view of the array."""
        places = dict(zip(self.others, self.index, strict=True))
        part = array[tuple(places.get(letter, slice(None)) for letter in self.layout)]
        letters = [letter for letter in self.layout if letter not in places]
        part = part.transpose([letters.index(letter) for letter in "HWC" if letter in letters])
        part = part[:, :, None] if part.ndim == 2 else part
        return part if self.channel is None else part[:, :, self.channel : self.channel + 1]

    @property
    def text(self) -> str:
        """For titles: ``N 0, channel 7``; nothing for a plain picture."""
        words = [self.member] if self.member else []
        words += [f"{letter} {i}" for letter, i in zip(self.others, self.index, strict=True)]
        words += [] if self.channel is None else [f"channel {self.channel}"]
        return ", ".join(words)


def guess(shape: Sequence[int], member: str = "") -> Slice:
    """What an array of that shape most likely is: colours are few, and maps come channels first.

    Raises
    ------
    ValueError
        If it has no picture in it.
    """
    if len(shape) not in LAYOUTS or 0 in shape:
        raise ValueError(
            f"holds shape {tuple(shape)}; a picture has 2 axes, or up to 5 with channels, batch "
            "and depth, and is not empty"
        )
    first, *more = LAYOUTS[len(shape)]
    layout = first
    if len(shape) == 3:
        layout = "HWC" if shape[2] <= COLOURS or shape[0] > shape[2] else "CHW"
        if shape[0] <= COLOURS < shape[2]:
            layout = "CHW"
    elif more and shape[-1] <= COLOURS < shape[1]:
        layout = more[0]
    return with_layout(Slice(layout, member=member), layout, shape)


def with_layout(slice_: Slice, layout: str, shape: Sequence[int]) -> Slice:
    """The first picture of an array in that layout, its first channel if they are no colours."""
    channels = dict(zip(layout, shape, strict=True)).get("C", 1)
    others = sum(letter not in "HWC" for letter in layout)
    channel = None if channels <= COLOURS else 0
    return Slice(layout, (0,) * others, channel, slice_.member)


def next_channel(source: Source, step: int) -> Slice | None:
    """The slice with the channel `step` further on; None where there is none."""
    if source.slice is None or source.shelf is None:
        return None
    channels = source.slice.lengths(source.shelf.array(source.slice.member).shape).get("C", 1)
    now = -1 if source.slice.channel is None else source.slice.channel
    least = -1 if channels <= COLOURS else 0
    wanted = now + step
    if channels == 1 or not least <= wanted < channels:
        return None
    return replace(source.slice, channel=None if wanted < 0 else wanted)
