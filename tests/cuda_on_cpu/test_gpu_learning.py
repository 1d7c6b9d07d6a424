"""Modules, training and closed-form kernels on arrays of the device."""

from __future__ import annotations

import fakecupy as cp
import numpy as np
import pytest

import upsampler
from upsampler import ConvTranspose2d, PixelShuffle, ResizeConv2d, Sequential, Upsample


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
    ]


@pytest.mark.parametrize("number", range(3))
def test_a_module_computes_where_its_parameters_are(number):
    host, device = modules()[number], modules()[number].to("gpu")
    x = np.random.default_rng(1).normal(size=(2, 3, 5, 7)).astype(np.float32)
    wanted, found = host(x), device(cp.asarray(x))
    grad = np.random.default_rng(2).normal(size=wanted.shape).astype(np.float32)
    wanted_back, found_back = host.backward(grad), device.backward(cp.asarray(grad))
    np.testing.assert_allclose(found.get(), wanted, atol=1e-5)
    np.testing.assert_allclose(found_back.get(), wanted_back, atol=1e-5)
    for a, b in zip(device.gradients(), host.gradients(), strict=True):
        np.testing.assert_allclose(a.get(), b, atol=1e-4)


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
