"""The learnable methods on pictures: by name, against PyTorch, window by window."""

import sys
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import upsampler
from upsampler.charts import SAMPLE
from upsampler.color import round_to
from upsampler.comparison import degrade
from upsampler.images import read
from upsampler.kernel_files import method_of
from upsampler.kernel_methods import ConvTranspose, KernelMethod, PixelShuffle, ResizeConv
from upsampler.kernel_upsampling import upsample_with_kernel
from upsampler.methods import MENU, PRESETS, Interpolation, parse
from upsampler.metrics import psnr
from upsampler.picture import Picture
from upsampler.resize import Resizing, resize_picture

from .picture_files import pixels

ALL = [method for group in MENU.values() for method in group]
# Even and odd, longer and shorter than the stride, one tap, and all that the menu has.
NAMES = [
    *(method.name for method in ALL if isinstance(method, KernelMethod) and "learned" not in
      method.name),
    "conv_transpose:random:k=1", "conv_transpose:random:k=2:seed=3", "conv_transpose:box:k=7",
    "resize_conv:random:k=4:seed=1", "resize_conv:box:k=1", "resize_conv:bilinear:box:k=2",
    "resize_conv:bilinear:random:k=6", "pixel_shuffle:random:k=1", "pixel_shuffle:icnr:k=4:seed=9",
    "pixel_shuffle:random:k=5",
]  # fmt: skip
SCALES = [(1, 1), (2, 2), (3, 3), (4, 4), (3, 2), (1, 5)]


def usable(name, scale):
    return scale[0] == scale[1] or not name.startswith("pixel_shuffle")


def whole(method, x, scale, **keywords):
    """The whole result, and the method made ready."""
    prepared = method.prepare(x, None, scale)
    (height, width), (s, t) = x.shape[:2], scale
    return prepared.window((0, height * s), (0, width * t), **keywords), prepared


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "method", "name"),
    [
        ("conv_transpose:bilinear", ConvTranspose("bilinear"), "conv_transpose:bilinear"),
        (" transposed:box:k=3 ", ConvTranspose("box", 3), "conv_transpose:box:k=3"),
        ("conv_transpose:random", ConvTranspose("random"), "conv_transpose:random"),
        ("conv_transpose:random:seed=0", ConvTranspose("random"), "conv_transpose:random"),
        (
            "transposed:random:seed=12:k=4",
            ConvTranspose("random", 4, 12),
            "conv_transpose:random:k=4:seed=12",
        ),
        ("resize_conv:random", ResizeConv("random"), "resize_conv:random"),
        ("resize_conv:nearest:box:k=5", ResizeConv("box", 5), "resize_conv:box:k=5"),
        (
            "resize_conv:bilinear:random:k=3",
            ResizeConv("random", 3, mode="bilinear"),
            "resize_conv:bilinear:random:k=3",
        ),
        ("pixel_shuffle:icnr:seed=7", PixelShuffle("icnr", None, 7), "pixel_shuffle:icnr:seed=7"),
    ],
)
def test_names(text, method, name):
    assert parse(text) == method
    assert parse(text).name == name
    assert parse(name) == method


