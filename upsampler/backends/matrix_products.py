"""Products of matrices by the loops of convolutions: kernels of one tap, positions in a row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..conv_spec import ConvSpec
from ..layout import Layout
from ..resize_conv_spec import ResizeConvSpec
from .resize_conv_parts import numbers_of


def matrix_product(
    spec: ResizeConvSpec, inner: int, outer: int, groups: int, columns: int
) -> ConvSpec:
    """(N, inner, columns) times (outer, inner / groups) to (N, outer, columns)."""
    return ConvSpec(
        layout=Layout("NCW"),
        dtype=numbers_of(spec).name,
        batch=spec.batch,
        channels_in=inner,
        channels_out=outer,
        groups=groups,
        small=(columns,),
        large=(columns,),
        kernel=(1,),
        stride=(1,),
        padding=(0,),
        dilation=(1,),
        window=((0, columns),),
    )


def matrix_product_backward(
    backend: Any,
    conv: ConvSpec,
    grad: np.ndarray,
    columns: np.ndarray,
    weight: np.ndarray,
    threads: int,
) -> np.ndarray:
    """The gradient of `weight`, in its shape; that of `columns` takes their place."""
    # With the two sides exchanged its axes come in the order of those of the weight.
    back = replace(conv, channels_in=conv.channels_out, channels_out=conv.channels_in)
    made = np.empty(weight.shape, columns.dtype)
    backend.weight_gradient(back, columns, grad, made, threads)
    tables = backend.conv_tables(conv, grad, columns, False)
    backend.convolve(tables, conv, grad, weight, None, columns, threads)
    return made
