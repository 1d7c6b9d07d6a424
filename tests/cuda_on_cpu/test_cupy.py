"""The stand-in has no name, and no argument, that CuPy itself does not have; needs cupy."""

from __future__ import annotations

import fakecupy as cp
import pytest

cupy = pytest.importorskip("cupy")

OWN = {
    "LaunchError", "UninitialisedRead", "annotations", "arrays", "contextlib", "cuda", "events",
    "functions", "install", "installed", "kernels", "launches", "memory", "np", "settings",
    "sys", "Iterator",
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