def test_the_names_of_every_table_are_read_again():
    methods = [*ALL, *(m for preset in PRESETS.values() for m in preset.methods)]
    assert len(methods) > 20
    for method in methods:
        assert parse(method.name) == method
        assert hash(parse(method.name)) == hash(method)
        assert "_" not in method.label


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conv_transpose", r"method: got 'conv_transpose:'; allowed: conv_transpose: with bil"),
        ("conv_transpose:box:bilinear", r"method: got 'conv_transpose:box:bilinear'; allowed"),
        ("conv_transpose:icnr", r"allowed: .*box\[:k=N\], random\[:k=N\]\[:seed=N\]"),
        ("pixel_shuffle:bilinear", "allowed: pixel_shuffle: with random.*, icnr"),
        ("conv_transpose:box:k=3:k=4", "allowed: k and seed once each"),
        ("conv_transpose:box:k=", "method: got 'conv_transpose:box:k='"),
        ("conv_transpose:box:k=-1", "method: got 'conv_transpose:box:k=-1'"),
        ("conv_transpose:box:k=0", "k: got 0; allowed: 1 to 99"),
        ("conv_transpose:box:k=100", "k: got 100; allowed: 1 to 99"),
        ("conv_transpose:box:seed=1", "seed: got 1 with kernel 'box'; allowed: only with random"),
        ("conv_transpose:bilinear:k=4", "k: got 4 with kernel 'bilinear'; allowed: only with box"),
        ("resize_conv:lanczos:box", "method: got 'resize_conv:lanczos:box'; allowed: resize_conv:"),
        ("conv", "mode: got 'conv'; allowed: one of nearest, .*conv_transpose:"),
    ],
)
def test_bad_names(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


# --- against PyTorch -----------------------------------------------------------------------------


def by_torch(method, x, scale, weight):
    """The whole result in float64, from its definition: the border repeated, then the layers."""
    t = torch.from_numpy(np.atleast_3d(x).astype(np.float64)).permute(2, 0, 1)[:, None]
    w = torch.from_numpy(weight.astype(np.float64))
    k = w.shape[2:]
    if isinstance(method, ConvTranspose):
        # Output o is at o + padding of the transposed convolution of the padded picture.
        pads = [n // s + 2 for n, s in zip(k, scale, strict=True)]
        shifts = [max(0, -((s - n) // 2)) for n, s in zip(k, scale, strict=True)]
        wide = F.pad(t, (pads[1], pads[1], pads[0], pads[0]), mode="replicate")
        y = F.conv_transpose2d(wide, w, stride=scale)
        for axis in (0, 1):
            start = pads[axis] * scale[axis] + shifts[axis]
            y = y.narrow(2 + axis, start, x.shape[axis] * scale[axis])
    elif isinstance(method, ResizeConv):
        align = {} if method.mode == "nearest" else {"align_corners": False}
        up = F.interpolate(t, scale_factor=scale, mode=method.mode, **align)
        y = F.conv2d(same(up, k), w)
    else:
        y = F.pixel_shuffle(F.conv2d(same(t, k), w), scale[0])
    return y[:, 0].permute(1, 2, 0).numpy().reshape(*y.shape[2:], *x.shape[2:])


def same(t, k):
    (top, left), (bottom, right) = [(n - 1) // 2 for n in k], [n // 2 for n in k]
    return F.pad(t, (left, right, top, bottom), mode="replicate")


@pytest.mark.parametrize(
    ("name", "scale"), [c for c in product(NAMES, SCALES) if usable(*c)], ids=str
)
def test_the_whole_result_is_that_of_the_layers(name, scale):
    method = parse(name)
    x = pixels((7, 11, 3), "float64")
    result, prepared = whole(method, x, scale)
    assert result.shape == prepared.shape == (7 * scale[0], 11 * scale[1], 3)
    expected = by_torch(method, x, scale, prepared.weight)
    np.testing.assert_allclose(result, expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 1, 3), (3, 7, 1), (5, 4, 2)])
@pytest.mark.parametrize("name", NAMES)
def test_tiny_and_thin_pictures(name, shape):
    method = parse(name)
    x = pixels(shape, "float64")
    result, prepared = whole(method, x, (3, 3))
    np.testing.assert_allclose(
        result, by_torch(method, x, (3, 3), prepared.weight), atol=1e-12, strict=True
    )


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int32", "int64", "float16", "float32"]
)
@pytest.mark.parametrize("name", ["conv_transpose:random:k=3", "resize_conv:random",
                                  "pixel_shuffle:random"])  # fmt: skip
def test_dtypes_are_kept_and_rounded_once(name, dtype):
    method = parse(name)
    x = pixels((7, 11, 3), dtype)
    result, prepared = whole(method, x, (2, 2))
    assert result.dtype == x.dtype
    exact = by_torch(method, x, (2, 2), prepared.weight)
    if result.dtype.kind == "f":
        tolerance = 1e-3 if dtype == "float16" else 1e-6
        np.testing.assert_allclose(result, exact, rtol=tolerance, atol=tolerance)
    else:
        info = np.iinfo(dtype)
        exact = np.clip(exact, info.min, info.max)
        allowed = 0.53 if info.bits < 64 else 2.0**11
        assert np.abs(result.astype(np.float64) - exact).max() <= allowed


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "uint32", "int64", "uint64"])
@pytest.mark.parametrize("work", ["float32", "float64"])
def test_saturation_does_not_wrap(dtype, work):
    info = np.iinfo(dtype)
    made = round_to(np.array([-1e30, 1e30, 1e19, 1.5, -0.5], work), np.dtype(dtype)).tolist()
    step = int(np.spacing(np.dtype(work).type(info.max)))  # the largest float that fits is nearer
    assert made[0] == info.min
    assert info.max - step <= made[1] <= info.max
    assert made[3:] == [2, 0]


# --- kernels -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_the_bilinear_kernel_interpolates_everywhere(dtype, scale):
    x = pixels((7, 11, 3), dtype)
    result, _ = whole(parse("conv_transpose:bilinear"), x, scale)
    expected = upsampler.interpolate(x, scale_factor=scale, mode="bilinear", layout="HWC")
    if dtype == "uint8":  # thirds and sixths can round to either side of a tie
        assert np.abs(result.astype(int) - expected).max() <= (0 if 3 not in scale else 1)
    else:
        np.testing.assert_allclose(result, expected, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_kernels_keep_the_mean(name):
    """Weights are positive, and an output of a constant is on average that constant."""
    if not usable(name, (2, 2)):
        return
    result, prepared = whole(parse(name), np.full((9, 8), 0.5), (2, 2))
    assert prepared.weight.min() >= 0
    assert result[4:-4, 4:-4].mean() == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "scale"), [c for c in product(NAMES, SCALES) if usable(*c)], ids=str
)
def test_the_score_is_the_pattern_on_a_constant(name, scale):
    """Deviation over mean of the outputs of one period: measured, not computed from weights."""
    result, prepared = whole(parse(name), np.full((12, 13), 2.0), scale)
    part = result[4 * scale[0] : 5 * scale[0], 4 * scale[1] : 5 * scale[1]]
    assert prepared.score == pytest.approx(part.std() / part.mean(), abs=1e-12)


