"""The lines of Python that make what a pane shows."""

from __future__ import annotations

import os

from upsampler.methods import Interpolation, parse

from .kernels import content_of, is_ours, kernel_of, with_kernel
from .source import Source
from .state import ViewerState

CHART = "test chart"


def python_call(state: ViewerState, pane: int) -> str:
    """A script that ends with the whole result of pane number `pane` in ``y``, (H, W, C)."""
    source, method = state.source, state.panes[pane].method
    height, width = state.panes[pane].output_size(source.size)
    lines = ["import numpy as np", "import upsampler", *_loading(source, state.degraded)]
    size = f"size=({height}, {width})"
    if isinstance(parse(method), Interpolation) and not source.weighted:
        mode, *switches = method.split(":")
        options = "".join(f", {switch}=True" for switch in switches)
        call = f'upsampler.interpolate(x, {size}, mode="{mode}"{options}, layout="HWC")'
        return "\n".join([*lines, f"y = {call}", ""])
    path = kernel_of(method)
    if path is not None and is_ours(path):  # which nobody else can read
        lines += _kernel(path)
        method = with_kernel(method, _named(path))
    alpha = ", alpha=True" if source.weighted else ""
    lines += [
        "from upsampler.picture import Picture",
        "from upsampler.resize import resize_picture",
        f"y = resize_picture(Picture(x{alpha}), {size}, method={method!r}).pixels",
        "y = np.atleast_3d(y)",
    ]
    return "\n".join([*lines, ""])


def _kernel(path: str) -> list[str]:
    """Lines that leave a kernel in a file, for the line that makes the result."""
    content = content_of(path)
    rows = ",\n    ".join(str(row) for row in content["weight"])
    array = f"np.array([\n    {rows},\n], np.{content['dtype']})"
    return [f"np.save({_named(path)!r}, {array})"]


def _named(path: str) -> str:
    return os.path.basename(path).removesuffix(".npz") + ".npy"


def _loading(source: Source, degraded: int) -> list[str]:
    """Lines that leave the (H, W, C) pixels of a source in ``x``."""
    lines = _array(source)
    if lines is None or (degraded and source.weighted):
        return [f"x = ...  # the {source.values.shape} array of {source.name!r}"]
    if source.dtype.kind == "b":
        lines.append("x = x.astype(np.uint8) * np.uint8(255)")
    elif source.mapped:
        lines.append(f"x = x[:, :, :{source.values.shape[2]}]")
    if degraded:
        height, width = source.size
        whole = f"x[:{height * degraded}, :{width * degraded}]"
        call = f'upsampler.interpolate({whole}, size=({height}, {width}), mode="area"'
        lines.append(f'x = {call}, layout="HWC")')
    return lines


def _array(source: Source) -> list[str] | None:
    """Lines for what is in the file; None where nobody can read it again."""
    if source.path is None:
        if not source.name.startswith(CHART):
            return None
        return ["from upsampler.charts import chart", "x = np.atleast_3d(chart())"]
    slice_ = source.slice
    if slice_ is None:
        read = "from upsampler.images import read"
        return [read, f"x = np.atleast_3d(read({source.path!r}).pixels)"]
    member = f"[{slice_.member!r}]" if slice_.member else ""
    places = dict(zip(slice_.others, slice_.index, strict=True))
    index = ", ".join(str(places.get(letter, ":")) for letter in slice_.layout)
    left = [letter for letter in slice_.layout if letter not in places]
    order = [left.index(letter) for letter in "HWC" if letter in left]
    lines = [f"x = np.atleast_3d(np.load({source.path!r}){member}[{index}].transpose({order}))"]
    if slice_.channel is not None:
        lines.append(f"x = x[:, :, {slice_.channel}:{slice_.channel + 1}]")
    return lines
