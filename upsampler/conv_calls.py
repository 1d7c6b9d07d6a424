"""What every convolution does around its loops: arrays in, a checked description, a result out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .arrays import Result, as_array, check_types, check_workspace, empty, native
from .conv_spec import check_dtypes
from .places import backend_for
from .spec import thread_count
from .threads import get_num_threads

Gradients = tuple[np.ndarray, np.ndarray, np.ndarray]


def forward(
    operation: str,
    describe: Callable[..., Any],
    x: Any,
    weight: Any,
    bias: Any,
    out: np.ndarray | None,
    num_threads: int | None,
    *arguments: Any,
) -> np.ndarray:
    """`operation` of a backend; ``describe(x, weight, bias, *arguments)`` checks the rest."""
    x, weight = as_array("x", x), as_array("weight", weight)
    bias = None if bias is None else as_array("bias", bias)
    backend = backend_for(x=x, weight=weight, bias=bias, out=out)
    check_types(out, x.dtype, num_threads)
    spec = describe(x, weight, bias, *arguments)
    threads = thread_count(num_threads) or get_num_threads()
    check_workspace(spec.workspace)
    inputs = [x, weight] + ([] if bias is None else [bias])
    result = Result(out, spec.out_shape, x.dtype, x, *inputs)
    if result.array.size:
        getattr(backend, operation)(
            spec,
            native(x),
            native(weight),
            None if bias is None else native(bias),
            result.array,
            threads,
        )
    return result.finish(x.dtype)


def backward(
    operation: str,
    describe: Callable[..., Any],
    grad: Any,
    x: Any,
    weight: Any,
    num_threads: int | None,
    *arguments: Any,
) -> Gradients:
    """The gradients of input, weight and bias, by ``operation + "_backward"`` of a backend."""
    grad, x, weight = as_array("grad", grad), as_array("x", x), as_array("weight", weight)
    backend = backend_for(grad=grad, x=x, weight=weight)
    check_types(None, x.dtype, num_threads)
    check_dtypes(x, weight=weight, grad=grad)
    spec = describe(x, weight, None, *arguments)
    threads = thread_count(num_threads) or get_num_threads()
    if grad.shape != spec.out_shape:
        raise ValueError(
            f"grad: got shape {grad.shape}; allowed: {spec.out_shape}, the shape of the output"
        )
    check_workspace(spec.workspace)
    result = Result(None, spec.in_shape, x.dtype, x)
    # The backends want these contiguous, whatever the order of the weight in memory.
    grad_weight = empty(spec.weight_shape, result.array.dtype, x)
    grad_bias = empty((spec.channels_out,), result.array.dtype, x)
    getattr(backend, operation + "_backward")(
        spec, native(grad), native(x), native(weight), result.array, grad_weight, grad_bias, threads
    )
    if x.dtype.isnative:
        return result.array, grad_weight, grad_bias
    return result.finish(x.dtype), grad_weight.astype(x.dtype), grad_bias.astype(x.dtype)