def test_scores_by_hand():
    # Overlaps of k=3, s=2 are 2 and 1 along an axis: 4, 2, 2 and 1 of nine weights.
    gains = np.array([4, 2, 2, 1])
    assert parse("conv_transpose:box:k=3").prepare(np.ones((4, 5)), None, 2).score == pytest.approx(
        gains.std() / gains.mean()
    )
    for name in ("conv_transpose:box:k=4", "conv_transpose:bilinear", "resize_conv:random",
                 "pixel_shuffle:icnr"):  # fmt: skip
        assert parse(name).prepare(np.ones((4, 5)), None, 2).score < 1e-12
    for name in ("conv_transpose:random:k=3", "conv_transpose:random:k=4", "pixel_shuffle:random"):
        assert parse(name).prepare(np.ones((4, 5)), None, 2).score > 0.1
    assert Interpolation("bicubic").prepare(np.ones((4, 5)), None, 2).score is None


def peak(pixels):
    """Energy at period 2, down, across and both, over that of the whole picture, in dB.

    Under a window of Hann: the border is no edge.
    """
    gray = pixels.astype(np.float64).mean(2)
    window = np.outer(*(np.hanning(n) for n in gray.shape))
    power = np.abs(np.fft.fft2((gray - gray.mean()) * window)) ** 2
    y, x = power.shape[0] // 2, power.shape[1] // 2
    return 10 * np.log10((power[y, 0] + power[0, x] + power[y, x] + 1e-30) / power.sum())


