"""Modules, training and closed-form kernels on arrays of the device."""

from __future__ import annotations

import fakecupy as cp
import numpy as np
import pytest

import upsampler
from upsampler import (
    ConvTranspose2d,
    MaxUnpool2d,
    PixelShuffle,
    ResizeConv2d,
    Sequential,
    Upsample,
)


@pytest.fixture(autouse=True)
def installed():
    with cp.installed():
        yield


def modules():
    return [
        ConvTranspose2d(3, 2, 4, stride=2, padding=1, seed=0),
        ResizeConv2d(3, 2, 3, scale_factor=2, mode="bilinear", seed=0),
        Sequential(
            ConvTranspose2d(3, 8, 3, padding=1, seed=0),
            PixelShuffle(2),
            Upsample(scale_factor=(1, 2), mode="bilinear"),
        ),
        ConvTranspose2d(3, 9, 3, stride=(2, 3), output_padding=1, groups=3, bias=False, seed=0),
        Sequential(  # channels enough for products of matrices
            ConvTranspose2d(3, 20, 2, stride=2, seed=0),
            ResizeConv2d(20, 12, 3, scale_factor=2, padding_mode="replicate", seed=0),
        ),
    ]


@pytest.mark.parametrize("number", range(len(modules())))
def test_a_module_computes_where_its_parameters_are(number):
    """And copies nothing to or from the device once its tables are there."""
    host, device = modules()[number], modules()[number].to("gpu")
    x = np.random.default_rng(1).normal(size=(2, 3, 5, 7)).astype(np.float32)
    wanted = host(x)
    grad = np.random.default_rng(2).normal(size=wanted.shape).astype(np.float32)
    wanted_back = host.backward(grad)
    there = cp.asarray(x), cp.asarray(grad)
    for first in (True, False):
        cp.events.log.clear()
        found, found_back = device(there[0]), device.backward(there[1])
        allowed = {"launch", "to_device"} if first else {"launch"}
        assert set(cp.events.kinds()) <= allowed
    np.testing.assert_allclose(found.get(), wanted, atol=1e-5)
    np.testing.assert_allclose(found_back.get(), wanted_back, atol=1e-4)
    for a, b in zip(device.gradients(), host.gradients(), strict=True):
        np.testing.assert_allclose(a.get(), b, atol=1e-3)


def test_unpooling_as_a_module():
    x = np.random.default_rng(1).normal(size=(2, 3, 6, 8)).astype(np.float32)
    values, places = upsampler.max_pool2d(x, 2, return_indices=True)
    host, device = MaxUnpool2d(2), MaxUnpool2d(2).to("gpu")
    wanted, found = host(values, places), device(cp.asarray(values), cp.asarray(places))
    assert np.array_equal(found.get(), wanted)
    assert np.array_equal(device.backward(cp.asarray(x)).get(), host.backward(x))


def test_what_waits_for_the_device():
    """Training: for the loss of each step, and for copies of what it has learned at the end."""
    rng = np.random.default_rng(3)
    shapes = (2, 3, 5, 7), (2, 2, 10, 14)
    pair = tuple(cp.asarray(rng.normal(size=shape).astype("f")) for shape in shapes)
    module = modules()[0].to("gpu")
    upsampler.train(module, [pair], 1, batch_size=1)
    cp.events.log.clear()
    upsampler.train(module, [pair], 5, batch_size=1)
    kinds = cp.events.kinds()
    assert set(kinds) == {"launch", "to_host"}
    assert kinds.count("to_host") == 5 + 3 * len(module.parameters())
    # The closed form: for a look at infinities in each array, and for its sums.
    upsampler.fit_conv_transpose(*pair, kernel_size=4, channels="full")
    cp.events.log.clear()
    upsampler.fit_conv_transpose(*pair, kernel_size=4, channels="full")
    kinds = cp.events.kinds()
    assert kinds.count("to_host") == 2 + 2
    assert kinds.count("to_device") == 2  # zeros to begin with


