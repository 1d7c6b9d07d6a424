"""Modules against the layers of torch.nn: results, gradients, names, and files."""

import itertools
import json
import zipfile
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
import torch
from torch import nn

import upsampler
from upsampler import ConvTranspose2d, MaxUnpool2d, PixelShuffle, ResizeConv2d, Sequential, Upsample

# Arguments that torch.nn.ConvTranspose2d takes as well: in, out, kernel, stride, padding,
# output_padding, groups, bias, dilation.
TRANSPOSED = [
    (3, 5, (4, 3), 2, 1),
    (4, 6, (3, 5), (2, 3), (0, 2), (1, 2), 2, False),
    (6, 6, 2, 2, 0, 0, 6),
    (1, 7, (1, 2), 1, 0, (0, 1), 1, True, (1, 2)),
]


def tensors(state):
    return {name: torch.from_numpy(array) for name, array in state.items()}


def peer(ours, theirs, dtype=torch.float64):
    """`theirs` with the parameters of `ours`."""
    theirs = theirs.to(dtype)
    theirs.load_state_dict(tensors(ours.state_dict()))
    return theirs


def agree(ours, theirs, x, *more, tolerance=1e-11):
    """The same result and gradients of everything, twice with different inputs."""
    rng = np.random.default_rng(0)
    for array in (x, x * 2 - 1):
        tensor = torch.from_numpy(array).requires_grad_()
        expected = theirs(
            tensor, *(torch.from_numpy(m) if hasattr(m, "dtype") else m for m in more)
        )
        result = ours(array, *more)
        assert result.dtype == array.dtype
        assert result.shape == tuple(expected.shape)
        np.testing.assert_allclose(result, expected.detach().numpy(), rtol=0, atol=tolerance)
        grad = rng.standard_normal(result.shape).astype(array.dtype)
        theirs.zero_grad()
        expected.backward(torch.from_numpy(grad))
        np.testing.assert_allclose(ours.backward(grad), tensor.grad, rtol=0, atol=tolerance)
        found = ours.gradients()
        assert len(found) == len(ours.parameters()) == len(list(theirs.parameters()))
        for (name, g), p in zip(ours.named_gradients(), theirs.parameters(), strict=True):
            assert g.dtype == array.dtype, name
            np.testing.assert_allclose(g, p.grad, rtol=0, atol=tolerance * 10, err_msg=name)


@pytest.mark.parametrize("arguments", TRANSPOSED)
def test_conv_transpose(cpu, arguments):
    ours = ConvTranspose2d(*arguments, dtype=np.float64, seed=1)
    theirs = peer(ours, nn.ConvTranspose2d(*arguments))
    x = np.random.default_rng(2).standard_normal((2, arguments[0], 5, 7))
    agree(ours, theirs, x)
    assert repr(ours) == repr(theirs)


def resized_then_convolved(layer):
    """The layer as two of torch.nn, and the convolution of them."""
    convolution = nn.Conv2d(
        layer.in_channels, layer.out_channels, layer.kernel_size, 1, layer.padding,
        layer.dilation, layer.groups, layer.bias is not None, layer.padding_mode,
    )  # fmt: skip
    resize = nn.Upsample(scale_factor=layer.scale_factor, mode=layer.mode)
    return nn.Sequential(resize, convolution), convolution


