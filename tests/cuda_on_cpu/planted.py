"""Mistakes planted into the sources of the kernels, one at a time: the tests have to find each.

They are those that are made: a bound forgotten, one off by one, a row or plane left out, two
threads at one place, a step of 32 bits, a fallback for infinities gone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Planted:
    """In `file` every `old` becomes `new`; `calls` are beginnings of names of gpu_calls.py."""

    name: str
    file: str
    old: str
    new: str
    calls: tuple[str, ...]
    dtype: str = "float32"

    def __str__(self) -> str:
        return f"{self.file.partition('.')[0]}-{self.name}".replace(" ", "-")

    def plant(self, source: str) -> str:
        """The source with the mistake; ValueError where its place is gone."""
        if self.old not in source:
            raise ValueError(f"{self}: {self.old!r} is not in {self.file} any more")
        return source.replace(self.old, self.new)


def _copy(name: str, old: str, new: str, *calls: str, dtype: str = "float32") -> Planted:
    return Planted(name, "copy.cu", old, new, calls, dtype)


def _double(name: str, old: str, new: str, *calls: str, dtype: str = "float32") -> Planted:
    return Planted(name, "linear2x.cu", old, new, calls or ("bilinear-x2-NCHW",), dtype)


def _halve(name: str, old: str, new: str, layout: str = "NCHW") -> Planted:
    return Planted(name, "halve.cu", old, new, (f"bilinear-x2-backward-{layout}",))


def _march(name: str, old: str, new: str, *calls: str, dtype: str = "float32") -> Planted:
    return Planted(name, "march.cu", old, new, calls, dtype)


def _pool(name: str, old: str, new: str, *calls: str, dtype: str = "float32") -> Planted:
    return Planted(name, "pool.cu", old, new, calls, dtype)


def _places(name: str, old: str, new: str, *calls: str) -> Planted:
    return Planted(name, "places.cu", old, new, calls)


def _conv(name: str, old: str, new: str, *calls: str) -> Planted:
    return Planted(name, "conv.cu", old, new, calls)


def _common(name: str, old: str, new: str, *calls: str, dtype: str) -> Planted:
    return Planted(name, "common.cuh", old, new, calls, dtype)


PLANTED = [
    _copy("rows beyond the last", "min(first + chunk, rows)", "first + chunk", "nearest-NCHW"),
    _copy("one column for all lanes", "column_at[column + j]", "column_at[column]",
          "nearest", "pixel"),
    _copy("a stale row", "if (row != have)", "if (have < 0)", "nearest-NCHW"),
    _copy("every other plane", "plane += PLANES", "plane += 2 * PLANES", "nearest-x2-NCHW"),
    _copy("a row too few", "f < FACTOR; ++f", "f < FACTOR - 1; ++f", "nearest-x2-NCHW"),
    _copy("a factor of 2 for all", "from.v[j / FACTOR]", "from.v[j / 2]", "nearest-x4",
          dtype="uint8"),
    _copy("misaligned vectors", "load<ITEM, READ>(xp)", "load<ITEM, READ>(xp + 1)",
          "nearest-x2-NCHW"),
    _copy("two threads at one place", "FACTOR * pitch + FACTOR * column",
          "FACTOR * pitch + FACTOR * (column & ~READ)", "nearest-x2-NCHW"),
    _double("weight of the first row", "first ? FAR : (REAL)0", "FAR"),
    _double("a column beyond the last", "min(own.at + HALF, width - 1)", "own.at + HALF"),
    _double("a column before the first", "max(own.at - 1, (INDEX)0)", "own.at - 1"),
    _double("a row beyond the last", "min(stop, height - 1) * width", "stop * width"),
    _double("rows of the next chunk", "min(first + chunk, height)", "first + chunk"),
    _double("near is far", "p.v[j] = a.v[j] + NEAR", "p.v[j] = a.v[j] + FAR"),
    _double("no look for infinities", "CHECK && ", "false && ", "bilinear-x2-infinite"),
    _halve("a chunk beyond the last row", "min(start + chunk, height)", "start + chunk"),
    _halve("every other plane", "plane += PLANES", "plane += 2 * PLANES"),
    _halve("the row above forgotten", "if (start) {", "if (false) {"),
    _halve("a row below the last", "if (!last) from", "from"),
    _halve("no border below", "(last ? a : FAR * a)", "FAR * a"),
    _halve("every vector at a border", "own.first && j == 0", "j == 0"),
    _halve("pixels after the last", "own.last = column == width - 1;", "own.last = false;", "NHWC"),
    _halve("weights exchanged", "NEAR * a + FAR * b;\n    v", "FAR * a + NEAR * b;\n    v", "NHWC"),
    _march("rows beyond the last", "min(first + chunk, rows)", "first + chunk", "bilinear-NCHW"),
    _march("a sample beyond the last column", "(begin + inner < in_pitch ? own.step : 0)",
           "own.step", "bilinear"),
    _march("a row beyond the last", "min(have + TAPS, in_rows - 1)", "have + TAPS", "bilinear",
           "bicubic"),
    _march("a row of the ring not read", "max(have, start - TAPS)", "max(have, start - TAPS + 1)",
           "bilinear", "bicubic"),
    _march("a ring that does not turn", "ring[t - 1] = ring[t];", ";", "bilinear", "bicubic"),
    _march("every other plane", "plane += PLANES", "plane += 2 * PLANES", "bilinear-NCHW"),
    _march("weights of another pixel", "own.weights += pixel * column_taps;", "", "bilinear-NHWC"),
    _march("no look for infinities", "CHECK && ", "false && ", "bilinear-infinite"),
    _common("truncated", "R t = v + (R)0.5;", "R t = v;", "bilinear-NCHW", dtype="uint8"),
    _common("negative halves", "if (LOW < 0) whole -= (R)whole > t;", "", "bilinear-NCHW",
            dtype="int8"),
    _common("no saturation", "(T)min(max(whole, LOW), HIGH)", "(T)whole", "bicubic-NCHW",
            dtype="uint8"),
    _common("bfloat16 ties", "0x7fffu + (u >> 16 & 1u)", "0x8000u", "bilinear-x2-NCHW",
            dtype="bfloat16"),
    _pool("no bound of the threads", "if (k >= small / (VECTOR ? LANES : 1)) return;", "", "avg",
          "max"),
    _pool("a window beyond the border", "min((i64)s.kernel_h, s.large_h - top)", "s.kernel_h",
          "avg_pool2d"),
    _pool("a window before the border", "max(0ll, -top)", "0", "avg_pool2d"),
    _pool("two threads at one place", "small + own.at, Step<ITEM>(small, left), left, mean",
          "small + (own.at & ~1), Step<ITEM>(small, left), left, mean", "avg_pool2d"),
    _pool("every other plane", "plane += PLANES * (VECTOR", "plane += 2 * PLANES * (VECTOR", "avg"),
    _pool("planes beyond the last", "min((INDEX)j, left - 1) * plane", "j * plane", "avg"),
    _pool("pixels of another size", "VECTOR ? k * LANES : k", "k", "avg_pool2d-last"),
    _pool("the next cell left out", "below / s.stride_h + 1)", "below / s.stride_h)", "pool-back"),
    _pool("the last of equals", "one > comparable", "one >= comparable", "max_pool2d-even"),
    _places("the greatest left out", "min((INDEX)count, (place - low) / step + 1)",
          "min((INDEX)count, (place - low) / step)", "max_pool2d"),
    _places("boxes of their last cell", "w == first ? own : around(box, own)", "own", "max_pool2d"),
    _places("boxes never joined", "box = around(box, *from);", "", "max_pool2d"),
    _places("rows passed over", "beyond > row.bottom", "beyond >= row.bottom", "max_pool2d"),
    _pool("planes of another size", "(i64)plane * large + begin", "(i64)plane * small + begin",
          "avg"),
    _conv("no bound of the threads", "if (place >= m.places) return;", "", "conv"),
    _conv("the next tap", "const REAL *w = tap +", "const REAL *w = tap + 1 +", "conv"),
    _conv("every other plane", "q += PLANES", "q += 2 * PLANES", "conv"),
    _conv("one bias for all", "bias[c.first + min(j, c.left - 1)]", "bias[0]", "conv"),
    _conv("lanes beyond the last", "at[j] = min(j, left - 1) * step", "at[j] = j * step",
          "conv-2x2"),
    _conv("planes of another size", "const Place own(m.begin + place, m.height",
          "const Place own(m.begin + place, m.width", "conv"),
    _conv("zeros times infinity", "if (finite(total)) {", "if (true) {", "conv-many-infinite"),
    _conv("all lanes summed anew", "if (finite(total.v[j])) sum.v[j] = total.v[j];",
          "sum.v[j] = 0;", "conv-many-infinite"),
    _conv("taps that see nothing", "if (d != NOTHING && h != NOTHING && w != NOTHING)\n"
          "                        seen", "seen", "conv-many"),
    _conv("always the first places", "own(s.begin + place - n", "own(place - n", "conv-many"),
    _conv("a step too few", "++own.h;", ";", "conv"),
    _conv("a sum too long", "while (n < s.samples)", "while (n <= s.samples)", "conv"),
    _conv("parts that meet", "part * s.to_part", "(part & ~1) * s.to_part", "conv"),
]  # fmt: skip
