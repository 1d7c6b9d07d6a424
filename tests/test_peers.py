"""OpenCV, Pillow, scikit-image and SciPy as live peers, wherever their definitions coincide."""

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage.measure import block_reduce
from skimage.transform import rescale, resize

from upsampler import avg_pool2d, interpolate, max_pool2d

from . import cases

rng = np.random.default_rng(40)
PAIRS = [
    (tuple(int(k) for k in rng.integers(2, 60, 2)), tuple(int(k) for k in rng.integers(2, 90, 2)))
    for _ in range(60)
]
GROWING = [(n, (n[0] * 2 + 1, n[1] + 7)) for n, _ in PAIRS]
SHRINKING = [((n[0] * 3 + 5, n[1] * 2 + 3), n) for n, _ in PAIRS]


def picture(spatial: tuple[int, ...], seed: int = 41) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, spatial).astype(np.float32)


def check(pairs, ours, theirs, tolerance):
    bad = []
    for spatial, size in pairs:
        x = picture(spatial)
        off = float(np.abs(ours(x, size) - theirs(x, size)).max())
        if off > tolerance:
            bad.append((spatial, size, off))
    assert len(pairs) > 5
    assert not bad, f"{len(bad)} of {len(pairs)}: {bad[:5]}"


# OpenCV takes (width, height).  Its positions are float32 (1.5e-5 off with vendor libraries).


@pytest.mark.parametrize(
    ("mode", "flag"), [("bilinear", cv2.INTER_LINEAR), ("bicubic", cv2.INTER_CUBIC)]
)
@pytest.mark.parametrize("pairs", [PAIRS, GROWING], ids=["any", "growing"])
def test_opencv(backend, mode, flag, pairs):
    check(
        pairs,
        lambda x, size: interpolate(x, size, mode=mode),
        lambda x, size: cv2.resize(x, size[::-1], interpolation=flag),
        1e-4,
    )


def test_opencv_area_by_integer_factors(backend):
    check(
        [((h * 3, w * 2), (h, w)) for h, w in [n for n, _ in PAIRS]],
        lambda x, size: interpolate(x, size, mode="area"),
        lambda x, size: cv2.resize(x, size[::-1], interpolation=cv2.INTER_AREA),
        1e-6,
    )


def test_opencv_nearest(backend):
    """INTER_NEAREST multiplies by a float64 n/m: equal but where i * n/m is a whole number."""

    def whole(n, m):
        return any(i * n % m == 0 for i in range(1, m))

    pairs = [(n, m) for n, m in PAIRS if not any(map(whole, n, m))]
    check(
        pairs,
        lambda x, size: interpolate(x, size, mode="nearest"),
        lambda x, size: cv2.resize(x, size[::-1], interpolation=cv2.INTER_NEAREST),
        0.0,
    )


def test_opencv_nearest_exact_by_integer_factors(backend):
    check(
        [((h, w), (h * 3, w * 2)) for h, w in [n for n, _ in PAIRS]],
        lambda x, size: interpolate(x, size, mode="nearest-exact"),
        lambda x, size: cv2.resize(x, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT),
        0.0,
    )


# Pillow stretches every filter when shrinking and renormalises it at the border, as our
# antialias and Lanczos do; images of mode F are summed in float64.


@pytest.mark.parametrize("pairs", [PAIRS, GROWING, SHRINKING], ids=["any", "growing", "shrinking"])
@pytest.mark.parametrize(
    ("mode", "keywords", "filter"),
    [
        ("bilinear", cases.SMOOTH, Image.Resampling.BILINEAR),
        ("bicubic", cases.SMOOTH, Image.Resampling.BICUBIC),
        ("lanczos3", {}, Image.Resampling.LANCZOS),
    ],
)
def test_pillow(backend, mode, keywords, filter, pairs):
    check(
        pairs,
        lambda x, size: interpolate(x, size, mode=mode, **keywords),
        lambda x, size: np.asarray(Image.fromarray(x).resize(size[::-1], filter)),
        1e-5,
    )