@pytest.mark.parametrize("arguments", [
    (3, 5, (3, 2)),
    (4, 6, (5, 3), (3, 2), "bilinear", "same", "replicate", 2, False),
    (2, 3, 3, (1, 4), "nearest", "valid", "zeros", 1, True, (1, 2)),
    (3, 2, (4, 3), 2, "bilinear", (2, 0)),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
def test_resize_conv(cpu, arguments):
    ours = ResizeConv2d(*arguments, dtype=np.float64, seed=24)
    theirs, convolution = resized_then_convolved(ours)
    peer(ours, convolution)
    x = np.random.default_rng(25).standard_normal((2, arguments[0], 5, 7))
    agree(ours, theirs.double(), x)
    again = ResizeConv2d(*arguments, dtype=np.float64)
    again.load_state_dict(convolution.state_dict())
    np.testing.assert_array_equal(again(x), ours(x))


def test_how_a_resize_conv_is_shown():
    module = ResizeConv2d(4, 6, (5, 3), 3, "bilinear", (2, 1), "replicate", 2, False, (1, 2))
    assert repr(module) == (
        "ResizeConv2d(4, 6, kernel_size=(5, 3), scale_factor=(3, 3), mode='bilinear', "
        "padding=(2, 1), padding_mode='replicate', dilation=(1, 2), groups=2, bias=False)"
    )
    assert repr(ResizeConv2d(1, 2, 3, padding="valid")).endswith("'nearest', padding='valid')")


@pytest.mark.parametrize("arguments", TRANSPOSED)
def test_states_go_both_ways(arguments):
    ours = ConvTranspose2d(*arguments, seed=1)
    theirs = nn.ConvTranspose2d(*arguments)
    own = dict(ours.named_parameters())
    ours.load_state_dict(theirs.state_dict())
    assert list(own) == list(theirs.state_dict())
    for name, tensor in theirs.state_dict().items():
        np.testing.assert_array_equal(own[name], tensor.numpy(), err_msg="written in place")
        assert not np.shares_memory(own[name], tensor.numpy())
    back = nn.ConvTranspose2d(*arguments)
    back.load_state_dict(tensors(ours.state_dict()))
    for mine, other in zip(back.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_output_size():
    ours = ConvTranspose2d(3, 2, 3, 2, 1, dtype=np.float64, seed=3)
    theirs = peer(ours, nn.ConvTranspose2d(3, 2, 3, 2, 1))
    x = np.random.default_rng(4).standard_normal((1, 3, 4, 6))
    for size in ((7, 12), (8, 11)):
        agree(ours, theirs, x, size)


@pytest.mark.parametrize(
    ("dtype", "eps"), [(np.float16, 2e-3), (ml_dtypes.bfloat16, 2e-2), (np.float32, 2e-6)]
)
def test_other_floats(cpu, dtype, eps):
    """As float64, but for the rounding of the result; halves are added up in float32."""
    ours = ConvTranspose2d(4, 3, 4, 2, 1, dtype=dtype, seed=5)
    wide = ConvTranspose2d(4, 3, 4, 2, 1, dtype=np.float64)
    wide.load_state_dict(ours.state_dict())
    rng = np.random.default_rng(6)
    x = rng.standard_normal((1, 4, 3, 5)).astype(dtype)
    y, expected = ours(x), wide(x.astype(np.float64))
    assert y.dtype == dtype
    np.testing.assert_allclose(y.astype(float), expected, rtol=eps, atol=eps)
    grad = rng.standard_normal(y.shape).astype(dtype)
    pairs = [(ours.backward(grad), wide.backward(grad.astype(float)))]
    pairs += zip(ours.gradients(), wide.gradients(), strict=True)
    for mine, exact in pairs:
        assert mine.dtype == dtype
        np.testing.assert_allclose(mine.astype(float), exact, rtol=eps, atol=eps)


@pytest.mark.parametrize("layout", ["NHWC", "CHW", "HWC"])
def test_layouts(layout):
    x = np.random.default_rng(7).standard_normal((2 if "N" in layout else 1, 8, 3, 5))

    def arranged(a):
        a = a if "N" in layout else a[0]
        return np.transpose(a, ["NCHW"[4 - a.ndim :].index(letter) for letter in layout])

    def layers(**where):
        return [
            ConvTranspose2d(8, 4, 3, 2, 1, dtype=np.float64, seed=8, **where),
            ResizeConv2d(8, 4, 3, dtype=np.float64, seed=8, **where),
            PixelShuffle(2, **where),
            Upsample(scale_factor=3, mode="bilinear", **where),
        ]

    for ours, usual in zip(layers(layout=layout), layers(), strict=True):
        expected = usual(x)
        np.testing.assert_allclose(ours(arranged(x)), arranged(expected), atol=1e-12)
        back = usual.backward(expected)
        np.testing.assert_allclose(ours.backward(arranged(expected)), arranged(back), atol=1e-11)
        for mine, other in zip(ours.gradients(), usual.gradients(), strict=True):
            np.testing.assert_allclose(mine, other, atol=1e-11)


@pytest.mark.parametrize("keywords", [
    {"size": (7, 5)},
    {"scale_factor": 2.0, "mode": "bilinear", "align_corners": True},
    {"scale_factor": (1.5, 3.0), "mode": "bicubic", "recompute_scale_factor": True},
    {"size": (3, 11), "mode": "area"},
])  # fmt: skip
def test_upsample(keywords):
    x = np.random.default_rng(9).standard_normal((2, 3, 4, 6))
    ours, theirs = Upsample(**keywords), nn.Upsample(**keywords)
    agree(ours, theirs, x, tolerance=1e-13)
    assert repr(ours) == repr(theirs)
    assert ours.parameters() == ours.gradients() == []


def test_pixel_shuffle():
    x = np.random.default_rng(10).standard_normal((2, 18, 4, 1))
    agree(PixelShuffle(3), nn.PixelShuffle(3), x, tolerance=0)
    assert repr(PixelShuffle(3)) == repr(nn.PixelShuffle(3))


@pytest.mark.parametrize(
    ("arguments", "size"), [(((2, 3),), (8, 15)), ((3, 2, 1), None), ((3, 2), None)]
)
def test_max_unpool(arguments, size):
    x = np.random.default_rng(11).permutation(2 * 3 * 9 * 15).reshape(2, 3, 9, 15).astype(float)
    values, indices = upsampler.max_pool2d(x, *arguments, return_indices=True)
    # Peaks that two cells share are written in an order that PyTorch leaves open: not here.
    size = size or x.shape[2:]
    ours, theirs = MaxUnpool2d(*arguments), nn.MaxUnpool2d(*arguments)
    tensor = torch.from_numpy(values).requires_grad_()
    expected = theirs(tensor, torch.from_numpy(indices), size)
    result = ours(values, indices, size)
    np.testing.assert_array_equal(result, expected.detach().numpy())
    grad = np.random.default_rng(12).standard_normal(result.shape)
    expected.backward(torch.from_numpy(grad))
    np.testing.assert_array_equal(ours.backward(grad), tensor.grad)
    assert repr(ours) == repr(theirs)


def decoder():
    """Two modules with parameters, nested, and two without."""
    inner = Sequential(ConvTranspose2d(6, 4, 4, 2, 1, dtype=np.float64, seed=13), PixelShuffle(2))
    return Sequential(inner, Upsample(scale_factor=2, mode="bilinear"),
                      ConvTranspose2d(1, 2, 3, dtype=np.float64, seed=14))  # fmt: skip


def test_sequential():
    ours = decoder()
    theirs = nn.Sequential(
        nn.Sequential(nn.ConvTranspose2d(6, 4, 4, 2, 1), nn.PixelShuffle(2)),
        nn.Upsample(scale_factor=2, mode="bilinear"), nn.ConvTranspose2d(1, 2, 3),
    )  # fmt: skip
    assert list(ours.state_dict()) == list(theirs.state_dict())
    agree(ours, peer(ours, theirs), np.random.default_rng(15).standard_normal((1, 6, 3, 2)))
    assert repr(ours).replace("=2,", "=2.0,") == repr(theirs)
    assert repr(Sequential()) == repr(nn.Sequential())
    assert len(ours) == 3
    assert ours[1] is ours.modules[1]
    x = np.ones((1, 2, 3))
    assert Sequential()(x) is x


def test_finite_differences():
    module, rng = decoder(), np.random.default_rng(16)
    x = rng.standard_normal((1, 6, 2, 3))
    grad = rng.standard_normal(module(x).shape)
    pairs = [(x, module.backward(grad)), *zip(module.parameters(), module.gradients(), strict=True)]
    step = 1e-6
    for array, gradient in pairs:
        for place in itertools.islice(np.ndindex(array.shape), 0, None, 7):
            kept, values = array[place], []
            for sign in (1, -1):
                array[place] = kept + sign * step
                values.append((module(x) * grad).sum())
            array[place] = kept
            assert abs((values[0] - values[1]) / (2 * step) - gradient[place]) < 1e-6


def test_gradients_of_the_last_call_replace_earlier_ones():
    module = ConvTranspose2d(2, 3, 2, dtype=np.float64, seed=17)
    y = module(np.ones((1, 2, 3, 4)))
    module.backward(y)
    first = [g.copy() for g in module.gradients()]
    module.backward(2 * y)
    for twice, once in zip(module.gradients(), first, strict=True):
        np.testing.assert_allclose(twice, 2 * once)


@pytest.mark.parametrize("make", [
    lambda: ConvTranspose2d(2, 3, 2), lambda: Upsample(size=4), lambda: PixelShuffle(2),
    lambda: MaxUnpool2d(2), lambda: Sequential(PixelShuffle(2)), lambda: ResizeConv2d(2, 3, 3),
])  # fmt: skip
def test_backward_before_forward(make):
    with pytest.raises(RuntimeError, match=r"^backward: got no input of \w+ to go back to; call"):
        make().backward(np.ones((1, 2, 4, 4), np.float32))


def test_gradients_before_backward():
    module = Sequential(ConvTranspose2d(2, 3, 2))
    module(np.ones((1, 2, 3, 4), np.float32))
    with pytest.raises(
        RuntimeError, match=r"gradients: got none of ConvTranspose2d; call .*backward"
    ):
        module.gradients()


@pytest.mark.parametrize("make", [ConvTranspose2d, ResizeConv2d])
def test_seeds(make):
    def state(seed):
        return make(3, 4, 2, seed=seed).state_dict()

    assert list(state(18)) == ["weight", "bias"]
    for name, array in state(18).items():
        np.testing.assert_array_equal(array, state(18)[name])
        np.testing.assert_array_equal(array, state(np.random.default_rng(18))[name])
        assert (array != state(19)[name]).all()
        assert (state(None)[name] != state(None)[name]).any()


def test_inits():
    bilinear = ConvTranspose2d(4, 4, 5, 3, 1, groups=2, init="bilinear")
    np.testing.assert_array_equal(bilinear.weight, upsampler.init.bilinear(4, 5, 2))
    assert not bilinear.bias.any()
    even = ConvTranspose2d(4, 3, 6, (2, 3), init="icnr", seed=20)
    assert upsampler.checkerboard(even.weight, even.stride).score < 1e-6
    assert even.weight.std() > 0.1
    assert not even.bias.any()
    assert ConvTranspose2d(4, 3, 6, bias=False).bias is None


@pytest.mark.parametrize("make", [
    lambda: ConvTranspose2d(4, 6, (3, 5), (2, 3), (0, 2), (1, 2), 2, False, (1, 2), seed=1),
    lambda: ConvTranspose2d(2, 2, 4, 2, 1, init="bilinear", layout="NHWC"),
    lambda: ConvTranspose2d(2, 3, 4, dtype=np.float16),
    lambda: ConvTranspose2d(2, 3, 4, dtype=ml_dtypes.bfloat16),
    lambda: Upsample(scale_factor=(Fraction(7, 3), 2.5), mode="bicubic", antialias=True),
    lambda: Upsample(size=np.array([5, 7]), align_corners=False, layout="CHW"),
    lambda: ResizeConv2d(4, 6, (5, 3), (3, 2), "bilinear", 2, "replicate", 2, False, (1, 2)),
    lambda: ResizeConv2d(4, 6, np.int64(3), padding=np.array([1, 0]), seed=2, layout="CHW"),
    lambda: PixelShuffle(np.int64(3), layout="HWC"),
    lambda: MaxUnpool2d((2, 3), 2, 1),
    decoder,
    lambda: Sequential(),
])  # fmt: skip
def test_files(tmp_path, make):
    module = make()
    module.save(tmp_path / "module.npz")
    found = upsampler.load_module(tmp_path / "module.npz")
    assert type(found) is type(module)
    assert repr(found) == repr(module)
    assert found._describe() == module._describe()
    assert list(found.state_dict()) == list(module.state_dict())
    for name, array in module.state_dict().items():
        assert found.state_dict()[name].dtype == array.dtype
        np.testing.assert_array_equal(found.state_dict()[name], array)
    assert [p.name for p in tmp_path.iterdir()] == ["module.npz"]
    module.save(tmp_path / "again.npz")
    both = [(tmp_path / name).read_bytes() for name in ("module.npz", "again.npz")]
    assert both[0] == both[1]


def test_files_are_plain_npz(tmp_path):
    module = ConvTranspose2d(2, 3, 4, seed=21)
    module.save(tmp_path / "any name")
    with np.load(tmp_path / "any name", allow_pickle=False) as archive:
        assert sorted(archive.files) == ["bias", "module", "weight"]
        np.testing.assert_array_equal(archive["weight"], module.weight)
        text = json.loads(str(archive["module"]))
    assert (text["format"], text["class"]) == (1, "ConvTranspose2d")
    assert text["arguments"]["kernel_size"] == [4, 4]


def test_damaged_files(tmp_path):
    """Every truncation, and a flipped bit everywhere: a ValueError, or what was saved."""
    module = ConvTranspose2d(1, 2, (1, 2), seed=22)
    path = tmp_path / "module.npz"
    module.save(path)
    whole = path.read_bytes()
    damaged = [whole[:end] for end in range(0, len(whole), 13)]
    damaged += [
        whole[:i] + bytes([whole[i] ^ 1 << i % 8]) + whole[i + 1 :] for i in range(len(whole))
    ]
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            found = upsampler.load_module(path)
        except ValueError as error:
            assert str(error).startswith("path: got ")  # noqa: PT017
            assert "allowed: files written by Module.save" in str(error)  # noqa: PT017
            refused += 1
        else:
            # Dates, attributes and the like do not matter; every item has a checksum.
            for name, array in module.state_dict().items():
                np.testing.assert_array_equal(found.state_dict()[name], array)
    assert refused > len(damaged) * 0.7


def rewritten(path, change):
    """The file with its description changed."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    text = json.loads(str(arrays["module"]))
    change(text, arrays)
    arrays["module"] = np.array(json.dumps(text))
    np.savez(path, **arrays)


@pytest.mark.parametrize(("change", "reason"), [
    (lambda text, arrays: text.update({"class": "Popen"}), "Popen"),
    (lambda text, arrays: text.update({"class": "__init__"}), "__init__"),
    (lambda text, arrays: text.update({"class": ["a"]}), "TypeError"),
    (lambda text, arrays: text.update({"format": 2}), "format 2"),
    (lambda text, arrays: text.pop("format"), "KeyError"),
    (lambda text, arrays: text.pop("arguments"), "arguments"),
    (lambda text, arrays: text["arguments"].update({"stride": 0}), "stride"),
    (lambda text, arrays: text["arguments"].update({"colour": 0}), "colour"),
    (lambda text, arrays: text.update({"arguments": 5}), "TypeError"),
    (lambda text, arrays: text.update({"class": "Sequential", "modules": [3]}), "TypeError"),
    (lambda text, arrays: arrays.pop("bias"), "without 'bias'"),
    (lambda text, arrays: arrays.update(gain=np.ones(2)), "unexpected 'gain'"),
    (lambda text, arrays: arrays.update(bias=np.ones(4)), "shape (4,) for 'bias'"),
])  # fmt: skip
def test_files_that_say_something_else(tmp_path, change, reason):
    path = tmp_path / "module.npz"
    ConvTranspose2d(2, 3, 2).save(path)
    rewritten(path, change)
    with pytest.raises(ValueError, match=r"^path: got .*, which holds no module") as caught:
        upsampler.load_module(path)
    assert reason in str(caught.value)


def test_files_that_are_none(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(FileNotFoundError):
        upsampler.load_module(path)
    np.save(path.with_suffix(".npy"), np.ones(3))
    pickled = np.array([{"a": 1}], object)
    np.savez(path.with_suffix(".npz"), module=pickled)
    with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
        archive.writestr("module.txt", "{}")
    path.with_suffix(".json").write_text("[1]")
    for suffix in (".npy", ".npz", ".zip", ".json"):
        with pytest.raises(ValueError, match="which holds no module"):
            upsampler.load_module(path.with_suffix(suffix))


def test_a_state_is_loaded_whole_or_not_at_all():
    module = ConvTranspose2d(2, 3, 2, seed=23)
    before = {name: array.copy() for name, array in module.state_dict().items()}
    for state in (
        {"weight": np.ones((2, 3, 2, 2))},
        {"weight": np.ones((2, 3, 2, 2)), "bias": np.ones(2)},
        {"weight": np.ones((2, 3, 2, 2)), "bias": np.ones(3, int)},
    ):
        with pytest.raises((TypeError, ValueError)):
            module.load_state_dict(state)
    for name, array in module.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_state_that_overflows_is_not_half_loaded():
    """The suite makes errors of warnings, as callers may."""
    module = ConvTranspose2d(2, 3, 2, dtype=np.float16, seed=29)
    before = module.weight.copy()
    with pytest.raises(RuntimeWarning, match="overflow"):
        module.load_state_dict({"weight": np.ones((2, 3, 2, 2)), "bias": np.full(3, 1e6)})
    np.testing.assert_array_equal(module.weight, before)


def test_a_module_of_ones_own():
    class Gain(upsampler.Module):
        def __init__(self):
            super().__init__()
            self._parameters["gain"] = np.array([3.0])

        def forward(self, x):
            self._kept = x
            return x * self._parameters["gain"]

        def backward(self, grad):
            self._gradients["gain"] = np.array([(self._recall() * grad).sum()])
            return grad * self._parameters["gain"]

    chain = Sequential(Gain(), PixelShuffle(2))
    x = np.arange(8.0).reshape(1, 4, 1, 2)
    y = chain(x)
    assert y.sum() == 3 * x.sum()
    assert chain.backward(np.ones_like(y)).tolist() == np.full_like(x, 3).tolist()
    assert chain.gradients()[0].tolist() == [x.sum()]
    chain.load_state_dict({"0.gain": [2.0]})
    assert chain(x).sum() == 2 * x.sum()