def test_the_checkerboard_is_in_the_spectrum_of_a_photograph():
    """Of k=3, s=2 and of random weights; what is left with the cures is 40 dB less."""
    small = read(SAMPLE)
    peaks = {
        method.name: peak(resize_picture(small, scale_factor=2, method=method).pixels)
        for method in PRESETS["checkerboard"].methods
    }
    spoiled = {
        "conv_transpose:box:k=3", "conv_transpose:random:k=3", "conv_transpose:random:k=4",
        "pixel_shuffle:random",
    }  # fmt: skip
    assert {name for name in peaks if peaks[name] > -20} == spoiled, peaks
    assert {name for name in peaks if peaks[name] < -60} == set(peaks) - spoiled, peaks


def test_seeds_and_sizes():
    x = pixels((5, 7))
    for family in ("conv_transpose:random", "resize_conv:random", "pixel_shuffle:icnr"):
        first, again, other = (
            whole(parse(f"{family}:seed={seed}"), x, (2, 2))[1].weight for seed in (1, 1, 2)
        )
        np.testing.assert_array_equal(first, again)
        assert np.abs(first - other).max() > 0.01
        assert parse(f"{family}:k=6").prepare(x, None, 2).weight.shape[2:] == (6, 6)
    assert parse("conv_transpose:box").prepare(x, None, (3, 2)).weight.shape == (1, 1, 6, 4)
    assert parse("pixel_shuffle:icnr").prepare(x, None, 3).weight.shape == (9, 1, 3, 3)


# --- learned kernels -----------------------------------------------------------------------------


def least_squares(picture, scale, k):
    """The kernel that makes `picture` from its averages, by way of the pictures of single taps."""
    low = upsampler.avg_pool2d(picture, scale, layout="HWC")
    taps = [
        upsample_with_kernel(low, np.eye(1, k[0] * k[1], t).reshape(k), scale).ravel()
        for t in range(k[0] * k[1])
    ]
    return np.linalg.lstsq(np.stack(taps, 1), picture.ravel(), rcond=None)[0].reshape(k)


@pytest.mark.parametrize(
    ("name", "scale", "k"),
    [
        ("conv_transpose:learned", (2, 2), (10, 10)),
        ("conv_transpose:learned:k=4", (2, 2), (4, 4)),
        ("conv_transpose:learned:k=6", (2, 4), (6, 6)),
        ("conv_transpose:learned:k=5", (1, 3), (5, 5)),
    ],
)
def test_the_learned_kernel_restores_the_picture_best_from_its_averages(name, scale, k):
    x = pixels((38, 51, 2), "float64")
    prepared = parse(name).prepare(x, None, scale)
    # Cut in the middle so that the scale divides it: 38 = 9 * 4 + 2 and 51 = 12 * 4 + 3.
    cut = {1: slice(None), 2: slice(0, 50), 3: slice(None), 4: slice(1, 49)}
    middle = x[:, cut[scale[1]]]
    expected = least_squares(middle, scale, k)
    np.testing.assert_allclose(prepared.weight[0, 0], expected, atol=1e-9)
    result = prepared.window((0, 3), (5, 9))
    wanted = upsample_with_kernel(x, expected, scale, window=((0, 3), (5, 9)))
    np.testing.assert_allclose(result, wanted, atol=1e-9)


def test_of_large_pictures_the_middle_is_learned_from(monkeypatch):
    monkeypatch.setattr("upsampler.picture_kernels.FIT_SIDE", 25)
    x = pixels((38, 51, 2), "float64")
    middle = x[7:31, 13:37]
    found = parse("conv_transpose:learned:k=4").prepare(x, None, 2).weight[0, 0]
    np.testing.assert_allclose(found, least_squares(middle, (2, 2), (4, 4)), atol=1e-9)


@pytest.mark.parametrize(("k", "scale"), [("", 2), (":k=5", 3), (":k=4", 2)])
def test_learned_before_a_pixel_shuffle_is_the_same_kernel(k, scale):
    x = pixels((31, 42, 3), "float64")
    shuffled, prepared = whole(parse(f"pixel_shuffle:learned{k}"), x, (scale, scale))
    taps = f":k={int(k[3:]) * scale}" if k else ""
    transposed, other = whole(parse(f"conv_transpose:learned{taps}"), x, (scale, scale))
    np.testing.assert_allclose(shuffled, transposed, atol=1e-12)
    assert prepared.score == pytest.approx(other.score, abs=1e-12)


