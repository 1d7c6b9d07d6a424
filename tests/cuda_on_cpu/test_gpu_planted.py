"""Every planted mistake is found by executing a few calls, and none where there is none."""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import fakecupy as cp
import numpy as np
import pytest
from cudaemu import cubin, nvrtc
from cudaemu.launching import LaunchError
from gpu_calls import Call, calls, is_close
from hosted import little_room, small_grids
from planted import PLANTED, Planted
from planted_launches import LAUNCHES

from upsampler import plan
from upsampler.backends import gpu, kernels

# What a launch, or what is done with its arrays, may meet.
MISTAKES = (LaunchError, cp.UninitialisedRead, ValueError, IndexError, TypeError)
original = kernels.source.__wrapped__


def chosen(planted: Planted) -> list[Call]:
    """The calls that a mistake names, by the beginnings of their names."""
    return [c for c in calls([np.dtype(planted.dtype)]) if c.name.startswith(planted.calls)]


def complaint(call: Call) -> str | None:
    """What is wrong with a call: a mistake of a launch, or results that the CPU does not give."""
    try:
        found = call.on_device(cp)
    except MISTAKES as error:
        return str(error)
    for a, b in zip(found, call.on_host(), strict=True):
        if call.exact and not np.array_equal(a, b, equal_nan=a.dtype.kind not in "iub"):
            return "another result"
        if not call.exact and not is_close(a, b):
            return "another result beyond rounding"
    return None


@pytest.fixture
def sources(monkeypatch):
    """Lets a test change the sources of kernels, for a backend of its own."""
    backend = gpu.Gpu(cp)
    monkeypatch.setattr(gpu, "of", lambda xp: backend)

    def plant(planted: Planted) -> None:
        def source(file: str) -> str:
            text = original(file)
            return planted.plant(text) if planted.file in (file, kernels.COMMON) else text

        monkeypatch.setattr(kernels, "source", source)

    return plant


@contextlib.contextmanager
def relaunched(planted: Planted | None) -> Iterator[None]:
    """The modules that launch kernels, imported anew from sources with the mistake."""
    backends = importlib.import_module("upsampler.backends")
    mine = [n for n in sys.modules if n.startswith(f"{backends.__name__}.gpu")]
    before = {name: sys.modules.pop(name) for name in mine}
    for name in mine:
        delattr(backends, name.rpartition(".")[2])

    class Loader(importlib.machinery.SourceFileLoader):
        def get_code(self, name: str) -> CodeType:
            text = self.get_data(self.path).decode()
            if planted is not None and Path(self.path).name == planted.file:
                text = planted.plant(text)
            return compile(text, self.path, "exec")

    class Finder:
        def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
            if name not in before:
                return None
            return importlib.util.spec_from_loader(name, Loader(name, before[name].__file__))

    finder = Finder()
    sys.meta_path.insert(0, finder)
    try:
        # Whole plans keep what backends have made of them.
        plan._PLANS.forget()
        for name in sorted(before):
            importlib.import_module(name)
        yield
    finally:
        sys.meta_path.remove(finder)
        for name, module in before.items():
            sys.modules[name] = module
            setattr(backends, name.rpartition(".")[2], module)
        plan._PLANS.forget()


@pytest.mark.parametrize("planted", LAUNCHES, ids=str)
def test_a_mistake_of_a_launch_is_found(planted):
    """On either device, as tables and kernels of one are none of the other."""
    with relaunched(planted):
        for how, device in itertools.product((small_grids, little_room), (0, 1)):
            with how(), cp.cuda.Device(device):
                found = next(filter(None, map(complaint, chosen(planted))), None)
            if found:
                break
    assert found, f"{planted} survives {len(chosen(planted))} calls"


def test_launches_imported_anew_are_right():
    names = tuple({name for planted in LAUNCHES for name in planted.calls})
    some = [call for call in calls([np.dtype(np.float32)]) if call.name.startswith(names)]
    with relaunched(None):
        for how, device in ((small_grids, 0), (little_room, 1)):
            with how(), cp.cuda.Device(device):
                assert not [f"{call}: {w}" for call in some if (w := complaint(call))]


@pytest.mark.parametrize("planted", PLANTED, ids=str)
def test_a_planted_mistake_is_found(sources, planted):
    sources(planted)
    for how in (small_grids, little_room):
        with how():
            found = next(filter(None, map(complaint, chosen(planted))), None)
        if found:
            break
    assert found, f"{planted} survives {len(chosen(planted))} calls"


def test_without_a_mistake_there_is_nothing_to_find():
    named = {(call.name, planted.dtype): call for planted in PLANTED for call in chosen(planted)}
    for how in (small_grids, little_room):
        with how():
            assert not [f"{call}: {w}" for call in named.values() if (w := complaint(call))]


def test_a_32_bit_plane_step_is_found(sources):
    """Only arrays of more than 2^31 items tell."""
    from test_gpu_counts import test_more_than_2_to_31_items

    old = "(plane * height + first) * FACTOR * pitch"
    sources(Planted("32-bit step", "copy.cu", old, f"(i64)(int)({old})", ()))
    with pytest.raises((LaunchError, AssertionError)):
        test_more_than_2_to_31_items("nearest", "NCHW")


def test_narrow_stores_are_found(sources):
    kernel = kernels.enlarge(4, 2)
    wide = cubin.resources(nvrtc.compile(kernel.code, kernel.options, "sm_90"))["enlarge"]
    old = "__stcs(reinterpret_cast<uint4 *>(to) + j, u[j]);"
    sources(Planted("narrow stores", "common.cuh", old, "memcpy(to + j, u, 16);", ()))
    narrow = cubin.resources(nvrtc.compile(kernel.code, kernel.options, "sm_90"))["enlarge"]
    assert wide.widths("STG") == {128}
    assert 128 not in narrow.widths("STG")


def test_a_mistake_whose_place_is_gone_is_told():
    with pytest.raises(ValueError, match=r"is not in copy\.cu any more"):
        Planted("gone", "copy.cu", "nowhere", "", ()).plant("source")
