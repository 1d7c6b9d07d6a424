"""Everything that is timed.  A case is added by adding a row to its kind's table."""

from __future__ import annotations

from . import conv_transpose, interpolation, resize_conv, shuffle
from .case import Case

CASES: tuple[Case, ...] = (
    interpolation.CASES + conv_transpose.CASES + resize_conv.CASES + shuffle.CASES
)


def matching(text: str) -> tuple[Case, ...]:
    """The cases whose name contains every word of `text`."""
    return tuple(c for c in CASES if all(word in c.name for word in text.split()))
