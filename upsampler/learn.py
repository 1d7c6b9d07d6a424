"""Kernels that are learned from examples, in closed form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf
from typing import Any, NamedTuple

import numpy as np

from . import layout as layouts
from .arrays import as_array
from .conv_layers import ConvTranspose2d, Pair
from .conv_spec import conv_layout
from .init import float_dtype
from .layout import by_letters
from .least_squares import NormalEquations
from .places import array_module, backend_for, on_gpu
from .spec import (
    FLOATS,
    NUMBERS,
    bad_type,
    bad_value,
    dtype_name,
    flag,
    integers,
    per_axis,
    real,
)

# Times the stride: the default size of the kernel.  On photographs (README) x2 gains 0.25 dB over
# bicubic with 3 times, 0.47 with 5 times and 0.01 more with 7 times the stride; with 2 times it
# loses.  So it is for x3 and x4.
REACH = 5
CHANNELS = ("shared", "full")


def fit_conv_transpose(
    low: Any,
    high: Any = None,
    kernel_size: Pair | None = None,
    stride: Pair = 2,
    padding: Pair | None = None,
    *,
    channels: str = "shared",
    bias: bool = False,
    ridge: float = 0.0,
    dtype: Any = None,
    layout: str | None = None,
) -> ConvTranspose2d:
    """The transposed convolution that makes `high` from `low` with the least squared error.

    In closed form: the kernel solves the normal equations of each output phase, which are
    summed over all pairs in float64.  At the border they count what `conv_transpose2d` computes
    there, sums of fewer taps.

    Parameters
    ----------
    low : array_like, or iterable of pairs of array_like
        Inputs, layout NCHW by default, integers or floats.  Without `high` an iterable of pairs
        (low, high), taken one after the other; their sizes may differ.
    high : array_like, optional
        The outputs wanted: with `padding` p the spatial sizes are ``(n - 1) * stride - 2 * p +
        kernel_size + output_padding``, for an output padding below the stride.
    kernel_size : int or pair of int, optional
        By default five times the stride.
    stride : int or pair of int
        The factor.
    padding : int or pair of int, optional
        By default the smallest that the sizes allow.
    channels : str
        ``"shared"``: one kernel for all channels, each made from its own; ``"full"``: every
        output channel from all input channels.
    bias : bool
        Whether to fit one, too.
    ridge : float
        Pulls the kernel towards bilinear interpolation, for data that are few or noisy: its
        squared distance from it, times this part of the power of the inputs, is added to the
        squared error.
    dtype : dtype, optional
        Of the module: float16, bfloat16, float32 or float64.  By default that of the (first)
        inputs where it is one of these, else float32.
    layout : str, optional
        Of the arrays and of the module: a letter for each axis, with C, and N or not.

    Returns
    -------
    ConvTranspose2d
        With `padding` and output padding so that it turns (the first) `low` into the size of its
        `high`.  Shared kernels are repeated in as many groups as channels.

    Raises
    ------
    TypeError, ValueError
        If an argument is of a wrong type, a shape or a value not allowed, or data are not finite.

    Notes
    -----
    Where the data leave the kernel open (constant pictures, ramps) it is, of all that fit equally
    well, the closest to bilinear interpolation of each channel; to 0 in the full case with other
    numbers of outputs than inputs.  Such directions are told by their power, below 1e-12 of the
    largest.  `high` is held to be centred on `low`, as by area averages.

    A transposed convolution darkens the border, where taps miss; one that has learned from
    pictures should not have to make up for that.  Pad `low` by ``mode="edge"``
    before: the padding is deduced, and the border goes on as in bilinear interpolation.

    Of CuPy arrays the sums are made on their GPU and solved on the host, where the module is as
    well; `Module.to` moves it.

    The sums of taps of T inputs and S outputs take T * (T + stride^2) * S operations and T^2
    memory; bits depend on the BLAS of NumPy.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> rng = np.random.default_rng(0)
    >>> planted = upsampler.ConvTranspose2d(1, 1, 4, 2, 1, bias=False, dtype=float, seed=0)
    >>> low = rng.standard_normal((1, 1, 9, 11))
    >>> found = upsampler.fit_conv_transpose(low, planted(low), kernel_size=4)
    >>> found
    ConvTranspose2d(1, 1, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1), bias=False)
    >>> bool(abs(found.weight - planted.weight).max() < 1e-12)
    True
    """
    task = _task(kernel_size, stride, padding, channels, bias, ridge, dtype, layout)
    first: _Form | None = None
    sums: NormalEquations | None = None
    for pair in _pairs(low, high, layout):
        form = _form(pair, task)
        if first is None or sums is None:
            first = form
            sums = _equations(pair.low, form.summed, task.kernel, task.stride, form.padding)
        _check_alike(pair, form, first)
        _add(sums, pair, form)
    if first is None or sums is None:
        raise ValueError("low: got no pairs; allowed: at least one")
    weight, offset = sums.solve(_bilinear(first, task), task.ridge, task.bias)
    module = ConvTranspose2d(
        *first.channels, task.kernel, task.stride, first.padding, first.output_padding,
        first.groups, task.bias, dtype=task.dtype or first.dtype, layout=layout,
    )  # fmt: skip
    found = {"weight": weight} | ({"bias": offset} if task.bias else {})
    state = module.state_dict()
    # One kernel serves all channels.
    module.load_state_dict({n: np.broadcast_to(a, state[n].shape) for n, a in found.items()})
    return module


def _equations(low: Any, *arguments: Any) -> NormalEquations:
    """Those of the place where `low` is."""
    if not on_gpu(low):
        return NormalEquations(*arguments)
    from .device_equations import DeviceEquations

    return DeviceEquations(array_module(low), *arguments)


class _Task(NamedTuple):
    """The arguments but for the data, checked; None where the data decide."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] | None
    channels: str
    bias: bool
    ridge: float
    dtype: np.dtype | None
    layout: str | None


