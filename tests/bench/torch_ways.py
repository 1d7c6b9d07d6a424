"""PyTorch on arrays of this package's layouts.  Imported only where PyTorch is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch

from .case import Entry

LAYOUTS = {"NCHW": torch.contiguous_format, "NHWC": torch.channels_last}


def tensor(array: np.ndarray, layout: str) -> torch.Tensor:
    """(N, C, H, W) as a view; that of NHWC lies in PyTorch's channels_last format."""
    view = torch.from_numpy(array)
    return view.permute(0, 3, 1, 2) if layout == "NHWC" else view


def kernel(array: np.ndarray, layout: str) -> torch.Tensor:
    """A weight in the memory format that goes with the layout."""
    return torch.from_numpy(array).contiguous(memory_format=LAYOUTS[layout])


def back(result: torch.Tensor, layout: str) -> np.ndarray:
    """Undoes `tensor`."""
    result = result.detach()
    return (result.permute(0, 2, 3, 1) if layout == "NHWC" else result).numpy()


def forward(run: Callable[[], torch.Tensor], layout: str) -> list[Entry]:
    return [Entry("torch", run, partial(back, layout=layout))]


def gradients(
    run: Callable[..., torch.Tensor], inputs: Sequence[torch.Tensor], grad: torch.Tensor
) -> Callable[[], tuple[torch.Tensor, ...]]:
    """The backward pass of `run(*inputs)` alone: the forward pass is done here, its graph kept."""
    leaves = [t.requires_grad_() for t in inputs]
    return partial(torch.autograd.grad, run(*leaves), leaves, grad, retain_graph=True)


def backward(
    run: Callable[..., torch.Tensor], inputs: Sequence[torch.Tensor], grad: np.ndarray, layout: str
) -> list[Entry]:
    """The gradients of `run(*inputs)`, of which the first has the layout."""

    def view(grads: tuple[torch.Tensor, ...]) -> tuple[np.ndarray, ...]:
        return (back(grads[0], layout), *(back(g, "NCHW") for g in grads[1:]))

    return [Entry("torch", gradients(run, inputs, tensor(grad, layout)), view)]
