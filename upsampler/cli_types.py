"""How the command line reads numbers, sizes and methods."""

from __future__ import annotations

import re
from fractions import Fraction
from math import isfinite
from typing import Any

import click

from .methods import Method, parse

# Bounded digits: Fraction("1e999999999") would take the memory of the machine.
_SCALE = re.compile(
    r"\d{1,20}(\.\d{1,20})?(e[+-]?\d{1,3})?|\d{1,20}/0*[1-9]\d{0,19}", re.IGNORECASE
)
_SIZE = re.compile(r"(\d{1,20})[xX](\d{1,20})")
_POINT = re.compile(r"(\d{1,9}(?:\.\d{1,9})?),\s*(\d{1,9}(?:\.\d{1,9})?)")
_LARGEST = 10**6  # factor: from its inverse to itself
_WIDEST = 2**14  # points of a side of a window
_LONGEST = 2**31 - 1  # pixels of a side: what PNG holds, and none of the others holds more of use


class ScaleType(click.ParamType):
    """A positive factor: ``2``, ``1.5``, ``3/2``; exact, as a Fraction."""

    name = "factor"

    def convert(self, value: Any, param: Any, ctx: Any) -> Fraction:
        if isinstance(value, Fraction):
            return value
        text = value.strip()
        factor = Fraction(text) if _SCALE.fullmatch(text) else 0
        if not Fraction(1, _LARGEST) <= factor <= _LARGEST:
            limits = f"a factor from 1/{_LARGEST} to {_LARGEST} such as 2, 1.5 or 3/2"
            self.fail(f"got {value!r}; allowed: {limits}", param, ctx)
        return Fraction(factor)


class SizeType(click.ParamType):
    """``WIDTHxHEIGHT`` as the tools of the trade write it; (height, width) as arrays have it."""

    name = "WIDTHxHEIGHT"

    def __init__(self, longest: int = _LONGEST) -> None:
        self.longest = longest

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        match = _SIZE.fullmatch(value.strip())
        if not match or not all(1 <= int(side) <= self.longest for side in match.groups()):
            limits = f"WIDTHxHEIGHT such as 1920x1080, each from 1 to {self.longest}"
            self.fail(f"got {value!r}; allowed: {limits}", param, ctx)
        return int(match[2]), int(match[1])


class MethodType(click.ParamType):
    """``bicubic``, ``bilinear:align_corners``, ``conv_transpose:box:k=3``, ..."""

    name = "method"

    def convert(self, value: Any, param: Any, ctx: Any) -> Method:
        if isinstance(value, Method):
            return value
        try:
            return parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class PointType(click.ParamType):
    """``X,Y`` in pixels, which may be fractions."""

    name = "X,Y"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, float]:
        if isinstance(value, tuple):
            return value
        match = _POINT.fullmatch(value.strip())
        if not match:
            self.fail(f"got {value!r}; allowed: X,Y such as 120,80", param, ctx)
        return float(match[1]), float(match[2])


class FiniteRange(click.FloatRange):
    """A number within limits; NaN, which is neither below nor above any, is none."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        number = float(super().convert(value, param, ctx))
        if not isfinite(number):
            self.fail(f"{number} is not a finite number.", param, ctx)
        return number


SCALE, SIZE, METHOD, POINT = ScaleType(), SizeType(), MethodType(), PointType()
WINDOW = SizeType(_WIDEST)
SIDE, THREADS = click.IntRange(1, _LONGEST), click.IntRange(1)
