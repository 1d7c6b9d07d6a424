"""The reader of CUBINs, on kernels whose resources are known."""

from __future__ import annotations

import collections
import re

import pytest
from cudaemu import cubin, nvrtc

from upsampler.backends import kernels
from upsampler.backends.kernels import Way

SOURCE = """
extern "C" __global__ void vector(const uint4 *x, uint4 *y) { y[threadIdx.x] = x[threadIdx.x]; }
extern "C" __global__ void bytes(const unsigned char *x, unsigned short *y) { y[0] = x[1]; }
extern "C" __global__ void pairs(const double *x, double *y)
{
    __shared__ double kept[32];
    kept[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[0] = kept[31 - threadIdx.x];
}
extern "C" __global__ void generic(float **x, int *y) { y[1] = (int)**x; }
extern "C" __global__ void spilled(const float *x, float *y, int n)
{
    float kept[64] = {};
    for (int i = 0; i < n; ++i) kept[(int)x[i] & 63] += x[i];
    y[0] = kept[n & 63];
}
"""


def test_resources():
    found = cubin.resources(nvrtc.compile(SOURCE, (), "sm_90"))
    assert sorted(found) == ["bytes", "generic", "pairs", "spilled", "vector"]
    vector, narrow, pairs, spilled = (
        found[name] for name in ("vector", "bytes", "pairs", "spilled")
    )
    assert (vector.widths("LDG"), vector.widths("STG")) == ({128}, {128})
    assert (narrow.widths("LDG"), narrow.widths("STG")) == ({8}, {16})
    assert (pairs.widths("STS"), pairs.widths("STG")) == ({64}, {64})
    assert pairs.shared in (256, 1024 + 256)  # newer architectures keep a kilobyte for themselves
    assert spilled.stack or spilled.local
    assert spilled.widths("STL")
    assert not vector.stack + vector.local
    for one in found.values():
        assert 4 <= one.registers <= 255
        assert one.instructions > 4


def disassembled(code: bytes, path: str) -> dict[str, tuple[int, dict[tuple[str, int], int]]]:
    """Instructions, and accesses of memory, of each kernel, as NVIDIA's disassembler reads them."""
    with open(path, "wb") as file:
        file.write(code)
    text = cubin.run("nvdisasm", "-c", path)
    found = {}
    for name, body in re.findall(
        r"\.section\s+\.text\.(\w+)\b(.*?)(?=\n\s*\.section\s|\Z)", text, re.S
    ):
        lines = re.findall(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?\w+\s+)?([A-Z][\w.]+)", body)
        parts = [line.split(".") for line in lines if line != "NOP"]
        kinds = cubin.KINDS.values()
        accesses = collections.Counter((p[0], width(p)) for p in parts if p[0] in kinds)
        found[name] = len(parts), dict(accesses)
    return found


def width(parts: list[str]) -> int:
    numbers = [int(p.lstrip("US")) for p in parts if re.fullmatch(r"[US]?(8|16|64|128)", p)]
    return (numbers or [32])[0]


OURS = [
    kernels.linear2x("u8", "f32"),
    kernels.pool("average", "f16", "f32", 8, True),
    kernels.conv("meet", "f64", "f64", "f64", Way(4, False, False)),
]


@pytest.mark.parametrize("arch", ["sm_75", "sm_80", "sm_90", "sm_120"])
def test_instructions_are_those_of_the_disassembler(arch, tmp_path):
    sources = [(SOURCE, ()), *((kernel.code, kernel.options) for kernel in OURS)]
    for source, options in sources:
        code = nvrtc.compile(source, options, arch)
        wanted = disassembled(code, str(tmp_path / "code.cubin"))
        found = cubin.resources(code)
        assert {n: (r.instructions, r.accesses) for n, r in found.items()} == wanted
