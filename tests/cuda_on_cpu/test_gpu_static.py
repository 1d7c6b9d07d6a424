"""What compilers say of every kernel for every type: it compiles, and holds the static limits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cudaemu import cubin, nvrtc

from upsampler.backends import kernels
from upsampler.backends.kernels import SIZES, Kernel

ARCHITECTURES = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"]
MEASURED = ["sm_80", "sm_90"]
# Of 65536 in a multiprocessor: two blocks of 128 threads at the least.
REGISTERS = 255
KERNELS = list(kernels.manifest())
# A module is compiled once for all of its functions, as by the package.
MODULES = list({(kernel.file, kernel.macros): kernel for kernel in KERNELS}.values())


def by_two(function: Callable[[Kernel], Any]) -> list[Any]:
    """Of all modules, by two threads: NVRTC works outside Python's lock."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, MODULES))


@functools.cache
def resources(arch: str) -> dict[Kernel, cubin.Resources]:
    """Of all kernels."""

    def of(module: Kernel) -> dict[str, cubin.Resources]:
        return cubin.resources(nvrtc.compile(module.code, module.options, arch))

    found = {(m.file, m.macros): r for m, r in zip(MODULES, by_two(of), strict=True)}
    return {kernel: found[kernel.file, kernel.macros][kernel.name] for kernel in KERNELS}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_kernel_compiles(arch):
    if arch in MEASURED:
        assert len(resources(arch)) == len(KERNELS)
        return
    made = by_two(lambda module: nvrtc.compile(module.code, module.options, arch))
    assert all(code.startswith(b"\x7fELF") for code in made)


@pytest.mark.parametrize("arch", MEASURED)
def test_nothing_is_spilled(arch):
    wrong = {
        str(kernel): (found.stack, found.local, found.registers)
        for kernel, found in resources(arch).items()
        if found.stack or found.local or found.registers > REGISTERS or found.widths("LDL")
    }
    assert not wrong


@pytest.mark.parametrize("arch", MEASURED)
def test_vector_kernels_store_16_bytes_and_nothing_else(arch):
    wrong, vectors = {}, 0
    for kernel, found in resources(arch).items():
        lanes, size = vector_of(kernel)
        if lanes * size < 16 or lanes == 1:
            continue
        vectors += 1
        if found.widths("STG") | found.widths("ST") != {128}:
            wrong[str(kernel)] = found.accesses
    assert vectors >= 20
    assert not wrong


def vector_of(kernel: Kernel) -> tuple[int, int]:
    """Neighbouring items that a thread writes, and their bytes."""
    macros = dict(kernel.macros)
    item = macros.get("TARGET", macros.get("SOURCE", macros.get("ITEM")))
    apart = kernel.file in ("conv.cu", "pool.cu") and not macros["VECTOR"]
    return 1 if apart else int(macros.get("LANES", 1)), SIZES[str(item)]


@pytest.mark.parametrize("arch", MEASURED)
def test_scalar_kernels_store_whole_items(arch):
    wrong = {}
    for kernel, found in resources(arch).items():
        lanes, size = vector_of(kernel)
        stored = found.widths("STG") | found.widths("ST")
        if lanes == 1 and min(stored) < 8 * size < 128:
            wrong[str(kernel)] = found.accesses
    assert not wrong


def test_a_kernel_that_does_not_compile_says_why():
    broken = kernels.kernel("copy.cu", "gather", ITEM="u8", LANES="none", INDEX="int")
    with pytest.raises(nvrtc.NvrtcError, match="none"):
        nvrtc.compile(broken.code, broken.options, "sm_90")