def test_on_a_photograph_learning_beats_bicubic():
    """Without a look at the truth; 0.66 dB were measured, and next to no checkerboard."""
    truth, small = degrade(read(SAMPLE), Fraction(2))
    size = (truth.height, truth.width)
    ready = Resizing(small, size, None, "conv_transpose:learned")
    bicubic = resize_picture(small, size, method="bicubic").pixels
    gain = psnr(truth.pixels, ready.run().pixels) - psnr(truth.pixels, bicubic)
    assert gain > 0.4
    assert 0 < ready.score < 0.01


def test_constant_pictures_are_learned_from_too():
    result, _ = whole(parse("conv_transpose:learned"), np.full((9, 8, 3), 77, np.uint8), (2, 2))
    assert (result == 77).all()


@pytest.mark.parametrize(
    ("name", "shape", "scale", "message"),
    [
        ("conv_transpose:learned", (1, 9), 2,
         "learned: got a picture of 9 x 1 pixels; allowed: at least 2 x 2, from which a smaller"),
        ("pixel_shuffle:learned", (9, 2, 3), 3, "got a picture of 2 x 9 pixels; allowed: at least"),
        ("conv_transpose:learned:k=5", (9, 9), 2,
         "k: got 5 for a learned kernel and scale 2; allowed: 2, 4, 6, ..., which"),
        ("conv_transpose:learned:k=2", (9, 9), 3, "k: got 2 .* scale 3; allowed: 3, 5, 7"),
    ],
)  # fmt: skip
def test_what_nothing_can_be_learned_from(name, shape, scale, message):
    x = pixels(shape)
    with pytest.raises(ValueError, match=message):
        parse(name).result_shape(x.shape, x.dtype, None, scale)


def test_nothing_is_learned_from_nan():
    x = pixels((9, 8), "float64")
    x[3, 4] = np.nan
    with pytest.raises(ValueError, match="learned: got pixels that are not finite"):
        parse("conv_transpose:learned").prepare(x, None, 2)


# --- windows -------------------------------------------------------------------------------------

WINDOWS = [
    ((0, 1), (0, 1)), ((5, 9), (30, 34)), ((20, 21), (1, 33)), ((0, 21), (7, 20)), ((8, 8), (0, 3))
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("method", [parse(n) for n in NAMES] + ALL[:9], ids=lambda m: m.name)
def test_windows_are_crops(method, dtype):
    x = pixels((7, 17, 3), dtype)
    scale = (3, 3) if isinstance(method, PixelShuffle) else (3, 2)
    full, prepared = whole(method, x, scale)
    for rows, columns in WINDOWS:
        crop = full[slice(*rows), slice(*columns)]
        np.testing.assert_array_equal(prepared.window(rows, columns), crop, strict=True)
        out = np.empty_like(crop)
        assert prepared.window(rows, columns, out, 1) is out
        np.testing.assert_array_equal(out, crop)


@pytest.mark.parametrize("name", ["conv_transpose:random:k=5", "resize_conv:bilinear:random",
                                  "pixel_shuffle:icnr"])  # fmt: skip
def test_a_window_reads_what_it_depends_on_and_no_more(name):
    """NaN a few pixels away does not arrive: the rest of the picture is not looked at."""
    x = np.full((60, 80), np.nan)
    x[26:34, 36:44] = pixels((8, 8), "float64")
    part = parse(name).prepare(x, None, 2).window((58, 62), (78, 82))
    assert np.isfinite(part).all()


# --- what they cannot do -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("conv_transpose:box", {"scale_factor": Fraction(3, 2)}, ValueError,
         "scale: got 1.5; allowed: a whole number for conv_transpose"),
        ("resize_conv:box", {"size": (8, 7)}, ValueError,
         "scale: got 2 x 1.4; allowed: a whole number for resize_conv"),
        ("pixel_shuffle:icnr", {"scale_factor": 0.5}, ValueError, "scale: got 0.5; allowed"),
        ("pixel_shuffle:icnr", {"scale_factor": (2, 3)}, ValueError,
         "scale: got 3 across and 2 down; allowed: one for both axes of pixel_shuffle"),
        ("conv_transpose:box", {}, ValueError, "size, scale_factor: got neither"),
        ("conv_transpose:box", {"scale_factor": "2"}, TypeError, "scale_factor: got '2'"),
    ],
)  # fmt: skip
def test_errors(name, arguments, error, message):
    arguments = {"size": None, "scale_factor": None} | arguments
    method, x = parse(name), pixels((4, 5, 3))
    if arguments["scale_factor"] in (Fraction(3, 2), 0.5):
        x = pixels((4, 6, 3))
    with pytest.raises(error, match=message):
        method.result_shape(x.shape, x.dtype, **arguments)
    with pytest.raises(error, match=message):
        method.prepare(x, **arguments)


