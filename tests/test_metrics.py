"""Metrics against values by hand and against scikit-image."""

import math
import subprocess
import sys

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from upsampler import metrics
from upsampler.metrics import data_range_of, mae, max_error, measure, psnr, ssim

from .picture_files import pixels

DTYPES = ("uint8", "int16", "uint16", "float32", "float64")


def pair(shape, dtype, seed=0):
    a = pixels(shape, dtype, seed)
    b = pixels(shape, dtype, seed + 1)
    return a, b


def test_by_hand():
    a = np.array([[0, 100], [200, 255]], np.uint8)
    b = np.array([[10, 100], [200, 235]], np.uint8)
    m = measure(a, b)
    assert m.mae == mae(a, b) == 7.5
    assert m.max_error == max_error(a, b) == 20
    assert m.psnr == psnr(a, b) == pytest.approx(10 * math.log10(255**2 / 125), abs=1e-12)
    assert math.isnan(m.ssim)  # no window of 3 x 3


def test_differences_do_not_wrap():
    a, b = np.array([[0, 255]], np.uint8), np.array([[255, 0]], np.uint8)
    assert mae(a, b) == 255
    assert psnr(a, b) == 0
    big = np.array([[0]], np.uint64), np.array([[2**63]], np.uint64)
    assert max_error(*big) == max_error(*big[::-1]) == 2.0**63


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(13, 17), (13, 17, 3), (9, 8, 2)])
def test_psnr_and_ssim_are_those_of_scikit_image(shape, dtype):
    a, b = pair(shape, dtype)
    span = data_range_of(a)
    m = measure(a, b)
    # scikit-image computes the PSNR of float32 in float32.
    expected = peak_signal_noise_ratio(a, b, data_range=span)
    assert m.psnr == pytest.approx(expected, abs=1e-6 if dtype == "float32" else 1e-9)
    channel = 2 if len(shape) == 3 else None
    expected = structural_similarity(a, b, data_range=span, channel_axis=channel)
    assert m.ssim == ssim(a, b) == pytest.approx(expected, abs=1e-12)
    assert 0 < m.ssim < 1
    assert m.psnr == psnr(a, b)


@pytest.mark.parametrize("side", [3, 4, 5, 6])
def test_ssim_of_small_pictures_takes_a_smaller_window(side):
    a, b = pair((side, 20), "uint8")
    window = {3: 3, 4: 3, 5: 5, 6: 5}[side]
    expected = structural_similarity(a, b, win_size=window, data_range=255)
    assert ssim(a, b) == pytest.approx(expected, abs=1e-12)


def test_equal_pictures():
    a = pixels((9, 9, 3), "float32")
    assert measure(a, a.copy()) == metrics.Metrics(math.inf, 1.0, 0.0, 0.0)


def test_nan_shows():
    a = pixels((9, 9), "float64")
    b = a.copy()
    b[4, 4] = np.nan
    m = measure(a, b)
    assert all(math.isnan(v) for v in (m.psnr, m.ssim, m.mae, m.max_error))
    b[4, 4] = np.inf
    assert measure(a, b).psnr == -math.inf
    assert max_error(a, b) == math.inf


def test_blocks_do_not_change_the_values(monkeypatch):
    a, b = pair((31, 17, 3), "uint16")
    whole = measure(a, b)
    monkeypatch.setattr(metrics, "BLOCK", 60)
    parts = measure(a, b)
    assert parts.max_error == whole.max_error
    assert parts.mae == pytest.approx(whole.mae, rel=1e-14)
    assert parts.psnr == pytest.approx(whole.psnr, rel=1e-14)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (np.array([[3]], np.uint8), 255),
        (np.array([[3]], np.int8), 255),
        (np.array([[3]], np.uint16), 65535),
        (np.array([[10, 50]], np.int32), 40),
        (np.array([[7, 7]], np.int64), 1),
        (np.array([[0.25, 0.5]]), 1),
        (np.array([[-1.0, 3.0]]), 4),
        (np.array([[0.0, np.nan, 5.0, np.inf]]), 5),
        (np.array([[np.nan]]), 1),
    ],
)
def test_default_range(reference, expected):
    assert data_range_of(reference) == expected


def test_given_range():
    a, b = np.zeros((2, 2)), np.full((2, 2), 1.0)
    assert psnr(a, b, data_range=10) == pytest.approx(20)
    assert measure(a, b, data_range=10).psnr == pytest.approx(20)


def test_the_colour_of_clear_pixels_does_not_count():
    a = pixels((9, 9, 4))
    a[2:5, 2:5, 3] = 0
    b = a.copy()
    b[2:5, 2:5, :3] = 255 - b[2:5, 2:5, :3]
    assert measure(a, b, alpha=True) == metrics.Metrics(math.inf, 1.0, 0.0, 0.0)
    assert psnr(a, b) < 40
    b[0, 0, 3] ^= 128  # but opacity does
    assert psnr(a, b, alpha=True) < 60


def test_alpha_by_hand():
    a = np.array([[[200, 255], [100, 255]]], np.uint8)
    b = np.array([[[200, 51], [100, 255]]], np.uint8)  # 200 at a fifth: 40
    assert max_error(a, b, alpha=True) == 204
    assert mae(a, b, alpha=True) == (160 + 204) / 4


@pytest.mark.parametrize(
    ("a", "b", "kwargs", "error", "message"),
    [
        (np.zeros((2, 2)), np.zeros((2, 3)), {}, ValueError, r"test: got shape \(2, 3\)"),
        (np.zeros((2, 2)), np.zeros((2, 2), "f4"), {}, TypeError, "test: got dtype float32"),
        (np.zeros((2,)), np.zeros((2,)), {}, ValueError, r"reference: got shape \(2,\)"),
        (np.zeros((0, 2)), np.zeros((0, 2)), {}, ValueError, "reference: got shape"),
        (np.zeros((2, 2), bool), np.zeros((2, 2), bool), {}, TypeError, "got dtype bool"),
        (np.zeros((2, 2)), np.zeros((2, 2)), {"data_range": 0}, ValueError, "data_range: got 0"),
        (np.zeros((2, 2)), np.zeros((2, 2)), {"data_range": math.nan}, ValueError, "got nan"),
        (np.zeros((2, 2)), np.zeros((2, 2)), {"alpha": True}, ValueError, "alpha: got True"),
    ],
)
def test_errors(a, b, kwargs, error, message):
    with pytest.raises(error, match=message):
        measure(a, b, **kwargs)


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, upsampler\n"
        "heavy = 'skimage imageio click rich PIL tifffile scipy torch cv2 PySide6'.split()\n"
        "print(*[name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