def test_a_module_refuses_arrays_of_another_place():
    module = modules()[0].to("gpu")
    with pytest.raises(TypeError, match=r"^weight: got an array on GPU 0; allowed: on the host"):
        module(np.ones((1, 3, 5, 7), np.float32))


def test_there_and_back(tmp_path):
    module = modules()[2]
    before = [a.copy() for a in module.parameters()]
    assert module.to("gpu:1") is module
    assert {a.device.id for a in module.parameters()} == {1}
    module.save(tmp_path / "module.npz")
    loaded = upsampler.load_module(tmp_path / "module.npz")
    module.load_state_dict(loaded.state_dict())
    assert {a.device.id for a in module.parameters()} == {1}
    for a, b, c in zip(module.to("cpu").parameters(), before, loaded.parameters(), strict=True):
        assert type(a) is np.ndarray
        assert (a == b).all()
        assert (c == b).all()


def test_no_such_gpu():
    with pytest.raises(ValueError, match=r"^device: got 'gpu:7'; allowed: GPUs from 0 to 1$"):
        modules()[0].to("gpu:7")


@pytest.mark.parametrize("loss", ["l2", "l1", "charbonnier"])
def test_training_takes_the_same_steps(loss):
    rng = np.random.default_rng(3)
    pairs = [
        (rng.normal(size=(3, 5, 7)).astype("f"), rng.normal(size=(2, 10, 14)).astype("f"))
        for _ in range(3)
    ]
    there = [tuple(map(cp.asarray, pair)) for pair in pairs]
    arguments = {"steps": 4, "batch_size": 2, "patch": (3, 4), "margin": 1, "loss": loss}
    host, device = modules()[0], modules()[0].to("gpu")
    wanted = upsampler.train(host, pairs, **arguments)
    found = upsampler.train(device, there, **arguments)
    np.testing.assert_allclose(found.losses, wanted.losses, rtol=1e-4)
    for a, b in zip(device.parameters(), host.parameters(), strict=True):
        np.testing.assert_allclose(a.get(), b, atol=1e-4)
    # Its state is kept on the host, and goes on anywhere.
    assert all(type(a) is np.ndarray for a in found.parameters.values())
    arguments["steps"] = 6
    further = upsampler.train(modules()[0].to("gpu"), there, state=found, **arguments)
    again = upsampler.train(modules()[0], pairs, state=found, **arguments)
    np.testing.assert_allclose(further.losses, again.losses, rtol=1e-4)


def test_a_pair_of_two_places():
    low, high = np.ones((3, 5, 7), "f"), cp.ones((2, 10, 14), "f")
    with pytest.raises(TypeError, match=r"^target of pair 0: got an array on GPU 0"):
        upsampler.train(modules()[0], [(low, high)], 1)
    with pytest.raises(TypeError, match=r"^high: got an array on GPU 0"):
        upsampler.fit_conv_transpose(low[:2], high, kernel_size=4, stride=2, layout="CHW")


@pytest.mark.parametrize("channels", ["shared", "full"])
@pytest.mark.parametrize("block", [1 << 24, 400])
def test_the_closed_form_is_that_of_the_host(channels, block, monkeypatch):
    monkeypatch.setattr("upsampler.device_equations.DeviceEquations.block", block)
    rng = np.random.default_rng(4)
    low, high = rng.normal(size=(2, 2, 9, 11)), rng.normal(size=(2, 2, 18, 33))
    arguments = {"kernel_size": (4, 5), "stride": (2, 3), "channels": channels, "bias": True}
    wanted = upsampler.fit_conv_transpose(low, high, **arguments)
    pairs = [(cp.asarray(low), cp.asarray(high))]
    for found in (
        upsampler.fit_conv_transpose(*pairs[0], **arguments),
        upsampler.fit_conv_transpose(pairs, **arguments),
    ):
        np.testing.assert_allclose(found.weight, wanted.weight, atol=1e-12)
        np.testing.assert_allclose(found.bias, wanted.bias, atol=1e-12)
    broken = cp.asarray(low)
    broken[0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"^low: got NaN or infinity"):
        upsampler.fit_conv_transpose(broken, pairs[0][1], **arguments)