def _task(
    kernel_size: Any, stride: Any, padding: Any, channels: Any, bias: Any, ridge: Any, dtype: Any,
    layout: Any,
) -> _Task:  # fmt: skip
    # Types.
    allowed = "an integer, or one for each spatial axis"
    given = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    typed = {n: None if v is None else integers(n, v, allowed) for n, v in given.items()}
    if stride is None:
        raise bad_type("stride", stride, allowed)
    which = f"one of {', '.join(map(repr, CHANNELS))}"
    if not isinstance(channels, str):
        raise bad_type("channels", channels, which)
    biased = flag("bias", bias)
    pull = real("ridge", ridge, "a finite number of at least 0")
    kind = None if dtype is None else float_dtype(dtype)
    layouts.check_type(layout)
    # Values.
    sizes = {n: None if v is None else per_axis(n, v, 2) for n, v in typed.items()}
    for name, least in (("stride", 1), ("kernel_size", 1), ("padding", 0)):
        if (found := sizes[name]) is not None and min(found) < least:
            raise bad_value(name, found, f"at least {least}")
    if channels not in CHANNELS:
        raise bad_value("channels", channels, which)
    if not 0 <= pull < inf:
        raise bad_value("ridge", pull, "a finite number of at least 0")
    steps = sizes["stride"] or (1, 1)
    kernel = sizes["kernel_size"] or tuple(REACH * s for s in steps)
    return _Task(kernel, steps, sizes["padding"], channels, biased, pull, kind, layout)


class _Pair(NamedTuple):
    """Views (N, C, H, W) of one pair; `name` tells errors which of several it is."""

    low: np.ndarray
    high: np.ndarray
    name: str


def _pairs(low: Any, high: Any, layout: str | None) -> Iterator[_Pair]:
    if high is not None:
        yield _checked(low, high, layout, "")
        return
    if isinstance(low, np.ndarray) or on_gpu(low) or not isinstance(low, Iterable):
        raise TypeError(
            f"high: not given, with low a {type(low).__name__}; allowed: two arrays, or low an "
            "iterable of pairs (low, high)"
        )
    for number, pair in enumerate(low, 1):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(
                f"low: got {type(pair).__name__} as pair {number}; allowed: pairs (low, high)"
            )
        yield _checked(pair[0], pair[1], layout, f" of pair {number}")


