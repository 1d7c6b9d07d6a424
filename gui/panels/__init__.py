"""The panels at the right of the window: their table, in the order of the tabs."""

from __future__ import annotations

from .base import Panel, Shot

__all__ = ["PANELS", "Panel", "Shot"]

PANELS: tuple[type[Panel], ...] = ()
