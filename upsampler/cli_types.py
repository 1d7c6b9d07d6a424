"""How the command line reads numbers, sizes and methods."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import click

from .methods import Method

# Bounded digits: Fraction("1e999999999") would take the memory of the machine.
_SCALE = re.compile(r"\d{1,7}(\.\d{1,9})?|\d{1,9}/\d{1,9}")
_SIZE = re.compile(r"(\d{1,9})[xX](\d{1,9})")


class ScaleType(click.ParamType):
    """A positive factor: ``2``, ``1.5``, ``3/2``; exact, as a Fraction."""

    name = "factor"

    def convert(self, value: Any, param: Any, ctx: Any) -> Fraction:
        if isinstance(value, Fraction):
            return value
        text = value.strip()
        top, _, bottom = text.partition("/")
        if not _SCALE.fullmatch(text) or (bottom and not int(bottom)) or not Fraction(top):
            allowed = "a factor above 0 such as 2, 1.5 or 3/2"
            self.fail(f"got {value!r}; allowed: {allowed}", param, ctx)
        return Fraction(top) / Fraction(bottom or 1)


class SizeType(click.ParamType):
    """``WIDTHxHEIGHT`` as the tools of the trade write it; (height, width) as arrays have it."""

    name = "WIDTHxHEIGHT"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        match = _SIZE.fullmatch(value.strip())
        if not match or not int(match[1]) or not int(match[2]):
            self.fail(f"got {value!r}; allowed: WIDTHxHEIGHT such as 1920x1080", param, ctx)
        return int(match[2]), int(match[1])


class MethodType(click.ParamType):
    """``bicubic``, ``bilinear:align_corners``, ..."""

    name = "method"

    def convert(self, value: Any, param: Any, ctx: Any) -> Method:
        if isinstance(value, Method):
            return value
        try:
            return Method.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


SCALE, SIZE, METHOD, THREADS = ScaleType(), SizeType(), MethodType(), click.IntRange(1)
