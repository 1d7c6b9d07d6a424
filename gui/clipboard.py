"""The clipboard, and what is dropped that is no file."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QMimeData, QObject
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QWidget

from upsampler.picture import Picture

from . import state
from .exporting import Exporter
from .opening import Opener
from .source import Source, source
from .store import Store


class Clipboard(QObject):
    """Paste and copy.

    Parameters
    ----------
    store, opener, exporter
        Of the window.
    parent : QWidget
    """

    def __init__(self, store: Store, opener: Opener, exporter: Exporter, parent: QWidget) -> None:
        super().__init__(parent)
        self._store, self._opener, self._exporter = store, opener, exporter

    def paste(self) -> None:
        """Show the picture, or the file, in the clipboard."""
        if not self.take(QGuiApplication.clipboard().mimeData()):
            self._store.update(state.warned, "There is no picture in the clipboard.")

    def copy_view(self) -> None:
        """The panes with their titles, to the clipboard."""
        pixels = self._exporter.view()
        height, width = pixels.shape[:2]
        image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        QGuiApplication.clipboard().setImage(image.copy())

    def copy_call(self) -> None:
        """The Python that makes the focused pane, to the clipboard."""
        QGuiApplication.clipboard().setText(self._exporter.call())

    def takes(self, data: QMimeData) -> bool:
        """Whether there is something to be shown."""
        return bool(files_of(data)) or data.hasImage()

    def take(self, data: QMimeData | None) -> bool:
        """Open the file or show the picture; whether there was one."""
        if data is None:  # what a platform without a clipboard has
            return False
        files = files_of(data)
        if files:
            self._opener.open_path(files[0])
            return True
        image = QImage(data.imageData()) if data.hasImage() else QImage()
        if image.isNull():
            return False
        self._opener.drop()
        self._store.update(state.opened, pasted(image))
        return True


def files_of(data: QMimeData) -> list[str]:
    """Local files; a copied path is one as well."""
    paths = [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
    return [path for path in paths if path]


def pasted(image: QImage) -> Source:
    """A picture that came without a file, in 16 bits where it has more than 8."""
    formats = QImage.Format
    alpha, deep = image.hasAlphaChannel(), image.depth() > 32
    if deep:
        kind, dtype, step = formats.Format_RGBA64, np.uint16, 8
    else:
        kind, dtype, step = formats.Format_RGBA8888, np.uint8, 4
    image = image.convertToFormat(kind)
    height, width = image.height(), image.width()
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(height, image.bytesPerLine())
    pixels = raw[:, : step * width].copy().view(dtype).reshape(height, width, 4)
    return source(Picture(pixels if alpha else pixels[:, :, :3].copy(), alpha), "pasted picture")