def test_truth_values_are_no_pictures():
    with pytest.raises(TypeError, match="x: got dtype bool"):
        parse("conv_transpose:box").prepare(np.ones((3, 4), bool), None, 2)


# --- pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["conv_transpose:bilinear", "resize_conv:box",
                                  "pixel_shuffle:icnr"])  # fmt: skip
def test_no_fringes(name):
    """A disc of one colour on nothing, whose colour is another, keeps its colour everywhere."""
    y, x = np.indices((19, 23))
    array = np.full((19, 23, 4), (0, 255, 255, 0), np.uint8)
    array[np.hypot(y - 9, x - 11) < 7] = (204, 102, 0, 255)
    result = resize_picture(Picture(array, alpha=True), scale_factor=2, method=name).pixels
    visible = result[result[..., 3] > 0][:, :3].astype(int)
    assert 0 < (result[..., 3] > 0).mean() < 1
    assert ((result[..., 3] > 0) & (result[..., 3] < 255)).any()
    assert np.abs(visible - (204, 102, 0)).max() <= 1


def test_without_alpha_a_picture_is_the_window_in_blocks(monkeypatch):
    monkeypatch.setattr("upsampler.resize.BLOCK", 100)
    x = pixels((9, 13, 3))
    made = resize_picture(Picture(x), scale_factor=2, method="pixel_shuffle:random").pixels
    np.testing.assert_array_equal(made, whole(parse("pixel_shuffle:random"), x, (2, 2))[0])


def test_light_is_averaged_as_light():
    # Equal weights over black and white: half the light of white is the signal 188.
    picture = Picture(np.tile(np.array([[0, 255], [255, 0]], np.uint8), (4, 4)))
    for linear, level in ((True, 188), (False, 128)):
        made = resize_picture(
            picture, scale_factor=2, method="conv_transpose:box:k=4", linear_light=linear
        )
        assert (made.pixels[1:-1, 1:-1] == level).mean() > 0.5


# --- kernels from files --------------------------------------------------------------------------


@pytest.fixture
def save(tmp_path):
    """Save a module, an array or several, and return the path."""

    def save(content, name="k.npz"):
        path = tmp_path / name
        if isinstance(content, upsampler.Module):
            content.save(path)
        elif isinstance(content, dict):
            with open(path, "wb") as file:  # or an ending would be added
                np.savez(file, **content)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            np.save(path, content)
        return str(path)

    return save


def layer(*arguments, weight=None, family=upsampler.ConvTranspose2d, **keywords):
    module = family(*arguments, **{"seed": 0, "bias": False} | keywords)
    if weight is not None:
        module.load_state_dict({"weight": weight})
    return module


