"""Test charts, drawn by formula: what an interpolator does is easiest to see on them.

Nothing here is random and nothing is read from a file, so every run draws the same pixels (the
letters are Pillow's bundled font and may move by a gray level between its versions).
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from pathlib import Path

import numpy as np

# A photograph with natural detail (NASA, public domain; see assets/make_charts.py).
SAMPLE = Path(__file__).with_name("data") / "sample.png"
SIZE = (320, 480)  # of the whole chart: small, because it is there to be magnified
_GROUND, _INK = 236, 20
_FINE = 8  # samples per pixel and axis where edges are drawn


def chart(size: tuple[int, int] = SIZE) -> np.ndarray:
    """The built-in picture: six test charts side by side.

    Zone plate, Siemens star and slanted edges in the upper row; text, gradients and
    checkerboards in the lower one, separated by lines of one pixel.

    Parameters
    ----------
    size : (int, int)
        Height and width in pixels, at least 48 x 72.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)

    Raises
    ------
    ValueError
        If `size` is too small to show anything.

    Examples
    --------
    >>> from upsampler.charts import chart
    >>> chart().shape, chart((48, 75)).shape
    ((320, 480, 3), (48, 75, 3))
    """
    height, width = size
    if height < 48 or width < 72:
        raise ValueError(f"size: got {(height, width)}; allowed: (48, 72) and larger")
    rows = [round(height * i / 2) for i in range(3)]
    columns = [round(width * j / 3) for j in range(4)]
    result = np.empty((height, width, 3), np.uint8)
    for place, draw in enumerate(CHARTS.values()):
        top, bottom = rows[place // 3 : place // 3 + 2]
        left, right = columns[place % 3 : place % 3 + 2]
        result[top:bottom, left:right] = draw(bottom - top, right - left)
    result[rows[1]] = 128
    result[:, columns[1:3]] = 128
    return result


def zone_plate(height: int, width: int) -> np.ndarray:
    """Rings whose frequency grows with the radius, to Nyquist at the nearest edge: aliasing shows.

    Parameters
    ----------
    height, width : int
        In pixels.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    y, x = _pixel_centres(height, width)
    reach = min(height, width) / 2
    # The phase pi r^2 / (2 R) has the frequency r / (2 R) cycles per pixel: 1/2 at r = R.  Beyond
    # it (the corners) the rings fade out instead of folding back on themselves.
    radius = np.hypot(y, x)
    fade = np.clip((1.08 - radius / reach) / 0.08, 0, 1)
    return _colour(127.5 + 107.5 * fade * np.cos(np.pi * radius**2 / (2 * reach)))


