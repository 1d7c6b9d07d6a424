"""A method by name: a mode and its switches, as the command line and the sheets write it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .spec import resample_spec

SWITCHES = ("align_corners", "antialias")


@dataclass(frozen=True)
class Method:
    """One way to interpolate.

    Parameters
    ----------
    mode : str
        A mode of `interpolate`.
    align_corners, antialias : bool
        As for `interpolate`.

    Raises
    ------
    ValueError
        If there is no such mode, or it knows no such switch.

    Examples
    --------
    >>> from upsampler.methods import Method
    >>> Method.parse("bilinear:align_corners")
    Method(mode='bilinear', align_corners=True, antialias=False)
    >>> Method.parse("bicubic").name, Method("bicubic", antialias=True).name
    ('bicubic', 'bicubic:antialias')
    """

    mode: str
    align_corners: bool = False
    antialias: bool = False

    def __post_init__(self) -> None:
        # `interpolate` knows best what goes together: ask it, with a picture of no account.
        resample_spec(
            (1, 1), np.dtype(np.float32), [1, 1], None, self.mode, self.align_corners,
            None, self.antialias,
        )  # fmt: skip

    @classmethod
    def parse(cls, text: str) -> Method:
        """Read ``mode``, ``mode:align_corners``, ``mode:antialias`` or ``mode:`` with both."""
        mode, *switches = text.strip().split(":")
        unknown = [s for s in switches if s not in SWITCHES]
        if unknown:
            raise ValueError(
                f"method: got {text!r}; allowed: a mode, then :align_corners and :antialias at will"
            )
        return cls(mode, **dict.fromkeys(switches, True))

    @property
    def name(self) -> str:
        return ":".join([self.mode, *(s for s in SWITCHES if getattr(self, s))])


DEFAULT_METHODS = tuple(
    Method.parse(name)
    for name in ("nearest", "area", "bilinear", "bilinear:align_corners", "bicubic", "lanczos3")
)
