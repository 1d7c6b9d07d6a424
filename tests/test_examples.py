"""The examples do what they say: PyTorch's values, not one copy, the least error."""

import tracemalloc
from itertools import islice

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from .examples import learn_kernel as learn
from .examples import unet_decoder as unet

METHODS = pytest.mark.parametrize("method", unet.METHODS, ids=lambda method: method.__name__)
SIZE = (2, 40, 56)  # N, H, W
TORCH = {  # x, parameters, indices -> upsampled
    unet.nearest: lambda x, layer, indices: F.interpolate(x, scale_factor=2),
    unet.bilinear: lambda x, layer, indices: F.interpolate(x, scale_factor=2, mode="bilinear"),
    unet.conv_transpose2d: lambda x, layer, indices: F.conv_transpose2d(x, *layer, stride=2),
    unet.resize_conv2d: lambda x, layer, indices: F.conv2d(
        F.interpolate(x, scale_factor=2), *layer, padding=1
    ),
    unet.pixel_shuffle: lambda x, layer, indices: F.pixel_shuffle(F.conv2d(x, *layer), 2),
    unet.max_unpool2d: lambda x, layer, indices: F.max_unpool2d(x, indices, 2),
}


def picture():
    return np.random.default_rng(1).random((2, 3, *SIZE[1:]))


def made(method):
    """In float64, so that no rounding decides which of two values is the maximum."""
    return unet.UNet(method, *SIZE, dtype=np.float64)


def in_torch(network, picture):
    """The same network, as one would write it: the two halves of each decoder stage, its result."""

    def tensors(layer):
        return [torch.from_numpy(array) for array in layer]

    x, skips = torch.from_numpy(picture), []
    for level in network.levels:
        skip = F.relu(F.conv2d(x, *tensors(level.encode), padding=1))
        x, indices = F.max_pool2d(skip, 2, return_indices=True)
        skips.append((level, skip, indices))
    stages = []
    for level, skip, indices in reversed(skips):
        up = TORCH[network.method](x, tensors(level.upsample), indices)
        x = F.conv2d(torch.cat([up, skip], 1), *tensors(level.decode), padding=1)
        if level is not network.levels[0]:
            x = F.relu(x)
        stages.append((up.numpy(), skip.numpy(), x.numpy()))
    return stages


@METHODS
def test_the_values_are_those_of_pytorch(method):
    network = made(method)
    scores = network(picture())
    expected = in_torch(network, picture())
    assert len(network.stages) == len(expected) == 3
    for stage, arrays in zip(network.stages, expected, strict=True):
        for ours, theirs in zip(
            (stage.upsampled, stage.level.skip, stage.result), arrays, strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * abs(theirs).max())
    assert scores is network.stages[-1].result
    assert scores.shape == (2, unet.CLASSES, 40, 56)
    assert scores.min() < -0.1 < 0.1 < scores.max()


@METHODS
def test_the_shapes_of_the_stages(method):
    network = made(method)
    network(picture())
    shapes = [[a.shape for a in (s.given, s.upsampled, s.level.buffer)] for s in network.stages]
    assert shapes == [
        [(2, 64, 5, 7), (2, 64, 10, 14), (2, 128, 10, 14)],
        [(2, 32, 10, 14), (2, 32, 20, 28), (2, 64, 20, 28)],
        [(2, 16, 20, 28), (2, 16, 40, 56), (2, 32, 40, 56)],
    ]


@METHODS
def test_upsampling_writes_its_half_of_the_buffer_and_nothing_else(method):
    network = made(method)
    network(picture())
    for stage in network.stages:
        level, half = stage.level, stage.level.upsampled
        assert np.shares_memory(stage.upsampled, level.buffer)
        assert stage.upsampled.ctypes.data == level.buffer.ctypes.data
        assert stage.upsampled.strides == half.strides == level.buffer.strides
        assert np.array_equal(stage.upsampled, half)
        assert not np.shares_memory(half, level.skip)
        assert half.nbytes + level.skip.nbytes == level.buffer.nbytes


