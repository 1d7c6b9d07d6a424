"""Kernels that are in no file of anybody's: learned here, or brought back with a session.

Panes know kernels by files, so these have files as well, in a folder that goes with the process.
A session holds the weights themselves.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import upsampler
from upsampler.kernel_methods import LIMITS, KernelMethod
from upsampler.methods import parse

from .learning import layer

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}\.npz", re.ASCII)
DTYPES = ("float32", "float64")
SCALES = (1, 64)
_FOLDER: list[TemporaryDirectory[str]] = []
_LOCK = threading.Lock()


def new_folder() -> str:
    """A folder of its own for some kernels."""
    with _LOCK:
        if not _FOLDER:
            _FOLDER.append(TemporaryDirectory(prefix="upsampler-", ignore_cleanup_errors=True))
        path = os.path.join(_FOLDER[0].name, str(len(os.listdir(_FOLDER[0].name))))
        os.mkdir(path)
    return path


def is_ours(path: str) -> bool:
    """Whether a file is in such a folder, so that nobody else keeps it."""
    return bool(_FOLDER) and os.path.abspath(path).startswith(_FOLDER[0].name + os.sep)


def kernel_of(method: str) -> str | None:
    """The file of the kernel of a method, None where it has none."""
    now = parse(method)
    return now.kernel if isinstance(now, KernelMethod) and now.is_file else None


def with_kernel(method: str, path: str) -> str:
    """The method with another file."""
    now = parse(method)
    assert isinstance(now, KernelMethod)
    return replace(now, kernel=path).name


def content_of(path: str) -> dict[str, Any]:
    """One of our kernels, in the types of JSON; every bit of it.

    Raises
    ------
    OSError, ValueError
        If the file is gone or damaged.
    """
    module = upsampler.load_module(path)
    assert isinstance(module, upsampler.ConvTranspose2d)
    weight = module.weight
    return {
        "scale": module.stride[0],
        "dtype": weight.dtype.name,
        "weight": [[float(v) for v in row] for row in weight[0, 0]],
    }


def why_not(content: Any) -> str:
    """What is wrong with the content of a kernel, "" for nothing."""
    if not isinstance(content, Mapping) or set(content) != {"scale", "dtype", "weight"}:
        return "an object with scale, dtype and weight"
    scale, rows = content["scale"], content["weight"]
    if type(scale) is not int or not SCALES[0] <= scale <= SCALES[1]:
        return f"a scale from {SCALES[0]} to {SCALES[1]}"
    if content["dtype"] not in DTYPES:
        return f"a dtype of {' or '.join(DTYPES)}"
    most = LIMITS["k"][1]
    lists = isinstance(rows, list) and all(isinstance(row, list) for row in rows)
    if not lists or not 1 <= len(rows) <= most or not 1 <= len(rows[0]) <= most:
        return f"a weight of 1 to {most} rows and columns"
    numbers = all(type(v) in (int, float) and abs(v) < 1e30 for row in rows for v in row)
    if not numbers or len({len(row) for row in rows}) > 1:
        return "rows of finite numbers, equally many in each"
    return ""


def written(name: str, content: Mapping[str, Any]) -> str:
    """The path of a new file with the kernel of a session."""
    weight = np.array(content["weight"], content["dtype"])
    module = layer(weight.shape, content["scale"], weight.dtype)
    module.load_state_dict({"weight": weight[None, None]})
    path = os.path.join(new_folder(), name)
    module.save(path)
    return path
