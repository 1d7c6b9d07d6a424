"""Metrics of rows that come when they are asked for, against scikit-image and the whole."""

import math

import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from upsampler import metrics_rows
from upsampler.metrics import data_range_of, measure
from upsampler.metrics_rows import measure_rows

from .picture_files import pixels


def rows_of(array):
    return lambda start, stop: array[start:stop]


@pytest.mark.parametrize("block", [1, 200, 1 << 19])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(31, 17), (29, 13, 3), (7, 41, 2), (8, 11, 1)])
def test_blocks_make_the_whole(monkeypatch, shape, dtype, block):
    monkeypatch.setattr(metrics_rows, "BLOCK", block)
    a, b = pixels(shape, dtype, 0), pixels(shape, dtype, 1)
    span = data_range_of(a)
    found = measure_rows(rows_of(a), rows_of(b), shape, span)
    channel = 2 if len(shape) == 3 else None
    wanted = structural_similarity(a, b, data_range=span, channel_axis=channel)
    assert found.ssim == pytest.approx(wanted, abs=1e-7 if dtype == "float32" else 1e-12)
    close = 1e-6 if dtype == "float32" else 1e-9
    assert found.psnr == pytest.approx(peak_signal_noise_ratio(a, b, data_range=span), abs=close)
    whole = measure(a, b)
    assert found.mae == pytest.approx(whole.mae, rel=1e-12)
    assert found.max_error == whole.max_error


@pytest.mark.parametrize("height", range(1, 24))
def test_every_height_counts_each_row_once(monkeypatch, height):
    """Heights below, at and above the window, and last blocks of every length."""
    monkeypatch.setattr(metrics_rows, "BLOCK", 1)  # blocks of as many rows as the window
    a, b = pixels((height, 9), "uint8", 0), pixels((height, 9), "uint8", 1)
    found, whole = measure_rows(rows_of(a), rows_of(b), a.shape, 255), measure(a, b)
    assert found.psnr == pytest.approx(whole.psnr, rel=1e-12)
    assert found.ssim == pytest.approx(whole.ssim, abs=1e-12, nan_ok=True)
    assert math.isnan(found.ssim) == (height < 3)


def test_equal_and_broken_pictures(monkeypatch):
    monkeypatch.setattr(metrics_rows, "BLOCK", 1)
    a = pixels((23, 11), "float64", 3)
    same = measure_rows(rows_of(a), rows_of(a), a.shape, 1)
    assert (same.psnr, same.ssim, same.mae, same.max_error) == (math.inf, pytest.approx(1), 0, 0)
    broken = a.copy()
    broken[2, 5] = math.nan  # in the first block: later ones must not hide it
    found = measure_rows(rows_of(a), rows_of(broken), a.shape, 1)
    assert all(map(math.isnan, (found.psnr, found.ssim, found.mae, found.max_error)))


def test_progress_is_told_and_may_end_the_work(monkeypatch):
    monkeypatch.setattr(metrics_rows, "BLOCK", 1)
    a, told = pixels((20, 9), "uint8", 0), []
    measure_rows(rows_of(a), rows_of(a), a.shape, 255, lambda *at: told.append(at))
    assert told == [(0, 20), (7, 20), (14, 20), (20, 20)]
    asked = []

    def rows(start, stop):
        asked.append((start, stop))
        return a[start:stop]

    def stop(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_rows(rows, rows, a.shape, 255, stop)
    assert asked == [(0, 10), (0, 10)]