@METHODS
def test_the_skip_connection_stays_and_no_second_half_is_made(method):
    network = made(method)
    network(picture())
    given, level = network.stages[-1].given, network.levels[0]
    _, indices = unet.upsampler.max_pool2d(level.skip, 2, return_indices=True)
    fresh, skip = level.upsampled.copy(), level.skip.copy()
    level.upsampled[...] = np.nan
    tracemalloc.start()
    try:
        network.method(given, level.upsampled, level.upsample, indices)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.array_equal(level.upsampled, fresh)
    assert level.skip.tobytes() == skip.tobytes()
    if method is unet.pixel_shuffle:
        most -= fresh.nbytes  # the convolution's channels, before they are shuffled
    assert most < fresh.nbytes / 4


def test_the_program_prints_the_stages_of_every_method(capsys):
    unet.main(["--size", "16", "24"])
    lines = capsys.readouterr().out.splitlines()
    for method in unet.METHODS:
        assert sum(method.__name__ in line for line in lines) == 1
    assert sum("half of 32x16x24" in line for line in lines) == len(unet.METHODS)
    assert "NOT in" not in "".join(lines)


def test_the_program_takes_names(capsys):
    unet.main(["bilinear", "--size", "8", "16"])
    out = capsys.readouterr().out
    assert "bilinear" in out
    assert "nearest" not in out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["cubic"], "METHOD: got cubic; allowed: nearest, bilinear, conv_transpose2d,"),
        (["--size", "12", "16"], "--size: got 12 16; allowed: multiples of 8"),
    ],
)
def test_bad_arguments_are_usage_errors(argv, message, capsys):
    with pytest.raises(SystemExit) as stop:
        unet.main(argv)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


# --- learn_kernel ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def left_and_right():
    return learn.halves()


@pytest.fixture(scope="module")
def best(left_and_right):
    return learn.closed_form(left_and_right[0])


def test_learning_starts_as_bilinear_interpolation(left_and_right, best):
    right = left_and_right[1]
    start = learn.bilinear_start(best.padding)(right.padded)
    expected = learn.upsampler.interpolate(right.low, scale_factor=2, mode="bilinear")
    np.testing.assert_allclose(start, expected, rtol=0, atol=1e-6)


def test_at_the_closed_form_there_is_no_way_down(left_and_right, best):
    left = left_and_right[0]

    def slope(module):
        module.backward(module(left.padded) - left.high)
        return abs(module.gradients()[0]).max()

    assert slope(best) < 1e-4 * slope(learn.bilinear_start(best.padding))


def test_the_kernel_wins_on_the_part_it_has_not_seen(left_and_right, best):
    right = left_and_right[1]
    bicubic = learn.upsampler.interpolate(right.low, scale_factor=2, mode="bicubic")
    assert learn.psnr(best(right.padded), right) > learn.psnr(bicubic, right) + 0.5


def test_descent_approaches_the_closed_form(left_and_right, best):
    left = left_and_right[0]
    module = learn.bilinear_start(best.padding)
    losses = [learn.loss(module, left) for step in islice(learn.descend(module, left), 201)]
    least = learn.loss(best, left)
    assert min(losses) > least
    assert losses[200] - least < (losses[0] - least) / 2


def test_descent_is_adam():
    rng = np.random.default_rng(0)
    pair = learn.Pair(rng.random((2, 1, 14, 22)))
    padding = (2 * learn.EDGE + learn.KERNEL // 2 - 1,) * 2
    module = learn.upsampler.ConvTranspose2d(
        1, 1, learn.KERNEL, 2, padding, bias=False, dtype=np.float64, seed=0
    )
    weight = torch.from_numpy(module.weight.copy()).requires_grad_()
    adam = torch.optim.Adam([weight], lr=learn.RATE)
    low, high = torch.from_numpy(pair.padded), torch.from_numpy(pair.high)
    for _ in islice(learn.descend(module, pair), 6):
        np.testing.assert_allclose(module.weight, weight.detach().numpy(), rtol=0, atol=1e-9)
        adam.zero_grad()
        F.mse_loss(F.conv_transpose2d(low, weight, stride=2, padding=padding), high).backward()
        adam.step()


def test_the_program_prints_both_ways(monkeypatch, capsys):
    monkeypatch.setattr(learn, "STEPS", (0, 2))
    learn.main()
    lines = capsys.readouterr().out.splitlines()
    for name in ("bicubic", "closed form", "Adam, 0 steps", "Adam, 2 steps"):
        assert sum(name in line for line in lines) == 1
