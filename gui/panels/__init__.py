"""The panels of the window: those at the right in the order of their tabs, and learning."""

from __future__ import annotations

from .base import Panel, Shot
from .histogram import HistogramPanel
from .inspector import InspectorPanel
from .learning import LearningPanel
from .metrics import MetricsPanel
from .navigator import NavigatorPanel
from .profile import ProfilePanel
from .spectrum import SpectrumPanel

__all__ = ["PANELS", "LearningPanel", "Panel", "Shot"]

PANELS: tuple[type[Panel], ...] = (
    InspectorPanel,
    MetricsPanel,
    HistogramPanel,
    ProfilePanel,
    SpectrumPanel,
    NavigatorPanel,
)
