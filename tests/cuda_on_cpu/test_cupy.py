"""The stand-in has no name, and the package gives no argument, that CuPy does not have."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import fakecupy as cp
import numpy as np
import pytest
from fakecupy import uses
from gpu_calls import F32, calls

import upsampler

cupy = pytest.importorskip("cupy")

OWN = {
    "LaunchError", "UninitialisedRead", "annotations", "arrays", "contextlib", "cuda", "events",
    "functions", "install", "installed", "kernels", "launches", "memory", "np", "settings",
    "sys", "uses", "Iterator",
}  # fmt: skip


def public(thing: object) -> set[str]:
    return {name for name in vars(thing) if not name.startswith("_")}


def test_top_level_names():
    wrong = {name for name in public(cp) - OWN if not hasattr(cupy, name)}
    assert not wrong


def test_names_of_arrays():
    assert not {name for name in public(cp.ndarray) if not hasattr(cupy.ndarray, name)}


@pytest.mark.parametrize("name", ["Device", "Stream", "Event"])
def test_names_of_cuda(name):
    theirs, ours = getattr(cupy.cuda, name), getattr(cp.cuda, name)
    assert not {attribute for attribute in public(ours) if not hasattr(theirs, attribute)}


def test_names_of_the_runtime_and_of_the_compiler():
    from cupy.cuda import compiler, runtime

    own = {"annotations", "settings", "Device", "current_device"}
    assert not {name for name in public(cp.cuda.runtime) - own if not hasattr(runtime, name)}
    assert hasattr(compiler.CompileException, "get_message")


def test_cupy_without_a_driver_is_what_the_package_expects():
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError):
        cupy.cuda.runtime.getDeviceCount()
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError):
        cupy.empty(3)


# --- how the package uses it ---------------------------------------------------------------------


def signature(function: Any) -> inspect.Signature:
    """Of a function of CuPy, compiled ones by the first line of their documentation."""
    try:
        return inspect.signature(function)
    except ValueError:
        text = re.match(r"[\w.]+\((.*?)\)(?: -> .*)?$", function.__doc__.splitlines()[0])[1]
    text = re.sub(r"\\\*", "*", text)
    parameters = [re.sub(r"^(\w+) (?=\w)", "", one.strip()) for one in text.split(",")]
    parameters = [one for one in parameters if one not in ("self", "")]
    scope: dict[str, Any] = {}
    exec(f"def f({', '.join(parameters)}): pass", scope)
    return inspect.signature(scope["f"])


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda: cupy.take, "(a, indices, axis=None, out=None)"),
        (lambda: cupy.sqrt, "(x, /, out=None, *, casting='same_kind', dtype=None)"),
        (lambda: cupy.ndarray.swapaxes, "(axis1, axis2)"),
        (lambda: cupy.ndarray.sum, "(axis=None, dtype=None, out=None, keepdims=False)"),
    ],
)
def test_signatures_of_cupy_are_read(function: Callable[[], Any], wanted):
    assert str(signature(function())) == wanted


def test_every_use_is_one_that_cupy_allows():
    with uses.recorded() as found, cp.installed():
        for call in calls([F32]):
            if "infinite" not in call.name:
                call.on_device(cp)
        learn()
    assert {"empty", "ascontiguousarray", "matmul", "astype", "sum"} <= {use.name for use in found}
    wrong = []
    for use in sorted((use for use in found if use.name not in OWN), key=str):
        theirs = getattr(cupy.ndarray if use.owner else cupy, use.name)
        try:
            signature(theirs).bind(*range(use.positional), **dict.fromkeys(use.keywords))
        except TypeError as error:
            wrong.append(f"{use}: {error}")
    assert not wrong


def learn() -> None:
    """What modules, training and the closed form ask of CuPy besides kernels."""
    rng = np.random.default_rng(1)
    module = upsampler.ConvTranspose2d(3, 2, 4, stride=2, padding=1, seed=0).to("gpu")
    low, high = rng.normal(size=(2, 3, 5, 7)).astype("f"), rng.normal(size=(2, 2, 10, 14))
    pair = cp.asarray(low), cp.asarray(high.astype("f"))
    for loss in ("l2", "l1", "charbonnier"):
        done = upsampler.train(module, [pair], 2, batch_size=2, patch=3, margin=1, loss=loss)
    upsampler.train(module, [pair], 4, batch_size=2, patch=3, state=done)
    upsampler.fit_conv_transpose(*pair, kernel_size=4, channels="full", bias=True)
    module.to("cpu")