WEIGHT = np.random.default_rng(5).random((1, 1, 4, 5)).astype(np.float32)


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (layer(1, 1, (4, 5), 2, weight=WEIGHT), "k.npz", WEIGHT),
        (layer(3, 3, (4, 5), 2, groups=3, weight=WEIGHT.repeat(3, 0)), "k.npz", WEIGHT),
        (layer(4, 4, (4, 5), 2, groups=4, weight=WEIGHT.repeat(4, 0)), "k.npz", WEIGHT),
        (WEIGHT, "k.npy", WEIGHT),
        (WEIGHT[0, 0].astype(np.float64), "k.npy", WEIGHT),
        ({"weight": WEIGHT, "bias": np.zeros(1)}, "k.npz", WEIGHT),
        ({"anything": WEIGHT[0, 0]}, "K.NPZ", WEIGHT),
        (np.arange(60.0).reshape(3, 1, 4, 5), "k.npy", np.arange(60.0).reshape(3, 1, 4, 5)),
    ],
)
def test_kernels_from_files(save, content, name, expected):
    path = save(content, name)
    method = parse(f"conv_transpose:{path}")
    assert parse(method.name) == method == parse(f"transposed:{path}")
    assert method.label == f"conv transpose  {name}"
    x = pixels((5, 7, 3), "float64")
    result, prepared = whole(method, x, (2, 2))
    np.testing.assert_array_equal(prepared.weight, expected)
    padding = [-(-(k - 2) // 2) for k in (4, 5)]
    inner = upsampler.conv_transpose2d(
        np.pad(x, ((3, 3), (3, 3), (0, 0)), mode="edge"),
        np.broadcast_to(expected, (3, 1, 4, 5)).astype(np.float64), groups=3, stride=2,
        padding=[6 + p for p in padding], output_size=(10, 14), layout="HWC",
    )  # fmt: skip
    np.testing.assert_allclose(result, inner, rtol=1e-12)


def test_a_kernel_for_resize_convolution_from_a_file(save):
    path = save(layer(1, 1, (4, 5), 2, "bilinear", weight=WEIGHT, family=upsampler.ResizeConv2d))
    x = pixels((5, 7, 3), "float64")
    method = parse(f"resize_conv:bilinear:{path}")
    assert (method.mode, method.label) == ("bilinear", "resize conv  bilinear  k.npz")
    result, _ = whole(method, x, (2, 2))
    np.testing.assert_allclose(result, by_torch(method, x, (2, 2), WEIGHT), atol=1e-12)
    plain = parse(f"resize_conv:{save(WEIGHT, 'k.npy')}")
    result, _ = whole(plain, x, (3, 2))
    np.testing.assert_allclose(result, by_torch(plain, x, (3, 2), WEIGHT), atol=1e-12)


@pytest.mark.parametrize("path", ["a:b.npz", "dir/with:colons and k=3.npy", "bilinear:x.npz"])
def test_any_name_that_ends_so_is_a_file(path):
    method = parse(f"conv_transpose:{path}")
    assert (method.kernel, method.k, parse(method.name)) == (path, None, method)


def test_the_method_for_a_file(save):
    resized = layer(1, 1, 3, family=upsampler.ResizeConv2d)
    smooth = layer(1, 1, 3, mode="bilinear", family=upsampler.ResizeConv2d)
    for content, name, family in (
        (layer(1, 1, 4, 2), "a.npz", "conv_transpose"),
        (WEIGHT, "b.npy", "conv_transpose"),
        (resized, "c.npz", "resize_conv"),
        (smooth, "d.npz", "resize_conv:bilinear"),
    ):
        path = save(content, name)
        method = parse(method_of(path))
        assert method == parse(f"{family}:{path}")
        assert method.is_file
    for path, message in ((save(b"no", "e.npz"), "holds no kernel"),
                          (save(b"no", "f.png"), "is no kernel; their names end in .npz or .npy"),
                          ("g.npz", "no such file")):  # fmt: skip
        with pytest.raises(ValueError, match=f"^{path}: {message}"):
            method_of(path)


@pytest.mark.parametrize(
    ("method", "content", "name", "message"),
    [
        ("conv_transpose", layer(1, 1, 3, 3), "k.npz", "is for scale 3, not 2"),
        ("conv_transpose", layer(1, 1, 3, (2, 3)), "k.npz",
         "is for scale 3 across and 2 down, not 2"),
        ("conv_transpose", layer(2, 2, 3, 2, groups=2), "k.npz",
         "has kernels for 2 channels, the picture has 3"),
        ("conv_transpose", layer(3, 3, 3, 2), "k.npz", "mixes 3 channels into 3; pictures take"),
        ("conv_transpose", layer(1, 3, 3, 2), "k.npz", "mixes 1 channels into 3"),
        ("conv_transpose", layer(1, 1, 3, 2, bias=True), "k.npz", "has a bias, of which nobody"),
        ("conv_transpose", layer(1, 1, 3, 2, dilation=2), "k.npz", "has dilation 2; pictures take"),
        ("conv_transpose", upsampler.PixelShuffle(2), "k.npz",
         "holds a PixelShuffle, not a ConvTranspose2d"),
        ("conv_transpose", layer(1, 1, 3, family=upsampler.ResizeConv2d), "k.npz",
         "holds a ResizeConv2d, not a ConvTranspose2d"),
        ("resize_conv", layer(1, 1, 3, 2), "k.npz", "holds a ConvTranspose2d, not a ResizeConv2d"),
        ("resize_conv", layer(1, 1, 3, 3, family=upsampler.ResizeConv2d), "k.npz",
         "is for scale 3, not 2"),
        ("resize_conv", layer(1, 1, 3, 2, "bilinear", family=upsampler.ResizeConv2d), "k.npz",
         "interpolates bilinear, not nearest"),
        ("resize_conv", WEIGHT * np.arange(2.0)[:, None, None, None], "k.npy",
         "has kernels for 2 channels, the picture has 1"),
        ("conv_transpose", b"", "k.npz", "holds no kernel, or is damaged"),
        ("conv_transpose", b"PK\3\4 and nothing more", "k.npz", "holds no kernel, or is damaged"),
        ("conv_transpose", {"a": WEIGHT, "b": WEIGHT}, "k.npz", "holds no array named weight"),
        ("conv_transpose", {"weight": WEIGHT, "bias": np.ones(1)}, "k.npz", "has a bias"),
        ("conv_transpose", np.ones((2, 2, 2)), "k.npy", r"has a weight of shape \(2, 2, 2\)"),
        ("conv_transpose", np.ones((2, 0)), "k.npy", r"of shape \(1, 1, 2, 0\)"),
        ("conv_transpose", WEIGHT > 0.5, "k.npy", "dtype bool; pictures take numbers of shape"),
        ("conv_transpose", WEIGHT * np.nan, "k.npy", "has weights that are not finite"),
        ("conv_transpose", np.array([None]), "k.npy", "holds no kernel, or is damaged"),
        ("conv_transpose", np.zeros(3 << 22), "k.npy", "is too large to be a kernel"),
    ],
)  # fmt: skip
def test_files_of_no_use(save, method, content, name, message):
    path = save(content, name)
    x = pixels((5, 7, 3))
    with pytest.raises(ValueError, match=message) as caught:
        parse(f"{method}:{path}").result_shape(x.shape, x.dtype, None, 2)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there(tmp_path):
    x = pixels((5, 7, 3))
    for path, message in (
        (tmp_path / "no.npz", "no such file or dir"),
        (tmp_path / "a.npz", "a folder"),
    ):
        if message == "a folder":
            path.mkdir()
        with pytest.raises(ValueError, match=f"{path.name}: .*{message}"):
            parse(f"conv_transpose:{path}").prepare(x, None, 2)


def test_rules_on_the_gpu_have_names():
    method = parse("gpu:bilinear:align_corners")
    assert (method.name, method.label) == (
        "gpu:bilinear:align_corners", "bilinear  align corners  GPU"
    )  # fmt: skip
    assert method.result_shape((5, 7, 3), np.dtype("uint8"), (10, 14), None) == (10, 14, 3)
    assert parse("gpu:nearest").copies
    for name in ("gpu:resize_conv:box", "gpu:gpu:nearest"):
        with pytest.raises(ValueError, match=r"gpu: got .*; allowed: a mode of interpolate"):
            parse(name)


def test_rules_on_the_gpu_say_why_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(upsampler.BackendUnavailable, match="CuPy cannot be imported"):
        parse("gpu:bicubic").prepare(np.zeros((3, 5), np.float32), (6, 10))
