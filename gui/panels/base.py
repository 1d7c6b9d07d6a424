"""What a panel is given, and what it has to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from PySide6.QtWidgets import QWidget

from ..render import Frame
from ..state import ViewerState
from ..store import Store


@dataclass(frozen=True, eq=False)
class Shot:
    """What the panes show at a moment.

    Attributes
    ----------
    state : ViewerState
    viewport : (int, int)
        Width and height in device pixels that every pane looks through; the arguments of
        ``state.axes``.
    frames : dict
        By the numbers of the panes (and `TRUTH`) the frames on the screen.  A pane whose method
        failed or is computing for the first time has none.
    settled : bool
        Whether every frame is what the state asks for, rather than an earlier one.
    """

    state: ViewerState
    viewport: tuple[int, int]
    frames: dict[int, Frame]
    settled: bool


class Panel(QWidget):
    """One tab; made when it is opened for the first time.

    Attributes
    ----------
    name : str
        In `ViewerState.panel` while the tab is open, and in the table of actions.
    title : str
        Of the tab.
    """

    name: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store

    def heightForWidth(self, width: int) -> int:
        # What the panel can do with.  Where a text is wrapped Qt asks here, and would otherwise be
        # told what the panel would like to have, and scroll what has room.
        layout = self.layout()
        return -1 if layout is None else layout.minimumHeightForWidth(width)

    def refresh(self, shot: Shot) -> None:
        """Show `shot`; called while the tab is open, whenever state or frames have changed."""
        raise NotImplementedError

    def cancel(self) -> bool:
        """End what somebody has asked for and waits for; returns whether there was such a thing."""
        return False

    def close_workers(self) -> None:
        """The window closes: end what is still at work."""
