"""Finished frames, kept while there is room: going back to a view costs nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LRU(Generic[K, V]):
    """Least recently used out first, bounded in bytes.  For one thread.

    Parameters
    ----------
    limit : int
        Bytes held at most.  A value larger than all of it is not kept.
    cost : callable
        Bytes of a value.

    Examples
    --------
    >>> cache = LRU(10, len)
    >>> cache["a"], cache["b"] = "aaaa", "bbbb"
    >>> cache.get("a"), cache.get("x")
    ('aaaa', None)
    >>> cache["c"] = "cccc"
    >>> "a" in cache, "b" in cache, cache.held
    (True, False, 8)
    """

    def __init__(self, limit: int, cost: Callable[[V], int]) -> None:
        self.limit = limit
        self.held = 0
        self._cost = cost
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def get(self, key: K) -> V | None:
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key]

    def __setitem__(self, key: K, value: V) -> None:
        if key in self._entries:
            self.held -= self._cost(self._entries.pop(key))
        self._entries[key] = value
        self.held += self._cost(value)
        while self.held > self.limit:
            _, dropped = self._entries.popitem(last=False)
            self.held -= self._cost(dropped)

    def clear(self) -> None:
        self._entries.clear()
        self.held = 0
