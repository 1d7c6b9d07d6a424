"""What a backend is: one page."""

from __future__ import annotations

from typing import Any, Protocol

from ..conv_spec import ConvSpec
from ..layout import Layout
from ..plan import Plan
from ..pool_spec import PoolSpec
from ..resize_conv_spec import ResizeConvSpec


class Backend(Protocol):
    """Applies plans to arrays.  Arguments are checked, native, aligned and distinct in memory.

    ``out`` arrays are filled completely; inputs are never written to.  ``threads`` is the
    number of threads that may be used, at least 1.
    """

    name: str

    def resample(self, plan: Plan, x: Any, out: Any, threads: int, fresh: bool) -> None:
        """Forward interpolation, or its adjoint where the plan is one.

        `fresh` says that `out` is new memory, whose pages the system has yet to provide.
        """

    def shuffle(self, layout: Layout, factor: int, x: Any, out: Any, up: bool) -> None:
        """Pixel shuffle, or its inverse; items of any dtype, which may be misaligned."""

    def conv_transpose(
        self, spec: ConvSpec, x: Any, weight: Any, bias: Any, out: Any, threads: int
    ) -> None:
        """Transposed convolution; `bias` may be None."""

    def conv_transpose_backward(
        self,
        spec: ConvSpec,
        grad: Any,
        x: Any,
        weight: Any,
        grad_x: Any,
        grad_weight: Any,
        grad_bias: Any,
        threads: int,
    ) -> None:
        """All three gradients, into the last arrays."""

    def resize_conv(
        self, spec: ResizeConvSpec, x: Any, weight: Any, bias: Any, out: Any, threads: int
    ) -> None:
        """Upsampling followed by a convolution; `bias` may be None."""

    def resize_conv_backward(
        self,
        spec: ResizeConvSpec,
        grad: Any,
        x: Any,
        weight: Any,
        grad_x: Any,
        grad_weight: Any,
        grad_bias: Any,
        threads: int,
    ) -> None:
        """All three gradients, into the last arrays."""

    def avg_pool(self, spec: PoolSpec, x: Any, out: Any, threads: int) -> None: ...

    def avg_pool_backward(self, spec: PoolSpec, grad: Any, out: Any, threads: int) -> None: ...

    def max_pool(self, spec: PoolSpec, x: Any, out: Any, indices: Any, threads: int) -> None:
        """Maxima, and where `indices` is not None the flat place (h * W + w) of each."""

    def scatter(self, spec: PoolSpec, x: Any, indices: Any, out: Any, add: bool) -> None:
        """``out[..., indices] = x`` (unpooling) or ``+= x`` (gradient of pooling) per plane."""

    def gather(self, spec: PoolSpec, x: Any, indices: Any, out: Any) -> None:
        """``out = x[..., indices]`` per plane: the gradient of unpooling."""
