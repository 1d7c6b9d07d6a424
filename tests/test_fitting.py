"""Learning from photographs: what comes out beats bicubic on photographs that were not seen."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data

import upsampler
from upsampler.fitting import Example, learn_kernel, measure_methods, parted
from upsampler.images import Picture, read
from upsampler.metrics import psnr
from upsampler.resize import resize_picture

# The photographs that scikit-image brings along, but moon.png: its pixels are doubled.
PHOTOGRAPHS = [
    "astronaut.png", "brick.png", "camera.png", "chelsea.png", "clock_motion.png", "coffee.png",
    "coins.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "motorcycle_left.png",
    "retina.jpg", "rocket.jpg",
]  # fmt: skip


def photograph(name):
    return read(Path(skimage.data.__file__).parent / name)


def leave_one_out(scale, kernel_size, names=PHOTOGRAPHS):
    """PSNR of each method, photograph by photograph, with the kernel of the others."""
    examples = {name: Example.of(photograph(name), scale) for name in names}
    rows = []
    for name, example in examples.items():
        others = [e for n, e in examples.items() if n != name]
        rows.append(measure_methods(example, learn_kernel(others, scale, kernel_size)))
    return {method: np.array([row[method] for row in rows]) for method in rows[0]}


@pytest.mark.slow
def test_learned_kernels_beat_bicubic_on_unseen_photographs():
    found = leave_one_out(2, None)
    gain = found["learned"] - found["bicubic"]
    assert gain.mean() > 0.4  # 0.48 when this was written; 0.1 is the promise
    assert gain.min() > 0.1
    assert (found["learned"] - found["bilinear"]).mean() > 1.6


@pytest.mark.slow
@pytest.mark.parametrize("scale", [3, 4])
def test_at_other_scales(scale):
    found = leave_one_out(scale, None, PHOTOGRAPHS[:6])
    assert (found["learned"] - found["bicubic"]).min() > 0.1


def test_the_kernel_has_to_be_large_enough():
    """4 x 4 weighs the pixels that bilinear interpolation has, and loses to bicubic's 16."""
    names = ["camera.png", "chelsea.png", "coffee.png", "rocket.jpg"]
    means = [
        {method: values.mean() for method, values in leave_one_out(2, k, names).items()}
        for k in (4, 6, 10)
    ]
    assert means[0]["bilinear"] < means[0]["learned"] < means[0]["bicubic"]
    assert means[1]["learned"] > means[1]["bicubic"] + 0.1
    assert means[2]["learned"] > means[1]["learned"] + 0.05


def test_brightness_is_kept_up_to_the_corners():
    kernel = learn_kernel([Example.of(photograph("chelsea.png"), 2)], 2, 6)
    gains = upsampler.checkerboard(kernel.weight, 2).phase_gain
    np.testing.assert_allclose(gains, 1, atol=0.004)
    grey = Example.of(Picture(np.full((12, 34), 0.5, np.float32)), 2)
    assert measure_methods(grey, kernel)["learned"] > 50  # a lost tap would leave some 20 dB


def test_parts_of_one_picture():
    example = Example.of(photograph("coffee.png"), 2)
    learn, held = example.halves()
    covered = np.zeros((400, 600), int)
    for half in (learn, held):
        for (top, bottom), (left, right) in half.windows:
            covered[top:bottom, left:right] += 1
    assert (covered == 1).all()
    # Learning from all tiles of both is learning from the whole.
    whole = learn_kernel([example], 2, 6).weight
    np.testing.assert_allclose(learn_kernel([learn, held], 2, 6).weight, whole, atol=2e-6)
    assert np.abs(learn_kernel([learn], 2, 6).weight - whole).max() > 1e-4


def test_psnr_of_parts_is_that_of_their_pixels():
    example = Example.of(photograph("chelsea.png"), 3)
    result = resize_picture(example.small, (example.truth.height, example.truth.width))
    _, held = example.halves()
    mask = np.zeros(example.truth.pixels.shape[:2], bool)
    for (top, bottom), (left, right) in held.windows:
        mask[top:bottom, left:right] = True
    truth, other = (p.pixels[mask][:, None] for p in (example.truth, result))
    assert held.psnr(result) == pytest.approx(psnr(truth, other), abs=1e-9)
    assert example.psnr(result) == psnr(example.truth.pixels, result.pixels)


@pytest.mark.parametrize("dtype", ["uint16", "float32", "float64"])
def test_pictures_of_other_ranges_weigh_the_same(dtype):
    photo = photograph("chelsea.png")
    scaled = photo.pixels.astype(dtype) * (257 if dtype == "uint16" else 1 / 255)
    other = Picture(scaled.astype(dtype))
    a, b = (learn_kernel([Example.of(p, 2)], 2, 6).weight for p in (photo, other))
    assert np.abs(a - b).max() < 0.02  # the small picture is rounded to other steps


def test_transparency():
    """Invisible pixels, whatever their colour, do not teach anything."""
    rng = np.random.default_rng(0)
    photo = photograph("chelsea.png").pixels
    alpha = np.zeros(photo.shape[:2], np.uint8)
    alpha[40:260, 60:400] = 255
    kernels, scores = [], []
    for hidden in (np.zeros_like(photo), rng.integers(0, 256, photo.shape).astype(np.uint8)):
        colours = np.where(alpha[..., None] > 0, photo, hidden)
        example = Example.of(Picture(np.dstack([colours, alpha]), alpha=True), 2)
        kernel = learn_kernel([example], 2, 6)
        kernels.append(kernel.weight)
        scores.append(measure_methods(example, kernel))
    np.testing.assert_array_equal(*kernels)
    assert scores[0] == scores[1]
    assert scores[0]["learned"] > scores[0]["bicubic"]
    opaque = Picture(np.dstack([photo, np.full_like(alpha, 255)]), alpha=True)
    plain = learn_kernel([Example.of(Picture(photo), 2)], 2, 6).weight
    np.testing.assert_array_equal(learn_kernel([Example.of(opaque, 2)], 2, 6).weight, plain)


def test_parted():
    assert parted(2) == ([0], [1])
    assert parted(8, 2) == ([0, 2, 4, 6], [1, 3, 5, 7])
    assert parted(5, 9) == ([0, 1, 2, 3], [4])


@pytest.mark.parametrize("size", [1, 5, 0])
def test_kernels_that_have_no_middle(size):
    with pytest.raises(ValueError, match=rf"^kernel_size: got {size} for scale 2; allowed: 2, 4, "):
        learn_kernel([], 2, size)


def test_pictures_that_teach_nothing():
    with pytest.raises(ValueError, match="NaN or infinity"):
        Example.of(Picture(np.array([[0.0, np.inf]])), 2)
    with pytest.raises(ValueError, match="scale: got 4 for a picture of 9 x 3"):
        Example.of(Picture(np.zeros((3, 9), np.uint8)), 4)
    with pytest.raises(ValueError, match="too small"):
        Example.of(Picture(np.zeros((2, 2), np.uint8)), 2).halves()
