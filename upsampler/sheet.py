"""The contact sheet: magnified crops of what every method made, beside the truth.

Every pixel of a crop is a pixel that a method produced, repeated k x k times; nothing is drawn
over the crops but the thin cross-hair in the second one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, inf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from .analysis import EVEN
from .comparison import Comparison, Outcome, moved
from .crops import Crop, detail, detailed_crop, outer_crop
from .display import display_range, to_rgb
from .picture import Picture
from .resize import resize_picture

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

PANE = 288  # width of a magnified crop, at least
GUTTER = 7  # beside the crops, for the ticks
GAP = 26
COLUMNS = 4
SMALLEST = 14  # points of a title
_PAPER, _INK, _FAINT, _BEST = (250, 250, 248), (24, 26, 30), (92, 96, 104), (0, 110, 70)
_MARKS = ((214, 40, 90), (0, 110, 200))  # the colours of the crops A and B
_SEARCHED = 1 << 20  # pixels that are looked at to find the crops


def default_crops(comparison: Comparison) -> tuple[Crop, Crop]:
    """A square with much detail, and a small strip near a border, for the half-pixel shift."""
    truth, small = comparison.truth, comparison.small
    # About 18 input pixels: enough to see a thing, few enough to see the pixels.
    side = next((s for s in (36, 48, 72) if s >= 18 * max(comparison.scale)), 96)
    # Of a large picture every n-th pixel will do to find the place.
    n = max(1, ceil(sqrt(truth.height * truth.width / _SEARCHED)))
    # Over plain gray where they are clear: checks would pass for detail.
    span = display_range(truth)
    seen = to_rgb(Picture(truth.pixels[::n, ::n], truth.alpha), span, checks=(180, 180))
    cells = _cells(small.pixels, truth.height, truth.width, n)
    given = to_rgb(Picture(cells, small.alpha), span, checks=(180, 180)).mean(axis=2)
    # Detail of the truth of which the input still has something: not noise, grass or fur.
    found = detailed_crop(detail(seen.mean(axis=2)) * detail(given), max(2, side // n))
    first = found.scaled(n, side, side, truth.height, truth.width)
    found = outer_crop(given, max(2, side // 6 // n), max(2, side // 3 // n))
    return first, found.scaled(n, side // 6, side // 3, truth.height, truth.width)


def contact_sheet(
    comparison: Comparison, title: str, crops: Sequence[Crop] | None = None
) -> np.ndarray:
    """Draw the sheet.

    Parameters
    ----------
    comparison : Comparison
        What to show.
    title : str
        The headline, for example the name of the file.
    crops : sequence of Crop, optional
        One or two rectangles of the output; by default `default_crops`.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)

    Raises
    ------
    ValueError
        If there are not one or two crops, or one lies outside of the picture.
    """
    from PIL import Image, ImageDraw

    chosen = _checked(default_crops(comparison) if crops is None else crops, comparison)
    cards = [_card(comparison, chosen, *of_card) for of_card in _texts(comparison)]
    height, width = cards[0].image.shape[:2]
    columns = min(COLUMNS, len(cards))
    rows = -(-len(cards) // columns)
    sheet_width = max(columns * (width + GAP) + GAP, 760)
    head = _head(comparison, title, chosen, sheet_width)
    label = max(card.label_height for card in cards)
    total = head.shape[0] + rows * (height + label + GAP)
    sheet = Image.new("RGB", (sheet_width, total), _PAPER)
    sheet.paste(Image.fromarray(head), (0, 0))
    draw = ImageDraw.Draw(sheet)
    for place, card in enumerate(cards):
        x = GAP + place % columns * (width + GAP)
        y = head.shape[0] + place // columns * (height + label + GAP)
        card.write(draw, x + GUTTER, y)
        sheet.paste(Image.fromarray(card.image), (x, y + label))
    return np.asarray(sheet)


# --- cards -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Card:
    image: np.ndarray
    lines: list[tuple[str, int, tuple[int, int, int]]]  # text, points, colour

    @property
    def label_height(self) -> int:
        return sum(round(points * 1.3) for _, points, _ in self.lines) + 4

    def write(self, draw: ImageDraw, x: int, y: int) -> None:
        for text, points, colour in self.lines:
            draw.text((x, y), text, colour, font(points))
            y += round(points * 1.3)


def _texts(comparison: Comparison) -> list[tuple[Picture, str, str, str | None, Outcome | None]]:
    """Picture, name, facts, whether it is the best, and the outcome of every card."""
    truth, small = comparison.truth, comparison.small
    enlarged = Picture(_cells(small.pixels, truth.height, truth.width), small.alpha)
    made = "averaged" if comparison.degraded else "as given"
    result: list[tuple[Picture, str, str, str | None, Outcome | None]] = [
        (truth, "truth", f"{truth.width} x {truth.height} pixels", None, None),
        (enlarged, "input", f"{small.width} x {small.height} pixels, {made}", None, None),
    ]
    finite = [o.metrics.psnr for o in comparison.outcomes]
    best = max((p for p in finite if p == p), default=None)
    for outcome in comparison.outcomes:
        m = outcome.metrics
        psnr = "identical" if m.psnr == inf else f"{m.psnr:.2f} dB"
        facts = f"{psnr}   SSIM {m.ssim:.4f}   {milliseconds(outcome.seconds)}"
        mark = "best" if m.psnr == best and len(finite) > 1 else None
        result.append((outcome.picture, outcome.method.label, facts, mark, outcome))
    return result


def _card(
    comparison: Comparison,
    crops: Sequence[Crop],
    picture: Picture,
    name: str,
    facts: str,
    mark: str | None,
    outcome: Outcome | None,
) -> _Card:
    panes = []
    shown = display_range(comparison.truth)
    pane = max(PANE, *(crop.width for crop in crops))
    for number, crop in enumerate(crops):
        k = max(1, pane // crop.width)
        part = Picture(crop.of(picture.pixels), picture.alpha)
        big = np.kron(to_rgb(part, shown), np.ones((k, k, 1), np.uint8))
        if number == 1:
            _cross_hair(big)
        panes.append(_ticked(big, crop, k, comparison.scale, _MARKS[number]))
    width = max(p.shape[1] for p in panes)
    height = sum(p.shape[0] for p in panes) + 6 * (len(panes) - 1)
    image = np.full((height, width, 3), _PAPER, np.uint8)
    y = 0
    for p in panes:
        image[y : y + p.shape[0], : p.shape[1]] = p
        y += p.shape[0] + 6
    title = name + (f"   ({mark})" if mark else "")
    lines = [
        (*fitted(title, width, 21), _BEST if mark else _INK),
        (facts, 15, _FAINT),
        (_remark(comparison, outcome, crops), 15, _MARKS[1]),
    ]
    return _Card(image, lines)


def _remark(comparison: Comparison, outcome: Outcome | None, crops: Sequence[Crop]) -> str:
    """What else is to be told: where things have moved, or what pattern the kernel leaves."""
    if outcome is None:
        return ""
    if outcome.score is not None:
        return f"checkerboard {score_text(outcome.score)}"
    dy, dx = moved(outcome.method, comparison, *crops[-1].centre)
    if not (dy or dx):
        return ""
    return f"{'AB'[len(crops) - 1]} moved by {dx:+.2f} across, {dy:+.2f} down"


def score_text(score: float) -> str:
    """A checkerboard score; what is rounding of float32 weights is none."""
    if score <= EVEN:
        return "0"
    return f"{score:.3f}" if score >= 0.0005 else "< 0.001"


def fitted(text: str, width: int, points: int) -> tuple[str, int]:
    """A text, cut if it must be, and the points with which it is no wider than `width`."""
    while font(points).getlength(text) > width:
        if points > SMALLEST:
            points -= 1
        else:
            text = text[: len(text) // 2 - 2] + "..." + text[len(text) // 2 + 2 :]
    return text, points


def _cells(pixels: np.ndarray, height: int, width: int, step: int = 1) -> np.ndarray:
    """The input as cells of the output grid, exactly (cells of 1.5 pixels alternate in size)."""
    rows = np.arange(0, height, step) * pixels.shape[0] // height
    columns = np.arange(0, width, step) * pixels.shape[1] // width
    return pixels[rows][:, columns]


def _cross_hair(big: np.ndarray) -> None:
    """Lines through the middle, dark and light dashes by turns so that they show anywhere."""
    height, width = big.shape[:2]
    for line in (big[height // 2], big[:, width // 2]):
        dashes = np.arange(len(line)) // 4 % 2
        line[...] = np.where(dashes[:, None], np.uint8(255), np.uint8(0))


def _ticked(
    big: np.ndarray, crop: Crop, k: int, scale: tuple[float, float], colour: tuple[int, int, int]
) -> np.ndarray:
    """A frame with ticks on the left and above, wherever a cell of the input begins."""
    height, width = big.shape[:2]
    framed = np.full((height + GUTTER + 2, width + GUTTER + 2, 3), _PAPER, np.uint8)
    framed[GUTTER - 2 :, GUTTER - 2 :] = colour
    framed[GUTTER:-2, GUTTER:-2] = big
    for axis, (start, length) in enumerate(((crop.y, crop.height), (crop.x, crop.width))):
        step = scale[axis]
        for cell in range(int(start / step), int((start + length) / step) + 2):
            at = round((cell * step - start) * k)
            if 0 <= at <= length * k:
                edge = framed if axis == 0 else framed.swapaxes(0, 1)
                edge[GUTTER - 1 + at : GUTTER + 1 + at, : GUTTER - 2] = _FAINT
    return framed


# --- head --------------------------------------------------------------------------------------


def _head(
    comparison: Comparison, title: str, crops: Sequence[Crop], sheet_width: int
) -> np.ndarray:
    """Headline, what is to be seen, and the picture as a whole with the crops marked in it."""
    from PIL import Image, ImageDraw

    truth = comparison.truth
    factor = min(1.0, 250 / truth.height, 400 / truth.width)
    size = max(1, round(truth.height * factor)), max(1, round(truth.width * factor))
    small = resize_picture(truth, size=size, method="area") if factor < 1 else truth
    head = Image.new("RGB", (sheet_width, max(size[0], 190) + 2 * GAP), _PAPER)
    head.paste(
        Image.fromarray(np.ascontiguousarray(to_rgb(small, display_range(truth)))),
        (GAP + GUTTER, GAP),
    )
    draw = ImageDraw.Draw(head)
    for crop, colour, letter in zip(crops, _MARKS, "AB", strict=False):
        y, x = GAP + crop.y * factor, GAP + GUTTER + crop.x * factor
        box = (x - 2, y - 2, x + crop.width * factor + 1, y + crop.height * factor + 1)
        draw.rectangle(box, outline=colour, width=2)
        # The letter goes to the side where the picture goes on.
        left = x > GAP + size[1] / 2
        place = (x - 15, y - 4) if left else (box[2] + 4, y - 4)
        draw.text(place, letter, colour, font(17), stroke_width=2, stroke_fill=_PAPER)
    x, y = GAP + GUTTER + size[1] + GAP, GAP
    for text, points, colour in _legend(comparison, title, crops):
        draw.text((x, y), text, colour, font(points))
        y += round(points * 1.45)
    return np.asarray(head)


def _legend(
    comparison: Comparison, title: str, crops: Sequence[Crop]
) -> list[tuple[str, int, tuple[int, int, int]]]:
    (sy, sx), small = comparison.scale, comparison.small
    times = f"x {sx:.4g}" if sx == sy else f"x {sx:.4g} across, x {sy:.4g} down"
    origin = (
        "made by averaging areas of the truth" if comparison.degraded else "measured against a file"
    )
    size = f"{small.width} x {small.height}"
    lines = [
        (title if len(title) < 50 else "..." + title[-47:], 28, _INK),
        (f"{size} pixels ({origin}), enlarged {times}", 18, _INK),
    ]
    if comparison.truth.dtype.name not in ("uint8", "uint16"):
        black, white = display_range(comparison.truth)
        text = f"Shown: {black:.4g} as black to {white:.4g} as white; values beyond are cut off."
        lines.append((text, 16, _FAINT))
    for letter, crop, colour in zip("AB", crops, _MARKS, strict=False):
        k = max(1, max(PANE, *(c.width for c in crops)) // crop.width)
        text = f"{letter}: -c {crop.name}, each pixel shown {k} x {k}"
        lines.append((text, 16, colour))
    lines.append(("Every pixel of a crop is a pixel that the method produced.", 16, _FAINT))
    lines.append(("Ticks: where the input's pixels begin.", 16, _FAINT))
    if len(crops) == 2:
        text = "Cross-hair: the same place in every B; align_corners moves what lies there."
        lines.append((text, 16, _FAINT))
    return lines


def milliseconds(seconds: float) -> str:
    """A duration for a label: three digits at most."""
    ms = seconds * 1000
    return f"{ms:.2f} ms" if ms < 10 else f"{ms:.1f} ms" if ms < 100 else f"{ms:.0f} ms"


@lru_cache(maxsize=8)
def font(points: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(points)


def _checked(crops: Sequence[Crop], comparison: Comparison) -> Sequence[Crop]:
    if not 1 <= len(crops) <= 2:
        raise ValueError(f"crop: got {len(crops)} of them; allowed: one or two")
    height, width = comparison.truth.height, comparison.truth.width
    for c in crops:
        if min(c.y, c.x) < 0 or min(c.height, c.width) < 1:
            raise ValueError(f"crop: got {c}; allowed: no negative places, sizes of at least 1")
        if c.y + c.height > height or c.x + c.width > width:
            raise ValueError(
                f"crop: got rows {c.y} to {c.y + c.height} and columns {c.x} to {c.x + c.width}; "
                f"allowed: within the {height} rows and {width} columns of the truth"
            )
    return crops
