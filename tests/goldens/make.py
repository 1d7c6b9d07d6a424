"""Writes peers.npz: what PyTorch and Pillow computed, for machines where they are not installed.

    python -m tests.goldens.make

The file holds inputs, results, gradients and the versions that made them.  It is made anew only
when cases are added: a difference against the stored file is news about the peer.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch
from PIL import Image

from tests import torch_peer

FILE = Path(__file__).parent / "peers.npz"
SIZES = [((7, 11), (13, 17)), ((13, 10), (5, 23)), ((12, 9), (4, 3)), ((3, 5), (6, 10))]
TORCH: list[tuple[str, dict[str, Any]]] = [
    ("nearest", {}),
    ("linear", {}),
    ("linear", {"align_corners": True}),
    ("bicubic", {}),
    ("bicubic", {"align_corners": True}),
    ("area", {}),
    ("linear", {"antialias": True}),
    ("bicubic", {"antialias": True}),
    ("lanczos3", {}),
]
PILLOW = {"linear": "BILINEAR", "bicubic": "BICUBIC", "lanczos3": "LANCZOS"}


def key(peer: str, mode: str, keywords: dict[str, Any], k: int) -> str:
    return "/".join([peer, mode, *keywords, str(k)])


def make() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2024)
    arrays: dict[str, np.ndarray] = {}
    for k, (spatial, size) in enumerate(SIZES):
        x = rng.normal(size=(1, 2, *spatial))
        grad = rng.normal(size=(1, 2, *size))
        arrays[f"x/{k}"], arrays[f"grad/{k}"] = x, grad
        for mode, keywords in TORCH:
            y, back = torch_peer.interpolate(x, grad, mode, size, **keywords)
            assert back is not None
            arrays[key("torch", mode, keywords, k)] = y
            arrays[key("torch-backward", mode, keywords, k)] = back
        plane = x[0, 0].astype(np.float32)
        for mode, name in PILLOW.items():
            image = Image.fromarray(plane).resize(size[::-1], Image.Resampling[name])
            arrays[key("pillow", mode, {}, k)] = np.asarray(image)
    versions = {"torch": torch.__version__, "pillow": PIL.__version__, "numpy": np.__version__}
    versions["python"] = platform.python_version()
    arrays["versions"] = np.array(json.dumps(versions))
    return arrays


if __name__ == "__main__":
    np.savez_compressed(FILE, **make())
    print(f"{FILE.name}: {FILE.stat().st_size} bytes")