def siemens_star(height: int, width: int) -> np.ndarray:
    """36 spokes that narrow towards the centre: where they merge, resolution ends.

    Parameters
    ----------
    height, width : int
        In pixels.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """

    def spokes(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        inside = np.hypot(y, x) < 0.46 * min(height, width)
        return inside & (np.sin(36 * np.arctan2(y, x)) > 0)

    return _colour(_ink(_coverage(spokes, height, width)))


def slanted_edges(height: int, width: int) -> np.ndarray:
    """A square turned by 5 degrees and a bar at 45: ringing, stairs and overshoot at edges.

    Parameters
    ----------
    height, width : int
        In pixels.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        The square is gray on light, the bar blue, so that colour fringes would show.
    """
    side = min(height, width)
    c, s = np.cos(np.deg2rad(5)), np.sin(np.deg2rad(5))

    def square(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        y = y + 0.08 * side
        return np.maximum(abs(c * x + s * y), abs(c * y - s * x)) < 0.27 * side

    def bar(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        return (abs(x - y) < 0.05 * side) & (abs(x + y) < 0.85 * side)

    result = np.full((height, width, 3), float(_GROUND))
    for shape, colour in ((square, (40, 40, 40)), (bar, (30, 80, 220))):
        cover = _coverage(shape, height, width)[..., None]
        result += cover * (np.asarray(colour, float) - result)
    return np.rint(result).astype(np.uint8)


def text(height: int, width: int) -> np.ndarray:
    """Letters from large to barely legible, dark on light and light on dark.

    Parameters
    ----------
    height, width : int
        In pixels.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("L", (width, height), _GROUND)
    draw = ImageDraw.Draw(picture)
    left, y = round(width * 0.04), round(height * 0.03)

    def line(letters: str, share: float, ink: int) -> None:
        nonlocal y
        points = max(4, round(share * min(height, width)))
        # As large as asked for, or as fits between the margins.
        length = ImageFont.load_default(points).getlength(letters)
        points = max(4, min(points, int(points * (width - 2 * left) / length)))
        draw.text((left, y), letters, ink, ImageFont.load_default(points))
        y += round(points * 1.25)

    for share, ink in ((0.17, _INK), (0.13, _INK), (0.09, 90), (0.07, _INK), (0.055, _INK)):
        line("Rag 0189 &@", share, ink)
    y += round(0.02 * height)
    draw.rectangle((0, y, width, max(y, height)), fill=_INK)
    y += round(0.02 * height)
    for share in (0.1, 0.07, 0.05):
        line("light on dark %#", share, _GROUND)
    return _colour(np.asarray(picture))


def gradients(height: int, width: int) -> np.ndarray:
    """Ramps of gray, red, green, blue and hue: banding, rounding and clipping show.

    Parameters
    ----------
    height, width : int
        In pixels.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    ramp = np.linspace(0, 1, width)
    # Hue as three triangles shifted by a third of the circle.
    distance = abs((ramp[:, None] - np.array([0, 1 / 3, 2 / 3]) + 0.5) % 1 - 0.5)
    hue = np.clip(2 - 6 * distance, 0, 1)
    strips = [ramp[:, None] * np.asarray(c, float) for c in ((1, 1, 1), (1, 0, 0), (0, 1, 0))]
    strips += [ramp[:, None] * np.array([0.0, 0.0, 1.0]), hue]
    edges = [round(height * i / len(strips)) for i in range(len(strips) + 1)]
    result = np.empty((height, width, 3))
    for strip, top, bottom in zip(strips, edges, edges[1:], strict=False):
        result[top:bottom] = strip
    return np.rint(255 * result).astype(np.uint8)


def checkerboard(height: int, width: int) -> np.ndarray:
    """Checks of 1, 2, 4 and 8 pixels, single dots and lines: what becomes of one pixel.

    Parameters
    ----------
    height, width : int
        In pixels.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    y, x = np.indices((height, width))
    half, third = ceil(height / 2), ceil(width / 3)
    column = np.minimum(x // third, 2)
    upper = np.choose(column, [(y // k + x // k) % 2 for k in (1, 2, 4)])
    sparse = np.stack(((y % 8 == 4) & (x % 8 == 4), y % 6 == 3, x % 6 == 3))
    lower = np.choose(column, [(y // 8 + x // 8) % 2, sparse[0], sparse[1] | sparse[2]])
    return _colour(_ink(np.where(y < half, upper, lower).astype(float)))


CHARTS: dict[str, Callable[[int, int], np.ndarray]] = {
    "zone_plate": zone_plate,
    "siemens_star": siemens_star,
    "slanted_edges": slanted_edges,
    "text": text,
    "gradients": gradients,
    "checkerboard": checkerboard,
}


def _pixel_centres(height: int, width: int, fine: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of samples in pixels from the middle of the chart; `fine` for each pixel."""
    y = (np.arange(height * fine) + 0.5) / fine - height / 2
    x = (np.arange(width * fine) + 0.5) / fine - width / 2
    return y[:, None], x[None, :]


def _coverage(
    shape: Callable[[np.ndarray, np.ndarray], np.ndarray], height: int, width: int
) -> np.ndarray:
    """The share of each pixel inside of a shape, from 8 x 8 samples."""
    inside = shape(*_pixel_centres(height, width, _FINE))
    return inside.reshape(height, _FINE, width, _FINE).mean((1, 3))


def _ink(cover: np.ndarray) -> np.ndarray:
    return _GROUND + cover * (_INK - _GROUND)


def _colour(gray: np.ndarray) -> np.ndarray:
    return np.repeat(np.rint(gray).astype(np.uint8)[..., None], 3, axis=2)
