"""Training: a module, examples, a loss, and Adam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, isfinite
from typing import Any, NamedTuple

import numpy as np

from . import layout as layouts
from .adam import Adam
from .batches import Batches
from .layout import Layout
from .losses import LOSSES, Loss
from .module_base import Module
from .places import array_module, beside, moved
from .spec import bad_type, bad_value, integer, integers, items, per_axis, real
from .training_state import Training

Pair = int | Sequence[int]


def train(
    module: Module,
    pairs: Sequence[Any],
    steps: int,
    *,
    batch_size: int = 1,
    patch: Pair | None = None,
    margin: int = 0,
    loss: str = "l2",
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    seed: int = 0,
    layout: str | None = None,
    callback: Callable[[int, float], bool | None] | None = None,
    state: Training | None = None,
) -> Training:
    """Teach a module, in place, to make targets from inputs.

    Each step takes a batch of examples and moves the parameters by Adam against the gradient of
    the mean loss.

    Parameters
    ----------
    module : Module
        With parameters of float32 or float64.
    pairs : sequence of pairs of array_like
        (input, target), each a batch, (N, C, H, W) by default, or a single example without the
        batch axis.  Integers or floats, taken in the dtype of the module.  Any object with a
        length and an index, such as one that reads a file when its turn comes.
    steps : int
        How many there shall be, those of `state` included.
    batch_size : int
        Pairs of a step.  Each is taken once, in random order, before any is taken again.
    patch : int or (int, int), optional
        Cut so many rows and columns, at random, out of each input, and what belongs to them out of
        its target, which is a whole number of times as large.  By default whole examples, which
        must be of one size where `batch_size` is above 1.
    margin : int
        So many rows and columns of the targets at each border do not count: there a module may
        lack what lies beyond the patch.
    loss : str
        The mean over all errors e of ``e**2`` (``"l2"``), of ``abs(e)`` (``"l1"``), or of
        ``sqrt(e**2 + 1e-6)`` (``"charbonnier"``).
    lr, betas, eps : float, (float, float), float
        Of Adam: step size, decay of the means, and what is added to the root.
    seed : int
        Decides the order and the patches, with the number of the step and nothing else.
    layout : str, optional
        Of a batch, ``"NCHW"`` by default.
    callback : callable, optional
        Called as ``callback(step, loss)`` after each step, counted from 1, with the loss before
        it; if it returns False (not None), that was the last step.
    state : Training, optional
        What an earlier call has returned, to go on from: the module gets its parameters.

    Returns
    -------
    Training
        The losses, and all that it takes to go on.

    Raises
    ------
    TypeError, ValueError
        If an argument is of a wrong type, a shape or a value not allowed.
    FloatingPointError
        If the loss is no longer finite; the module keeps the parameters that led there.

    Notes
    -----
    Bits: the same arguments give the same ones, with any number of threads, and whether in one
    go or stopped and continued.  D. P. Kingma and J. Ba, "Adam: a method for stochastic
    optimization", arXiv:1412.6980, 2014.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> module = upsampler.ConvTranspose2d(1, 1, 2, stride=2, seed=0)
    >>> pairs = [(np.full((1, 3, 5), v), np.full((1, 6, 10), v)) for v in (0.2, 0.4, 0.6)]
    >>> training = upsampler.train(module, pairs, steps=500, lr=0.01)
    >>> training.steps, bool(training.losses[-1] < 1e-3 * training.losses[0])
    (500, True)
    """
    task = _checked(
        module, pairs, steps, batch_size, patch, margin, loss, lr, betas, eps, seed, layout,
        callback, state,
    )  # fmt: skip
    named = dict(module.named_parameters())
    adam = Adam(list(named.values()), task.lr, task.betas, task.eps)
    losses: list[float] = []
    if state is not None:
        module.load_state_dict(state.parameters)
        for own, saved in ((adam.first, state.first), (adam.second, state.second)):
            for array, name in zip(own, named, strict=True):
                array[...] = beside(saved[name], array)
        losses += state.losses.tolist()
    dtype = adam.parameters[0].dtype
    batches = Batches(pairs, task.batch_size, task.patch, task.seed, task.layout, dtype)
    stopped = False
    while len(losses) < task.steps and not stopped:
        x, target = batches.draw(len(losses))
        losses.append(_descend(module, x, target, task, adam, len(losses) + 1))
        if callback is not None:
            answer = callback(len(losses), losses[-1])
            stopped = isinstance(answer, (bool, np.bool_)) and not answer
    copies = [
        {name: moved(array.copy(), None) for name, array in zip(named, arrays, strict=True)}
        for arrays in (adam.parameters, adam.first, adam.second)
    ]
    return Training(np.array(losses), stopped, *copies)


def _descend(
    module: Module, x: np.ndarray, target: np.ndarray, task: _Task, adam: Adam, number: int
) -> float:
    """One step; returns the loss before it."""
    y = module(x)
    if y.shape != target.shape:
        raise ValueError(
            f"pairs: got targets {target.shape}, in batches, for inputs {x.shape}; allowed: "
            f"{y.shape}, what the module makes of them"
        )
    counted = [slice(None)] * y.ndim
    for axis in task.layout.axes:
        counted[axis] = slice(task.margin, max(task.margin, y.shape[axis] - task.margin))
    inner = tuple(counted)
    with np.errstate(over="ignore", invalid="ignore"):
        values, slopes = task.loss(y[inner] - target[inner])
        if not values.size:
            raise bad_value("margin", task.margin, f"less than half of the targets {target.shape}")
        value = float(values.mean(dtype=np.float64))
        if not isfinite(value):
            raise FloatingPointError(
                f"loss: got {value} in step {number}; allowed: finite ones (a smaller lr than "
                f"{task.lr:g} helps, unless the examples hold NaN or infinity)"
            )
        grad = array_module(y).zeros_like(y)
        grad[inner] = slopes / values.size
        module.backward(grad)
        adam.step(module.gradients(), number)
    return value


class _Task(NamedTuple):
    """The arguments, checked."""

    steps: int
    batch_size: int
    patch: tuple[int, int] | None
    margin: int
    loss: Loss
    lr: float
    betas: tuple[float, float]
    eps: float
    seed: int
    layout: Layout


def _checked(
    module: Any, pairs: Any, steps: Any, batch_size: Any, patch: Any, margin: Any, loss: Any,
    lr: Any, betas: Any, eps: Any, seed: Any, layout: Any, callback: Any, state: Any,
) -> _Task:  # fmt: skip
    # Types.
    if not isinstance(module, Module):
        raise bad_type("module", module, "a module")
    if not hasattr(pairs, "__len__") or not hasattr(pairs, "__getitem__"):
        raise TypeError(
            f"pairs: got {type(pairs).__name__}; allowed: a sequence of pairs (input, target)"
        )
    count = integer("steps", steps)
    size = integer("batch_size", batch_size)
    sides = None if patch is None else integers("patch", patch, "an integer, or one for each axis")
    edge = integer("margin", margin)
    which = f"one of {', '.join(map(repr, LOSSES))}"
    if not isinstance(loss, str):
        raise bad_type("loss", loss, which)
    rate = real("lr", lr, "a number above 0")
    decays = items(betas)
    if decays is None:
        raise bad_type("betas", betas, "two numbers")
    decays = [real("betas", beta, "two numbers") for beta in decays]
    tiny = real("eps", eps, "a number of at least 0")
    start = integer("seed", seed)
    text = layouts.check_type(layout) or "NCHW"
    if callback is not None and not callable(callback):
        raise bad_type("callback", callback, "None or callable")
    if state is not None and not isinstance(state, Training):
        raise bad_type("state", state, "None or what an earlier call has returned")
    # Values.
    where = layouts.parse(text, len(text))
    if where.rank != 2 or "N" not in text:
        raise bad_value("layout", text, "layouts with N and the spatial axes HW")
    if not len(pairs):
        raise ValueError("pairs: got none; allowed: at least one")
    for name, number, least in (
        ("steps", count, 0 if state is None else state.steps),
        ("batch_size", size, 1),
        ("margin", edge, 0),
        ("seed", start, 0),
    ):
        if number < least:
            raise bad_value(name, number, f"at least {least}")
    window = None if sides is None else per_axis("patch", sides, 2)
    if window is not None and min(window) < 1:
        raise bad_value("patch", window, "at least 1")
    if loss not in LOSSES:
        raise bad_value("loss", loss, which)
    if not 0 < rate < inf:
        raise bad_value("lr", rate, "a finite number above 0")
    if len(decays) != 2 or not all(0 <= beta < 1 for beta in decays):
        raise bad_value("betas", tuple(decays), "two numbers of at least 0 and below 1")
    if not 0 <= tiny < inf:
        raise bad_value("eps", tiny, "a finite number of at least 0")
    _check_parameters(module, state)
    return _Task(
        count, size, window, edge, LOSSES[loss], rate, (decays[0], decays[1]), tiny, start, where
    )


def _check_parameters(module: Module, state: Training | None) -> None:
    named = dict(module.named_parameters())
    if not named:
        raise ValueError(
            f"module: got {type(module).__name__} without parameters; allowed: ones that learn"
        )
    kinds = {array.dtype.name for array in named.values()}
    if not kinds <= {"float32", "float64"} or len(kinds) > 1:
        raise ValueError(
            f"module: got parameters of {', '.join(sorted(kinds))}; allowed: float32 or float64 "
            "(halves lose small steps)"
        )
    if state is None:
        return
    shapes = {name: array.shape for name, array in named.items()}
    if {name: array.shape for name, array in state.parameters.items()} != shapes:
        raise ValueError(
            f"state: got parameters {', '.join(state.parameters)}; allowed: {shapes}, as the module"
        )