def _checked(low: Any, high: Any, layout: str | None, name: str) -> _Pair:
    arrays = {f"{which}{name}": array for which, array in (("low", low), ("high", high))}
    arrays = {which: as_array(which, array) for which, array in arrays.items()}
    backend_for(**arrays)
    for which, array in arrays.items():
        if dtype_name(array.dtype) not in NUMBERS:
            raise TypeError(f"{which}: got dtype {array.dtype}; allowed: {', '.join(NUMBERS)}")
    views = []
    for which, array in arrays.items():
        views.append(by_letters(array, conv_layout(layout, array.ndim, 2), "NCHW"))
        if 0 in array.shape:
            raise ValueError(f"{which}: got shape {array.shape}; allowed: no empty axis")
    if len(views[0]) != len(views[1]):
        raise ValueError(
            f"high{name}: got a batch of {len(views[1])}; allowed: {len(views[0])}, as low"
        )
    for which, array in arrays.items():
        if not array_module(array).isfinite(array).all():
            raise ValueError(f"{which}: got NaN or infinity; allowed: finite values")
    return _Pair(views[0], views[1], name)


class _Form(NamedTuple):
    """What a pair decides of the transposed convolution."""

    channels: tuple[int, int]
    groups: int
    padding: tuple[int, int]
    output_padding: tuple[int, int]
    dtype: np.dtype

    @property
    def summed(self) -> tuple[int, int]:
        """Input and output channels of the equations, which are those of one group."""
        return self.channels[0] // self.groups, self.channels[1] // self.groups


def _form(pair: _Pair, task: _Task) -> _Form:
    channels = pair.low.shape[1], pair.high.shape[1]
    shared = task.channels == "shared"
    if shared and channels[0] != channels[1]:
        raise ValueError(
            f"high{pair.name}: got {channels[1]} channels; allowed: {channels[0]}, as low, with "
            "channels='shared'"
        )
    (top, below), (left, right) = _paddings(pair, task, 0), _paddings(pair, task, 1)
    kind = pair.low.dtype.newbyteorder("=")
    dtype = kind if dtype_name(kind) in FLOATS else np.dtype(np.float32)
    return _Form(channels, channels[0] if shared else 1, (top, left), (below, right), dtype)


def _paddings(pair: _Pair, task: _Task, axis: int) -> tuple[int, int]:
    """Padding and output padding by which the sizes along an axis belong together."""
    n, m = pair.low.shape[2 + axis], pair.high.shape[2 + axis]
    k, s = task.kernel[axis], task.stride[axis]
    whole = (n - 1) * s + k
    # More padding than k - 1 would leave out inputs: no pair is meant so unless it says so.
    padding = min(max(0, (whole - m + 1) // 2), k - 1)
    least, given = whole - 2 * (k - 1), ""
    if task.padding is not None:
        padding = task.padding[axis]
        least, given = whole - 2 * padding, f", padding {padding}"
        whole = least
    extra = m - (n - 1) * s - k + 2 * padding
    if not 0 <= extra < s:
        raise ValueError(
            f"high{pair.name}: got {m} {('rows', 'columns')[axis]} for {n} of low with kernel {k}, "
            f"stride {s}{given}; allowed: {max(1, least)} to {whole + s - 1}"
            + (", in steps of 2" if s == 1 and least < whole else "")
        )
    return padding, extra


def _check_alike(pair: _Pair, form: _Form, first: _Form) -> None:
    for name in ("channels", "padding"):  # output paddings may differ, as the sizes do
        found, wanted = getattr(form, name), getattr(first, name)
        if found != wanted:
            raise ValueError(
                f"low, high{pair.name}: got {name} {found}; allowed: {wanted}, as in the first pair"
            )


def _add(sums: NormalEquations, pair: _Pair, form: _Form) -> None:
    ins, outs = form.summed
    for low, high in zip(pair.low, pair.high, strict=True):
        for group in range(form.groups):
            sums.add(low[group * ins : (group + 1) * ins], high[group * outs : (group + 1) * outs])


def _bilinear(form: _Form, task: _Task) -> np.ndarray:
    """The weight nearest to bilinear interpolation of each channel; 0 if their numbers differ."""
    channels_in, channels_out = form.summed
    lines = []
    for size, stride, extra in zip(task.kernel, task.stride, form.output_padding, strict=True):
        # The middle of the outputs is where the middle of the inputs is: here, in taps.
        middle = (size - 1 + extra) / 2
        line = np.maximum(0, 1 - np.abs(np.arange(size) - middle) / stride)
        for phase in range(min(size, stride)):
            line[phase::stride] /= line[phase::stride].sum() or 1
        lines.append(line)
    kernel = np.multiply.outer(*lines)
    paired = np.eye(channels_in, channels_out) * (channels_in == channels_out)
    return paired[..., None, None] * kernel
