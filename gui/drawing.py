"""Labelled strips of crops and animations, made of the pixels that the panes show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from math import floor
from typing import Any

import numpy as np

from upsampler.files import replacing
from upsampler.picture import ImageError, shown
from upsampler.sheet import fitted, font

from .render import Renderer, Request
from .scene import visible
from .settings import Mode, Region
from .state import TRUTH, ViewerState
from .texts import method_texts, scale_text
from .viewport import Axis

PAPER, INK, FAINT = (250, 250, 248), (24, 26, 30), (92, 96, 104)
GAP, LABEL = 14, 46  # pixels between crops, and above each of them
SIDE = 320  # of a magnified crop, about
COLUMNS = 4
BLINK = 700  # milliseconds of a picture
ANIMATED = (".gif", ".png", ".apng")


@dataclass(frozen=True)
class Card:
    """A picture and the two lines above it."""

    pixels: np.ndarray  # (h, w) uint32
    title: str
    facts: str


def label(state: ViewerState, pane: int) -> tuple[str, str]:
    """Name, and parameters with the scale, of a pane."""
    if pane == TRUTH:
        assert state.truth is not None
        return state.truth.name, "truth"
    name, parameters = method_texts(state.panes[pane].method)
    return name, "  ".join(filter(None, (parameters, f"x{scale_text(state.panes[pane].scale)}")))


def crops(
    state: ViewerState, region: Region, cancelled: Callable[[], bool], threads: int = 1
) -> list[Card]:
    """The region in every pane, each output repeated a whole number of times."""
    cards = []
    render = Renderer(threads)
    for pane in visible(replace(state, mode=Mode.GRID)):
        subject, n = state.subject(pane), state.source.size
        rows, cols = region.window(n, subject.size)
        count = max(rows[1] - rows[0], cols[1] - cols[0])
        k = max(floor(SIDE / count), 1)
        axes = [
            Axis(n[a], subject.size[a], k * (hi - lo), (lo + hi) / 2 * n[a] / subject.size[a],
                 k * subject.size[a] / n[a])
            for a, (lo, hi) in enumerate((rows, cols))
        ]  # fmt: skip
        frame = render(Request(subject.source, subject.pane, *axes, look=state.tone), cancelled)
        name, facts = label(state, pane)
        cards.append(Card(frame.pixels, f"{pane + 1}  {name}" if pane >= 0 else name,
                          f"{facts}   {frame.request.chip}"))  # fmt: skip
    return cards


def strip(cards: Sequence[Card], heading: str) -> np.ndarray:
    """(H, W, 3) uint8: cards side by side, four in a row, under a heading."""
    from PIL import Image, ImageDraw

    width = max(max(card.pixels.shape[1] for card in cards), 160)
    height = max(card.pixels.shape[0] for card in cards)
    columns = min(COLUMNS, len(cards))
    lines = -(-len(cards) // columns)
    head = 40
    size = columns * (width + GAP) + GAP, head + lines * (height + LABEL + GAP)
    made = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(made)
    text, points = fitted(heading, size[0] - 2 * GAP, 20)
    draw.text((GAP, 8), text, INK, font(points))
    for place, card in enumerate(cards):
        x = GAP + place % columns * (width + GAP)
        y = head + place // columns * (height + LABEL + GAP)
        for line, top, points, colour in ((card.title, 0, 17, INK), (card.facts, 22, 14, FAINT)):
            text, points = fitted(line, width, points)
            draw.text((x, y + top), text, colour, font(points))
        made.paste(Image.fromarray(rgb(card.pixels)), (x, y + LABEL))
    return np.asarray(made)


def rgb(pixels: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 of 0xFFRRGGBB."""
    return np.stack([(pixels >> shift & 255).astype(np.uint8) for shift in (16, 8, 0)], axis=2)


def animation(path: str, pictures: Sequence[tuple[np.ndarray, str]]) -> str:
    """Write pictures that take turns, each with its name; returns what is to be told.

    Parameters
    ----------
    path : str
        Ends in .gif, .png or .apng.
    pictures : sequence of ((h, w) uint32, str)

    Raises
    ------
    ImageError
        If the ending is another, or the file cannot be written.
    """
    from PIL import Image

    ending = "." + path.lower().rpartition(".")[2]
    if ending not in ANIMATED:
        raise ImageError(f"{shown(path)}: an animation ends in {', '.join(ANIMATED)}")
    frames: list[Any] = [_named(rgb(pixels), name) for pixels, name in pictures]
    options: dict[str, Any] = {
        "save_all": True, "append_images": frames[1:], "duration": BLINK, "loop": 0
    }  # fmt: skip
    data = BytesIO()
    if ending == ".gif":
        # One palette for all, or its rounding would blink as well.
        joined = Image.fromarray(np.concatenate([np.asarray(frame) for frame in frames]))
        palette = joined.quantize(256, dither=Image.Dither.NONE)
        frames = [f.quantize(palette=palette, dither=Image.Dither.NONE) for f in frames]
        options |= {"append_images": frames[1:], "optimize": False, "disposal": 1}
        frames[0].save(data, "GIF", **options)
    else:
        # Whole frames: Pillow would cut equal borders off, and drop what is equal altogether.
        frames[0].save(data, "PNG", **options)
    try:
        with replacing(path) as file:
            file.write(data.getvalue())
    except OSError as error:
        raise ImageError(f"{shown(path)}: {error.strerror or error}") from error
    if ending == ".gif" and _colours(pictures) > 256:
        return "GIF holds 256 colours: .png keeps every pixel as it is"
    return ""


def _colours(pictures: Sequence[tuple[np.ndarray, str]]) -> int:
    return int(np.unique(np.concatenate([pixels.ravel() for pixels, _ in pictures])).size)


def _named(pixels: np.ndarray, name: str) -> Any:
    """A picture under a line that says what it is."""
    from PIL import Image, ImageDraw

    made = Image.new("RGB", (pixels.shape[1], pixels.shape[0] + 28), PAPER)
    text, points = fitted(name, pixels.shape[1] - 12, 17)
    ImageDraw.Draw(made).text((6, 4), text, INK, font(points))
    made.paste(Image.fromarray(pixels), (0, 28))
    return made
