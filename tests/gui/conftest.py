"""The viewer without a screen, unless the caller has chosen another platform."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import imageio.v3 as iio
import numpy as np
import pytest
from upsampler_gui import theme
from upsampler_gui.mainwindow import MainWindow

from . import drive
from .events import settle


@pytest.fixture(autouse=True)
def settings_of_nobody(tmp_path_factory, monkeypatch):
    """What is remembered over sessions is remembered elsewhere."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))


@pytest.fixture
def photo(tmp_path):
    """A picture file of 61 x 83 pixels, neither square nor smooth."""
    path = tmp_path / "photo.png"
    iio.imwrite(path, drive.noise(61, 83))
    return str(path)


@pytest.fixture(scope="session")
def themed(qapp):
    theme.apply(qapp)


@pytest.fixture
def window(qtbot, themed):
    """A settled window on the built-in chart."""
    window = MainWindow()
    qtbot.addWidget(window)
    window.resize(901, 703)
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()  # shortcuts are for the active window alone
    qtbot.waitUntil(window.isActiveWindow)
    settle(qtbot, window)
    yield window
    window.close()


@pytest.fixture
def show(qtbot, window):
    """Have an array shown in the window, and wait until it is."""

    def show(pixels: np.ndarray, alpha: bool = False):
        from upsampler_gui import source, state

        from upsampler.images import Picture

        opened = source.source(Picture(pixels, alpha), "array")
        window.store.update(state.opened, opened)
        settle(qtbot, window)
        return opened

    return show
