"""Long axes, cut into pieces: tables that bound memory, and tables that are made only once.

With an exact step p / q the positions of outputs repeat: output ``i + q`` reads what output ``i``
reads, p samples further, with the same weights.  Pieces of whole periods inside a signal therefore
are all the same window of one shorter signal, and share its tables.  (A signal of 2 million samples
to twice the size took 121 ms, of which 2 ms were not for tables.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from .axis import AxisRule

# Tables are made for at most so many outputs times taps of an axis at once.  Longer windows are
# done piece by piece, which bounds the tables of a signal of 2^31 samples to some ten MB at a time.
PIECE = 1 << 20
SHARED = 1 << 18  # outputs of a piece whose tables are shared: some 150 us of work, 10 MB of tables


@dataclass(frozen=True)
class Piece:
    """A part of an axis: the window of `rule` that computes it, from a part of the samples."""

    rule: AxisRule
    window: tuple[int, int]
    source: slice
    target: slice  # of the result, which begins at the first output of the whole window


def _period(rule: AxisRule) -> tuple[int, int] | None:
    """Samples and outputs after which everything repeats; None where nothing does."""
    step = rule.step
    if rule.align_corners or rule.identity or not isinstance(step, Fraction):
        return None
    return (step.numerator, step.denominator) if step.denominator <= SHARED // 16 else None


def shares(rule: AxisRule) -> bool:
    """Whether pieces of the inside have their tables in common."""
    return _period(rule) is not None


def is_long(rule: AxisRule, lo: int, hi: int) -> bool:
    """Whether a window is better done in pieces."""
    return hi - lo > (2 * SHARED if shares(rule) else max(1, PIECE // rule.taps))


def pieces(rule: AxisRule, lo: int, hi: int) -> Iterator[Piece]:
    """The parts of a window in order; a single one where it is short or empty."""
    if not is_long(rule, lo, hi):
        yield Piece(rule, (lo, hi), slice(None), slice(0, hi - lo))
        return
    period = _period(rule)
    rows = max(1, PIECE // rule.taps) if period is None else SHARED // period[1] * period[1]
    at = lo
    while at < hi:
        end = min(hi, (at // rows + 1) * rows)
        window, source, own = (at, end), slice(None), rule
        if period is not None and end - at == rows:
            own, window, source = _inside(rule, at, end, *period)
        yield Piece(own, window, source, slice(at - lo, end - lo))
        at = end


def _inside(
    rule: AxisRule, lo: int, hi: int, p: int, q: int
) -> tuple[AxisRule, tuple[int, int], slice]:
    """The same outputs as a window of a rule that all pieces inside share; near a border `rule`."""
    around = -(-(rule.taps + 2) // p)  # periods beside the piece, so that it sees no border
    periods = (hi - lo) // q + 2 * around
    first = lo // q - around
    if first < 0 or (first + periods) * p > rule.n or (first + periods) * q > rule.m:
        return rule, (lo, hi), slice(None)
    short = AxisRule(periods * p, periods * q, rule.method, rule.step, antialias=rule.antialias)
    window = (around * q, around * q + hi - lo)
    return short, window, slice(first * p, (first + periods) * p)
