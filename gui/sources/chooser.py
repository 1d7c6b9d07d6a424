"""Which picture of a file of arrays: the array, its layout, the places, the channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QLabel, QSpinBox, QToolBar

from ..source import Source
from .slices import COLOURS, LAYOUTS, Slice, with_layout

NAMES = {"N": "Image", "D": "Depth"}


class Chooser(QToolBar):
    """Seen while the picture is one of several in a file.

    Parameters
    ----------
    chosen : callable
        Takes the source and the slice that is wanted.
    """

    def __init__(self, chosen: Callable[[Source, Slice], None]) -> None:
        super().__init__("Array")
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._chosen = chosen
        self._source: Source | None = None
        self.member, self.layout_ = QComboBox(), QComboBox()
        self.places = {letter: QSpinBox() for letter in "ND"}
        self.channel = QSpinBox()
        self.shape = QLabel()
        self._parts = {}
        for title, widget in (
            ("Array", self.member), ("Layout", self.layout_),
            *((NAMES[letter], box) for letter, box in self.places.items()),
            ("Channel", self.channel),
        ):  # fmt: skip
            label = QLabel(title)
            label.setBuddy(widget)
            widget.setAccessibleName(title)
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self._parts[widget] = (self.addWidget(label), self.addWidget(widget))
        self.addWidget(self.shape)
        self.member.currentTextChanged.connect(self._other_member)
        self.layout_.currentTextChanged.connect(self._other_layout)
        for box in (*self.places.values(), self.channel):
            box.setKeyboardTracking(False)
            box.valueChanged.connect(lambda _value: self._moved())
        self.hide()

    def sync(self, source: Source) -> None:
        """Show what `source` is a slice of."""
        if source is self._source:
            return
        self._source = source
        shelf, slice_ = source.shelf, source.slice
        self.setVisible(shelf is not None and slice_ is not None and self._choice(source))
        if shelf is None or slice_ is None:
            return
        shape = shelf.array(slice_.member).shape
        lengths = slice_.lengths(shape)
        channels = lengths.get("C", 1)
        widgets = (self.member, self.layout_, *self.places.values(), self.channel)
        blockers = [QSignalBlocker(widget) for widget in widgets]
        _fill(self.member, shelf.members, slice_.member)
        _fill(self.layout_, LAYOUTS[len(shape)], slice_.layout)
        for letter, box in self.places.items():
            box.setRange(0, lengths.get(letter, 1) - 1)
        for letter, place in zip(slice_.others, slice_.index, strict=True):
            self.places[letter].setValue(place)
        colours = channels <= COLOURS
        self.channel.setRange(-1 if colours else 0, channels - 1)
        self.channel.setSpecialValueText("colours" if colours else "")
        self.channel.setValue(-1 if slice_.channel is None else slice_.channel)
        del blockers
        self._show(self.member, len(shelf.members) > 1)
        self._show(self.layout_, len(LAYOUTS[len(shape)]) > 1)
        for letter, box in self.places.items():
            self._show(box, letter in lengths)
        self._show(self.channel, channels > 1)
        self.shape.setText(f"of {' x '.join(str(n) for n in shape)} {source.dtype}")

    @staticmethod
    def _choice(source: Source) -> bool:
        """Whether there is anything to choose, beyond what a plain picture has."""
        assert source.shelf is not None
        assert source.slice is not None
        shape = source.shelf.array(source.slice.member).shape
        return len(source.shelf.members) > 1 or len(shape) > 2

    def _show(self, widget: QComboBox | QSpinBox, seen: bool) -> None:
        for action in self._parts[widget]:
            action.setVisible(seen)

    def _other_member(self, member: str) -> None:
        if self._source is not None and self._source.shelf is not None:
            self._chosen(self._source, self._source.shelf.guess(member))

    def _other_layout(self, layout: str) -> None:
        source = self._source
        if source is not None and source.shelf is not None and source.slice is not None:
            shape = source.shelf.array(source.slice.member).shape
            self._chosen(source, with_layout(source.slice, layout, shape))

    def _moved(self) -> None:
        source = self._source
        if source is None or source.slice is None:
            return
        index = tuple(self.places[letter].value() for letter in source.slice.others)
        channel = self.channel.value() if self.channel.value() >= 0 else None
        self._chosen(source, replace(source.slice, index=index, channel=channel))


def _fill(box: QComboBox, texts: tuple[str, ...], current: str) -> None:
    if [box.itemText(i) for i in range(box.count())] != list(texts):
        box.clear()
        box.addItems(list(texts))
    box.setCurrentText(current)
