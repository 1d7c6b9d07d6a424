"""The reader of CUBINs, on kernels whose resources are known."""

from __future__ import annotations

from cudaemu import cubin, nvrtc

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
extern "C" __global__ void spilled(const float *x, float *y, int n)
{
    float kept[64] = {};
    for (int i = 0; i < n; ++i) kept[(int)x[i] & 63] += x[i];
    y[0] = kept[n & 63];
}
"""


def test_resources():
    found = cubin.resources(nvrtc.compile(SOURCE, (), "sm_90"))
    assert sorted(found) == ["bytes", "pairs", "spilled", "vector"]
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
