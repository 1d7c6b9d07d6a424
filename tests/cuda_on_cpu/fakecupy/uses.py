"""How CuPy is used: names and arguments of all calls, to be held against CuPy's own signatures."""

from __future__ import annotations

import contextlib
import functools
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest import mock


class Use(NamedTuple):
    """A call of a function of CuPy, or of a method of its arrays (`owner` "ndarray")."""

    owner: str
    name: str
    positional: int
    keywords: frozenset[str]


@contextlib.contextmanager
def recorded() -> Iterator[set[Use]]:
    """All uses within the block."""
    import fakecupy

    found: set[Use] = set()
    with contextlib.ExitStack() as stack:
        for owner, place in (("", fakecupy), ("ndarray", fakecupy.ndarray)):
            for name, value in list(vars(place).items()):
                if isinstance(value, types.FunctionType) and not name.startswith("_"):
                    noted = _noted(value, owner, name, found)
                    stack.enter_context(mock.patch.object(place, name, noted))
        yield found


def _noted(function: Callable, owner: str, name: str, found: set[Use]) -> Callable:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found.add(Use(owner, name, len(args) - bool(owner), frozenset(kwargs)))
        return function(*args, **kwargs)

    return wrapper
