"""Training: PyTorch's Adam judges the steps, and bits do not depend on how they were taken."""

import numpy as np
import pytest
import torch
from torch import nn

import upsampler
from upsampler import ConvTranspose2d, ResizeConv2d, Sequential, Training, train
from upsampler.batches import Batches
from upsampler.layout import Layout

PEERS = {
    "l2": nn.functional.mse_loss,
    "l1": nn.functional.l1_loss,
    "charbonnier": lambda y, t: torch.sqrt((y - t) ** 2 + 1e-6).mean(),
}


def layers(seed=0, dtype=np.float64):
    return Sequential(
        ConvTranspose2d(3, 4, 4, 2, 1, dtype=dtype, seed=seed),
        ResizeConv2d(4, 2, 3, dtype=dtype, seed=seed + 1),
    )


def examples(count=5, sizes=(7, 9), dtype=np.float64):
    rng = np.random.default_rng(1)
    return [
        (
            rng.standard_normal((3, *sizes)).astype(dtype),
            rng.standard_normal((2, *(4 * n for n in sizes))).astype(dtype),
        )
        for _ in range(count)
    ]


def bits(module):
    return {name: array.tobytes() for name, array in module.named_parameters()}


# charbonnier is so steep near 0 that rounding grows: a change of the last bit of one weight makes
# 4e-15 of difference after 15 steps, 6e-14 after 25 and 4e-5 after 50.  The others keep 3e-15.
@pytest.mark.parametrize(
    ("loss", "steps"), [*((loss, 1) for loss in PEERS), ("l2", 50), ("l1", 50), ("charbonnier", 15)]
)
def test_steps_are_those_of_torch(loss, steps):
    (pair,) = examples(1)
    x, target = (torch.from_numpy(a)[None] for a in pair)
    module = layers()
    w1, b1, w2, b2 = (torch.from_numpy(p.copy()).requires_grad_() for p in module.parameters())
    options = {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-6}
    adam = torch.optim.Adam([w1, b1, w2, b2], **options)
    losses = []
    for _ in range(steps):
        y = nn.functional.conv_transpose2d(x, w1, b1, stride=2, padding=1)
        y = nn.functional.conv2d(nn.functional.interpolate(y, scale_factor=2), w2, b2, padding=1)
        value = PEERS[loss](y, target)
        adam.zero_grad()
        value.backward()
        adam.step()
        losses.append(value.item())
    found = train(module, [pair], steps, loss=loss, **options)
    np.testing.assert_allclose(found.losses, losses, rtol=1e-10)
    for ours, theirs in zip(module.parameters(), (w1, b1, w2, b2), strict=True):
        np.testing.assert_allclose(ours, theirs.detach(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_stopped_and_continued_is_the_same_as_in_one_go(tmp_path, dtype):
    pairs = examples(5, (9, 11))
    options = {"batch_size": 3, "patch": (4, 5), "margin": 1, "loss": "charbonnier", "seed": 7}
    whole = layers(dtype=dtype)
    expected = train(whole, pairs, 23, **options)
    module = layers(dtype=dtype)
    state = train(module, pairs, 23, callback=lambda step, loss: step < 8, **options)
    assert (state.stopped, state.steps) == (True, 8)
    state.save(tmp_path / "training.npz")
    other = layers(seed=50, dtype=dtype)  # its parameters come with the state
    state = train(other, pairs, 15, state=Training.load(tmp_path / "training.npz"), **options)
    assert (state.stopped, state.steps) == (False, 15)
    found = train(other, pairs, 23, state=state, **options)
    assert bits(other) == bits(whole)
    assert bits(module) != bits(whole)
    np.testing.assert_array_equal(found.losses, expected.losses)
    for group in ("parameters", "first", "second"):
        for name, array in getattr(expected, group).items():
            np.testing.assert_array_equal(getattr(found, group)[name], array)
            assert getattr(found, group)[name].dtype == dtype


def test_a_state_is_a_copy():
    pairs, module = examples(2), layers()
    state = train(module, pairs, 3)
    kept = {name: array.copy() for name, array in state.parameters.items()}
    train(module, pairs, 6, state=state)
    for name, array in kept.items():
        np.testing.assert_array_equal(state.parameters[name], array)
        assert np.abs(module.state_dict()[name] - array).max() > 1e-4


def test_threads_change_no_bit(default_threads):
    pairs = examples(3, (40, 50), np.float32)
    found = []
    for threads in (1, 2, 5):
        upsampler.set_num_threads(threads)
        module = layers(dtype=np.float32)
        train(module, pairs, 4, batch_size=2)
        found.append(bits(module))
    assert found[0] == found[1] == found[2]


def test_the_seed_decides():
    pairs, found = examples(5), []
    for seed in (0, 0, 1):
        module = layers()
        train(module, pairs, 3, patch=3, seed=seed)
        found.append(bits(module))
    assert found[0] == found[1] != found[2]


def batches(pairs, size, patch, layout="NCHW", seed=0):
    return Batches(pairs, size, patch, seed, Layout(layout), np.dtype(np.float32))


def test_every_example_comes_once_before_any_comes_again():
    pairs = [(np.full((1, 2, 3), i), np.full((1, 4, 6), i)) for i in range(7)]
    drawn = batches(pairs, 3, None)
    order = []
    for step in range(14):
        x, target = drawn.draw(step)
        assert (x.shape, target.shape, x.dtype) == ((3, 1, 2, 3), (3, 1, 4, 6), np.float32)
        np.testing.assert_array_equal(x[:, 0, 0, 0], target[:, 0, 3, 5])
        order += x[:, 0, 0, 0].tolist()
    rounds = [order[i : i + 7] for i in range(0, 42, 7)]
    assert all(sorted(r) == list(range(7)) for r in rounds)
    assert len({tuple(r) for r in rounds}) > 4
    np.testing.assert_array_equal(batches(pairs, 3, None).draw(9)[0], drawn.draw(9)[0])


@pytest.mark.parametrize("layout", ["NCHW", "NHWC", "HWCN"])
def test_patches_belong_together(layout):
    """Every pixel knows its place; all places are reached."""
    high = np.arange(2 * 10 * 18).reshape(2, 10, 18)
    low = high[:, ::2, ::3]
    letters = layout.replace("N", "")
    pair = tuple(a.transpose(["CHW".index(c) for c in letters]) for a in (low, high))
    drawn = batches([pair], 4, (3, 4), layout)
    corners = set()
    for step in range(40):
        x, target = (a.transpose([layout.index(c) for c in "NCHW"]) for a in drawn.draw(step))
        assert (x.shape, target.shape) == ((4, 2, 3, 4), (4, 2, 6, 12))
        np.testing.assert_array_equal(target[:, :, ::2, ::3], x)
        corners |= set(x[:, 0, 0, 0].tolist())
    assert corners == set(low[0, :3, :3].ravel().tolist())


def test_the_margin_does_not_count():
    (low, high), found = examples(1)[0], []
    for noise in (0.0, 100.0):
        target = high + noise
        target[:, 3:-3, 3:-3] = high[:, 3:-3, 3:-3]
        module = layers()
        losses = train(module, [(low, target)], 3, margin=3).losses
        found.append((bits(module), losses.tolist()))
    assert found[0] == found[1]
    assert train(layers(), [(low, target)], 1, margin=2).losses[0] > 10 * losses[0]


def test_it_finds_what_the_closed_form_finds():
    rng = np.random.default_rng(3)
    low = rng.standard_normal((1, 1, 24, 30))
    planted = ConvTranspose2d(1, 1, 4, 2, 1, dtype=np.float64, seed=4)
    high = planted(low) + 0.1 * rng.standard_normal((1, 1, 48, 60))
    best = upsampler.fit_conv_transpose(low, high, 4, bias=True)
    module = ConvTranspose2d(1, 1, 4, 2, 1, dtype=np.float64, seed=5)
    state = train(module, [(low[0], high[0])], 600, lr=0.02)
    np.testing.assert_allclose(module.weight, best.weight, rtol=0, atol=1e-4)
    np.testing.assert_allclose(module.bias, best.bias, rtol=0, atol=1e-4)
    assert state.losses[-1] == pytest.approx(float(np.mean((best(low) - high) ** 2)), rel=1e-5)


def test_pairs_may_be_batches():
    """A pair with a batch axis counts as that many examples side by side, patches included."""
    rng = np.random.default_rng(7)
    low = rng.random((3, 1, 6, 5))
    high = np.kron(low, np.ones((2, 2)))
    single = [(a[None], b[None]) for a, b in zip(low, high, strict=True)]
    for patch in (None, (4, 3)):
        x, target = batches([(low, high)], 1, patch).draw(0)
        assert x.shape == (3, 1, *(patch or (6, 5)))
        np.testing.assert_array_equal(target, np.kron(x, np.ones((2, 2))))
        x, target = batches(single, 2, patch).draw(0)
        assert x.shape == (2, 1, *(patch or (6, 5)))
        np.testing.assert_array_equal(target, np.kron(x, np.ones((2, 2))))
    whole = ConvTranspose2d(1, 1, 2, 2, dtype=np.float64, seed=0)
    train(whole, [(low, high)], 30, lr=0.01)
    parts = ConvTranspose2d(1, 1, 2, 2, dtype=np.float64, seed=0)
    train(parts, list(zip(low, high, strict=True)), 30, batch_size=3, lr=0.01)
    np.testing.assert_allclose(whole.weight, parts.weight, rtol=1e-9)


def test_examples_of_any_kind():
    """Whatever has a length and an index, of integers, read when its turn comes."""

    class Pictures:
        asked = ()

        def __len__(self):
            return 3

        def __getitem__(self, index):
            self.asked = (*self.asked, index)
            x = np.random.default_rng(index).integers(0, 256, (5, 6, 1)).astype(np.uint8)
            return [x, np.kron(x, np.ones((2, 2, 1), np.uint8))]

    pictures = Pictures()
    module = ConvTranspose2d(1, 1, 2, 2, bias=False, seed=0, layout="NHWC")
    state = train(module, pictures, 600, lr=0.01, layout="NHWC")
    assert set(pictures.asked) == {0, 1, 2}
    assert state.losses[-1] < 1
    np.testing.assert_allclose(module.weight, 1, atol=0.02)


@pytest.mark.parametrize("answer", [None, True, 0, np.True_])
def test_the_callback_sees_every_step(answer):
    seen = []
    state = train(layers(), examples(2), 4, callback=lambda *args: seen.append(args) or answer)
    assert seen == list(enumerate(state.losses.tolist(), 1))
    assert not state.stopped


@pytest.mark.parametrize("answer", [False, np.False_])
def test_the_callback_stops(answer):
    state = train(layers(), examples(2), 4, callback=lambda *_: answer)
    assert (state.steps, state.stopped) == (1, True)
    assert train(layers(), examples(2), 4, state=state).stopped is False


def test_no_step_left_to_take():
    state = train(layers(), examples(2), 2)
    module = layers(seed=9)
    again = train(module, examples(2), 2, state=state)
    assert (again.steps, again.stopped) == (2, False)
    assert bits(module) == {name: a.tobytes() for name, a in state.parameters.items()}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_ends_it(bad):
    pairs = examples(3)
    pairs[1][1][0, 5, 6] = bad
    with pytest.raises(FloatingPointError, match=r"^loss: got (nan|inf) in step [123]; allowed"):
        train(layers(), pairs, 3)
    module = layers(dtype=np.float32)
    with pytest.raises(FloatingPointError, match=r"a smaller lr than 1e\+30"):
        train(module, examples(1), 5, lr=1e30)


def test_damaged_files(tmp_path):
    path = tmp_path / "training.npz"
    train(layers(), examples(1), 1).save(path)
    whole = path.read_bytes()
    cuts = [b"", b"text", whole[:100], whole[: len(whole) // 2], whole[:-30]]
    for content in cuts:
        path.write_bytes(content)
        with pytest.raises(ValueError, match="holds no training"):
            Training.load(path)
    layers().save(path)  # a module, no training
    with pytest.raises(ValueError, match="holds no training"):
        Training.load(path)
    with pytest.raises(FileNotFoundError):
        Training.load(tmp_path / "nowhere.npz")
