"""What computes: the processor and the graphics card, for people."""

from __future__ import annotations

import upsampler
from upsampler.gpu_methods import FAMILY

GPU = f"{FAMILY}:"  # what the names of methods begin with that the GPU computes


def no_gpu() -> str:
    """Why no GPU can be used; "" where one can."""
    known = upsampler.backends().get("gpu")
    if known is None:
        return "No GPU backend is installed."
    return "" if known["available"] else f"No GPU can be used: {known['reason']}"


def told(method: str) -> str:
    """What computes a method, and how: backend, instruction set or name, threads."""
    kind = "gpu" if method.startswith(GPU) else "cpu"
    backend = upsampler.backends()[kind]
    if not backend["available"]:
        return ""
    if kind == "gpu":
        return f"GPU {backend['devices'][0]}"
    threads = backend["threads"]
    return f"CPU {backend['instruction_set']}, {threads} thread{'s' * (threads != 1)}"