def test_pillow_box_by_integer_factors(backend):
    check(
        [((h * 2, w * 5), (h, w)) for h, w in [n for n, _ in PAIRS]],
        lambda x, size: interpolate(x, size, mode="area"),
        lambda x, size: np.asarray(Image.fromarray(x).resize(size[::-1], Image.Resampling.BOX)),
        1e-6,
    )


def test_pillow_nearest(backend):
    """Pillow starts at 0.5 * n/m and adds n/m: equal where no centre lies between two samples."""

    def tied(n, m):
        return any((2 * i + 1) * n % (2 * m) == 0 for i in range(m))

    pairs = [(n, m) for n, m in PAIRS if not any(map(tied, n, m))]
    check(
        pairs,
        lambda x, size: interpolate(x, size, mode="nearest-exact"),
        lambda x, size: np.asarray(Image.fromarray(x).resize(size[::-1], Image.Resampling.NEAREST)),
        0.0,
    )


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos3"])
def test_pillow_bytes_within_a_level(backend, mode):
    """Its 8-bit path quantises weights and rounds between the passes: a level at most."""
    keywords = {} if mode == "lanczos3" else cases.SMOOTH
    name = {"bilinear": "BILINEAR", "bicubic": "BICUBIC", "lanczos3": "LANCZOS"}[mode]
    for spatial, size in PAIRS[:20]:
        x = np.random.default_rng(42).integers(60, 190, (*spatial, 3), np.uint8)
        want = np.asarray(Image.fromarray(x).resize(size[::-1], Image.Resampling[name]))
        got = interpolate(x, size, mode=mode, layout="HWC", **keywords)
        assert np.abs(got.astype(int) - want).max() <= 1, f"{spatial} -> {size}"


# scikit-image and SciPy


def test_skimage_linear(backend):
    check(
        PAIRS,
        lambda x, size: interpolate(x, size, mode="bilinear"),
        lambda x, size: resize(x, size, order=1, mode="edge", anti_aliasing=False),
        1e-5,
    )


def test_skimage_rescale(backend):
    x = picture((31, 47))
    want = rescale(x, (2, 3), order=1, mode="edge", anti_aliasing=False)
    got = interpolate(x, scale_factor=(2, 3), mode="bilinear")
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)
    want = rescale(x, (3, 5), order=0, mode="edge", anti_aliasing=False)
    np.testing.assert_array_equal(interpolate(x, scale_factor=(3, 5), mode="nearest"), want)


def test_scipy_align_corners(backend):
    """`zoom` without grid_mode puts the first and the last sample onto each other."""
    check(
        PAIRS,
        lambda x, size: interpolate(x, size, mode="bilinear", align_corners=True),
        lambda x, size: ndimage.zoom(
            x.astype(np.float64), np.array(size) / x.shape, order=1, mode="nearest"
        ),
        1e-6,
    )


def test_scipy_three_axes(backend):
    x = np.random.default_rng(43).normal(size=(5, 7, 6))
    for size in [(10, 21, 9), (3, 5, 4), (11, 8, 6)]:
        factors = np.array(size) / x.shape
        want = ndimage.zoom(x, factors, order=1, mode="nearest", grid_mode=True)
        got = interpolate(x, size, mode="trilinear", layout="DHW")
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)


def test_skimage_block_reduce(backend):
    x = picture((36, 35)).astype(np.float64)
    for kernel in [(2, 5), (3, 7), (4, 5), (1, 1), (36, 35)]:
        np.testing.assert_allclose(
            avg_pool2d(x, kernel), block_reduce(x, kernel, np.mean), rtol=0, atol=1e-14
        )
        np.testing.assert_array_equal(max_pool2d(x, kernel), block_reduce(x, kernel, np.max))
    labels = np.random.default_rng(44).integers(0, 256, (36, 35), np.uint8)
    np.testing.assert_array_equal(max_pool2d(labels, (3, 5)), block_reduce(labels, (3, 5), np.max))
