"""Every planted mistake is found by executing a few calls, and none where there is none."""

from __future__ import annotations

import fakecupy as cp
import numpy as np
import pytest
from cudaemu import cubin, nvrtc
from cudaemu.launching import LaunchError
from gpu_calls import Call, calls, is_close
from hosted import little_room, small_grids
from planted import PLANTED, Planted

from upsampler.backends import gpu, kernels

MISTAKES = (LaunchError, cp.UninitialisedRead)
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
    old = "__stcs(reinterpret_cast<uint4 *>(to), u);"
    sources(Planted("narrow stores", "common.cuh", old, "memcpy(to, &u, 16);", ()))
    narrow = cubin.resources(nvrtc.compile(kernel.code, kernel.options, "sm_90"))["enlarge"]
    assert wide.widths("STG") == {128}
    assert 128 not in narrow.widths("STG")


def test_a_mistake_whose_place_is_gone_is_told():
    with pytest.raises(ValueError, match=r"is not in copy\.cu any more"):
        Planted("gone", "copy.cu", "nowhere", "", ()).plant("source")
