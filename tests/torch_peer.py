"""PyTorch's interpolate, forward and backward, on NumPy arrays in (N, C, spatial...) order."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

NAMES = {1: "linear", 2: "bilinear", 3: "trilinear"}


def interpolate(
    x: np.ndarray,
    grad: np.ndarray | None,
    mode: str,
    size: tuple[int, ...] | None = None,
    scale_factor: tuple[float, ...] | None = None,
    align_corners: bool = False,
    antialias: bool = False,
    recompute_scale_factor: bool | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """The result and, where `grad` is given, the gradient with respect to `x`."""
    tensor = torch.from_numpy(np.ascontiguousarray(x)).requires_grad_(grad is not None)
    keywords: dict[str, Any] = {"recompute_scale_factor": recompute_scale_factor}
    if mode == "linear":
        mode = NAMES[x.ndim - 2]
    if mode in ("linear", "bilinear", "trilinear", "bicubic"):
        keywords["align_corners"] = align_corners
    if antialias:
        keywords["antialias"] = True
    if mode == "lanczos3":
        mode, keywords["antialias"] = "lanczos", True
    result = F.interpolate(tensor, size=size, scale_factor=scale_factor, mode=mode, **keywords)
    if grad is None:
        return result.numpy(), None
    result.backward(torch.from_numpy(np.ascontiguousarray(grad)))
    return result.detach().numpy(), tensor.grad.numpy()
