"""Every instruction that the translator knows, against values from PTX's definition.

Expected bits are written out or made by Python's integers and `struct`, not by the translator's
C++ semantics.
"""

from __future__ import annotations

import functools
import math

import pytest
from cudaemu.ptx_kernel import translate
from cudaemu.ptx_rules import RULES
from cudaemu.ptx_text import parse
from cudaemu.ptx_types import UnsupportedPtx
from ptx_programs import HEAD, Row, f16, f32, f64, kernel, results

INF, NAN = math.inf, 0x7FFFFFFF  # the NaN that arithmetic gives
TINY = 1  # the smallest subnormal float32
SMALLEST = f32(2.0**-126)  # the smallest normal one


def i32(value: int) -> int:
    return value & 0xFFFFFFFF


def i64(value: int) -> int:
    return value & (2**64 - 1)


INTEGER = [
    Row("add.s32 $d, $a, $b", (0x7FFFFFFF, 1), 0x80000000),
    Row("add.u64 $d, $a, $b", (2**64 - 1, 2), 1, 64, 64),
    Row("add.s16 $d, $a, $b", (0x7FFF, 1), 0x8000, 16, 16),
    Row("sub.s32 $d, $a, $b", (3, 5), i32(-2)),
    Row("sub.s64 $d, $a, $b", (0, 1), i64(-1), 64, 64),
    Row("mul.lo.s32 $d, $a, $b", (0x10001, 0x10001), 0x20001),
    Row("mul.lo.u64 $d, $a, $b", (2**33, 2**33 + 3), 3 * 2**33, 64, 64),
    Row("mul.hi.u32 $d, $a, $b", (0xFFFFFFFF, 0xFFFFFFFF), 0xFFFFFFFE),
    Row("mul.hi.s32 $d, $a, $b", (i32(-7), 3), 0xFFFFFFFF),
    Row("mul.hi.u64 $d, $a, $b", (2**63, 6), 3, 64, 64),
    Row("mul.hi.s64 $d, $a, $b", (i64(-1), 1), i64(-1), 64, 64),
    Row("mul.wide.u16 $d, $a, $b", (0xFFFF, 0xFFFF), 0xFFFE0001, 16),
    Row("mul.wide.s32 $d, $a, $b", (i32(-3), 5), i64(-15), 32, 64),
    Row("mul.wide.u32 $d, $a, $b", (0xFFFFFFFF, 2), 0x1FFFFFFFE, 32, 64),
    Row("mad.lo.s32 $d, $a, $b, $c", (i32(-3), 5, 7), i32(-8)),
    Row("mad.lo.u64 $d, $a, $b, $c", (2**40, 2**24, 9), 9, 64, 64),
    Row("mad.wide.s32 $d, $a, $b, $c", (i32(-1), 8, 100), 92, (32, 32, 64), 64),
    Row("mad.wide.u32 $d, $a, $b, $c", (0xFFFFFFFF, 4, 5), 0x400000001, (32, 32, 64), 64),
    Row("mad.hi.u32 $d, $a, $b, $c", (0x80000000, 6, 10), 13),
    Row("div.s32 $d, $a, $b", (i32(-7), 2), i32(-3)),
    Row("div.s32 $d, $a, $b", (0x80000000, i32(-1)), 0x80000000),
    Row("div.u64 $d, $a, $b", (i64(-1), 3), 0x5555555555555555, 64, 64),
    Row("rem.s32 $d, $a, $b", (i32(-7), 2), i32(-1)),
    Row("rem.u32 $d, $a, $b", (0xFFFFFFF9, 10), 9),
    Row("min.s32 $d, $a, $b", (i32(-1), 1), i32(-1)),
    Row("min.u32 $d, $a, $b", (i32(-1), 1), 1),
    Row("max.s64 $d, $a, $b", (i64(-5), i64(-9)), i64(-5), 64, 64),
    Row("max.u16 $d, $a, $b", (0x8000, 0x7FFF), 0x8000, 16, 16),
    Row("neg.s32 $d, $a", (5,), i32(-5)),
    Row("neg.s32 $d, $a", (0x80000000,), 0x80000000),
    Row("abs.s32 $d, $a", (i32(-9),), 9),
    Row("abs.s64 $d, $a", (i64(-(2**40)),), 2**40, 64, 64),
]
BITS = [
    Row("mov.b32 $d, $a", (0xDEADBEEF,), 0xDEADBEEF),
    Row("mov.u32 $d, 0xFFFFFFFE", (), 0xFFFFFFFE),
    Row("mov.u64 $d, -2", (), i64(-2), 64, 64),
    Row("mov.f32 $d, 0f3FC00000", (), f32(1.5)),
    Row("mov.f64 $d, 0d3FF8000000000000", (), f64(1.5), 64, 64),
    Row("mov.b32 $d, {$a, $b}", (0x1234, 0xABCD), 0xABCD1234, 16),
    Row("mov.b64 $d, {$a, $b}", (0x11111111, 0x22222222), 0x2222222211111111, 32, 64),
    Row("mov.b32 {_, $d}, $a", (0xABCD1234,), 0xABCD, 32, 16),
    Row("mov.b64 {$d, _}, $a", (0x2222222211111111,), 0x11111111, 64, 32),
    Row("mov.u32 $d, %laneid", (), 0),
    Row("mov.u32 $d, %ntid.x", (), 1),
    Row("mov.u32 $d, %nctaid.y", (), 1),
    Row("cvta.to.global.u64 $d, $a", (0x1234567890,), 0x1234567890, 64, 64),
    Row("and.b32 $d, $a, $b", (0xFF00FF00, 0x0FF00FF0), 0x0F000F00),
    Row("or.b64 $d, $a, $b", (1 << 40, 1), (1 << 40) + 1, 64, 64),
    Row("xor.b16 $d, $a, $b", (0xFFFF, 0x0F0F), 0xF0F0, 16, 16),
    Row("not.b32 $d, $a", (0x0000FFFF,), 0xFFFF0000),
    Row("shl.b32 $d, $a, $b", (3, 31), 0x80000000),
    Row("shl.b32 $d, $a, $b", (3, 32), 0),
    Row("shl.b64 $d, $a, $b", (3, 40), 3 << 40, (64, 32), 64),
    Row("shr.u32 $d, $a, $b", (0x80000000, 31), 1),
    Row("shr.u32 $d, $a, $b", (0x80000000, 200), 0),
    Row("shr.s32 $d, $a, $b", (0x80000000, 31), 0xFFFFFFFF),
    Row("shr.s32 $d, $a, $b", (0x80000000, 99), 0xFFFFFFFF),
    Row("shr.s64 $d, $a, $b", (i64(-16), 2), i64(-4), (64, 32), 64),
    Row("shr.b16 $d, $a, $b", (0x8000, 15), 1, (16, 32), 16),
    Row("shf.l.wrap.b32 $d, $a, $b, $c", (0x80000001, 0x0000FFFF, 36), 0x000FFFF8),
    Row("shf.l.clamp.b32 $d, $a, $b, $c", (0x80000001, 7, 36), 0x80000001),
    Row("shf.r.wrap.b32 $d, $a, $b, $c", (0x000000F0, 0x0000000A, 4), 0xA000000F),
    Row("shf.r.clamp.b32 $d, $a, $b, $c", (1, 0xABCD, 50), 0xABCD),
    Row("prmt.b32 $d, $a, $b, $c", (0x33221100, 0x77665544, 0x5410), 0x55441100),
    Row("prmt.b32 $d, $a, $b, $c", (0x80, 0, 0x1118), 0xFF),  # nibble 8: the sign of byte 0
    Row("lop3.b32 $d, $a, $b, $c, 0x96", (0xF0, 0xCC, 0xAA), 0x96),
    Row("lop3.b32 $d, $a, $b, $c, 0x80", (0xF0F0, 0xFF00, 0x5555), 0x5000),
    Row("bfe.u32 $d, $a, $b, $c", (0xABCD1234, 8, 12), 0xD12),
    Row("bfe.s32 $d, $a, $b, $c", (0x00000800, 8, 4), 0xFFFFFFF8),
    Row("bfe.s32 $d, $a, $b, $c", (0x80000000, 28, 10), 0xFFFFFFF8),
    Row("bfi.b32 $d, $a, $b, $c, $e", (0x5, 0xFFFFFFFF, 4, 4), 0xFFFFFF5F),
    Row("popc.b32 $d, $a", (0xF0F0F0F1,), 17),
    Row("popc.b64 $d, $a", (2**64 - 1,), 64, 64),
    Row("clz.b32 $d, $a", (0x00010000,), 15),
    Row("clz.b32 $d, $a", (0,), 32),
    Row("clz.b64 $d, $a", (1,), 63, 64),
    Row("brev.b32 $d, $a", (0x00000003,), 0xC0000000),
    Row("selp.b32 $d, $b, $c, $p", (1, 10, 20), 10),
    Row("selp.b64 $d, $b, $c, $p", (0, 10, 20), 20, (32, 64, 64), 64),
    Row("selp.f32 $d, $b, 0f3F800000, $p", (0, 7), f32(1)),
]
FLOAT = [
    Row("add.f32 $d, $a, $b", (f32(0.1), f32(0.2)), f32(0.3 + 1.2e-8)),
    Row("add.f32 $d, $a, $b", (f32(INF), f32(-INF)), NAN),
    Row("add.f32 $d, $a, $b", (0xFFC12345, f32(1)), NAN),
    Row("add.f32 $d, $a, $b", (TINY, TINY), 2 * TINY),
    Row("add.ftz.f32 $d, $a, $b", (TINY, TINY), 0),
    Row("sub.ftz.f32 $d, $a, $b", (f32(2**-126 * 1.5), SMALLEST), 0),  # a subnormal result
    Row("add.sat.f32 $d, $a, $b", (f32(0.75), f32(0.5)), f32(1)),
    Row("add.sat.f32 $d, $a, $b", (0x7FC00000, f32(0.5)), 0),
    Row("sub.f64 $d, $a, $b", (f64(1), f64(2**-53)), f64(1 - 2**-53), 64, 64),
    Row("mul.f32 $d, $a, $b", (f32(3), f32(-0.0)), f32(-0.0)),
    Row("mul.ftz.f32 $d, $a, $b", (f32(-(2.0**-100)), f32(2.0**-40)), f32(-0.0)),
    Row("mul.rn.f64 $d, $a, $b", (f64(1.1), f64(1.1)), f64(1.1 * 1.1), 64, 64),
    Row("div.rn.f32 $d, $a, $b", (f32(1), f32(3)), 0x3EAAAAAB),
    Row("div.rn.f64 $d, $a, $b", (f64(1), f64(0)), f64(INF), 64, 64),
    Row("fma.rn.f32 $d, $a, $b, $c", (f32(1 + 2**-12), f32(1 - 2**-12), f32(-1)), f32(-(2**-24))),
    Row("fma.rn.ftz.f32 $d, $a, $b, $c", (TINY, f32(2.0**100), 0), 0),
    Row(
        "fma.rn.f64 $d, $a, $b, $c",
        (f64(1 + 2**-30), f64(1 - 2**-30), f64(-1)),
        f64(-(2**-60)),
        64,
        64,
    ),
    Row("mad.rn.f32 $d, $a, $b, $c", (f32(2), f32(3), f32(4)), f32(10)),
    Row("min.f32 $d, $a, $b", (f32(0.0), f32(-0.0)), f32(-0.0)),
    Row("max.f32 $d, $a, $b", (f32(-0.0), f32(0.0)), f32(0.0)),
    Row("min.f32 $d, $a, $b", (0x7FC00001, f32(2)), f32(2)),
    Row("max.f32 $d, $a, $b", (0x7FC00001, 0x7FC00002), NAN),
    Row("max.NaN.f32 $d, $a, $b", (0x7FC00001, f32(2)), NAN),
    Row("min.NaN.f32 $d, $a, $b", (f32(1), f32(2)), f32(1)),
    Row("max.ftz.f32 $d, $a, $b", (TINY, f32(-1)), 0),
    Row("min.f64 $d, $a, $b", (f64(INF), f64(-INF)), f64(-INF), 64, 64),
    Row("neg.f32 $d, $a", (f32(1.5),), f32(-1.5)),
    Row("neg.f32 $d, $a", (0,), 0x80000000),
    Row("neg.ftz.f32 $d, $a", (TINY,), 0x80000000),
    Row("abs.f32 $d, $a", (f32(-2.5),), f32(2.5)),
    Row("abs.f16 $d, $a", (f16(-2.5),), f16(2.5), 16, 16),
    Row("neg.f16 $d, $a", (f16(2.5),), f16(-2.5), 16, 16),
    Row("sqrt.rn.f32 $d, $a", (f32(2),), f32(math.sqrt(2))),
    Row("sqrt.rn.f64 $d, $a", (f64(2),), f64(math.sqrt(2)), 64, 64),
    Row("rcp.rn.f32 $d, $a", (f32(3),), 0x3EAAAAAB),
    Row("copysign.f32 $d, $a, $b", (f32(-1), f32(3)), f32(-3)),
]


def compared(text: str, inputs: tuple[int, ...], expected: bool, width: int = 32) -> Row:
    return Row(f"{text}; selp.b32 $d, 1, 0, $q", inputs, int(expected), width)


COMPARISON = [
    compared("setp.lt.s32 $q, $a, $b", (i32(-1), 1), True),
    compared("setp.lt.u32 $q, $a, $b", (i32(-1), 1), False),
    compared("setp.lo.u32 $q, $a, $b", (1, 2), True),
    compared("setp.hs.u32 $q, $a, $b", (2, 2), True),
    compared("setp.ge.s64 $q, $a, $b", (i64(-1), 0), False, 64),
    compared("setp.eq.s16 $q, $a, $b", (0xFFFF, 0xFFFF), True, 16),
    compared("setp.ne.s16 $q, $a, $b", (1, 2), True, 16),
    compared("setp.gt.f32 $q, $a, $b", (f32(1), f32(-0.0)), True),
    compared("setp.eq.f32 $q, $a, $b", (0, 0x80000000), True),
    compared("setp.eq.f32 $q, $a, $b", (0x7FC00000, 0x7FC00000), False),
    compared("setp.ne.f32 $q, $a, $b", (0x7FC00000, 0), False),
    compared("setp.neu.f32 $q, $a, $b", (0x7FC00000, 0), True),
    compared("setp.leu.f32 $q, $a, $b", (f32(1), f32(1)), True),
    compared("setp.gtu.f64 $q, $a, $b", (f64(1), f64(2)), False, 64),
    compared("setp.nan.f32 $q, $a, $a", (0x7FC00000,), True),
    compared("setp.num.f32 $q, $a, $b", (f32(INF), 0), True),
    compared("setp.eq.ftz.f32 $q, $a, $b", (TINY, 0), True),
    compared("setp.lt.and.s32 $q, $a, $b, $p", (1, 2), True),
    compared("setp.lt.and.s32 $q, $a, $b, !$p", (1, 2), False),
    compared("setp.lt.or.s32 $q, $a, $b, $p", (3, 2), True),
    compared("setp.lt.xor.s32 $q, $a, $b, $p", (1, 2), False),
    compared("setp.lt.s32 $p|$q, $a, $b", (1, 2), False),
    compared("mov.pred $q, $p", (5,), True),
    compared("not.pred $q, $p", (5,), False),
    compared("setp.eq.s32 $q, $a, $b; and.pred $q, $q, $p", (1, 1), True),
    compared("setp.eq.s32 $q, $a, $b; xor.pred $q, $q, $p", (1, 1), False),
    Row("mov.b32 $d, $a; @$p mov.b32 $d, $b", (1, 22), 22),
    Row("mov.b32 $d, $a; @!$p mov.b32 $d, $b", (1, 22), 1),
]  # fmt: skip
CONVERSION = [
    Row("cvt.s64.s32 $d, $a", (i32(-2),), i64(-2), 32, 64),
    Row("cvt.u64.u32 $d, $a", (i32(-2),), 0xFFFFFFFE, 32, 64),
    Row("cvt.u32.u16 $d, $a", (0xFFFF,), 0xFFFF, 16),
    Row("cvt.s32.s8 $d, $a", (0x80,), i32(-128)),
    Row("cvt.u16.u32 $d, $a", (0x12345678,), 0x5678, 32, 16),
    Row("cvt.sat.u8.s32 $d, $a", (i32(-5),), 0),
    Row("cvt.sat.u8.s32 $d, $a", (300,), 255),
    Row("cvt.sat.s16.s32 $d, $a", (-40000,), 0x8000, 32, 16),
    Row("cvt.rn.f32.s32 $d, $a", (0x01000003,), f32(16777220)),
    Row("cvt.rn.f32.u64 $d, $a", (2**64 - 1,), f32(2.0**64), 64),
    Row("cvt.rn.f64.s64 $d, $a", (i64(-(2**53) - 1),), f64(-(2.0**53)), 64, 64),
    Row("cvt.rni.s32.f32 $d, $a", (f32(2.5),), 2),
    Row("cvt.rni.s32.f32 $d, $a", (f32(-3.5),), i32(-4)),
    Row("cvt.rzi.s32.f32 $d, $a", (f32(-2.9),), i32(-2)),
    Row("cvt.rmi.s32.f32 $d, $a", (f32(-2.1),), i32(-3)),
    Row("cvt.rpi.s64.f64 $d, $a", (f64(2.1),), 3, 64, 64),
    Row("cvt.rzi.u8.f32 $d, $a", (f32(300),), 255),
    Row("cvt.rzi.u32.f32 $d, $a", (f32(-1),), 0),
    Row("cvt.rzi.s32.f32 $d, $a", (f32(3e9),), 0x7FFFFFFF),
    Row("cvt.rzi.s32.f32 $d, $a", (0x7FC00000,), 0),
    Row("cvt.rzi.s64.f32 $d, $a", (0x7FC00000,), 1 << 63, 32, 64),
    Row("cvt.rzi.u64.f64 $d, $a", (f64(1e30),), 2**64 - 1, 64, 64),
    Row("cvt.rni.ftz.s32.f32 $d, $a", (TINY,), 0),
    Row("cvt.f64.f32 $d, $a", (f32(1.5),), f64(1.5), 32, 64),
    Row("cvt.rn.f32.f64 $d, $a", (f64(1 + 2**-24),), f32(1), 64),
    Row("cvt.rn.ftz.f32.f64 $d, $a", (f64(2.0**-140),), 0, 64),
    Row("cvt.f32.f16 $d, $a", (f16(0.333),), f32(0.3330078125), 16),
    Row("cvt.f32.f16 $d, $a", (1,), f32(2.0**-24), 16),
    Row("cvt.rn.f16.f32 $d, $a", (f32(2049),), f16(2048), 32, 16),
    Row("cvt.rn.f16.f32 $d, $a", (f32(65520),), 0x7C00, 32, 16),
    Row("cvt.rn.f16.f32 $d, $a", (f32(2.0**-25 * 1.01),), 1, 32, 16),
    Row("cvt.rn.f16.f32 $d, $a", (0x7FC00000,), 0x7FFF, 32, 16),
    Row("cvt.rn.f16.f64 $d, $a", (f64(1 + 2**-11 + 2**-40),), f16(1 + 2**-10), 64, 16),
    Row("cvt.rn.bf16.f32 $d, $a", (0x3F808000,), 0x3F80, 32, 16),
    Row("cvt.rn.bf16.f32 $d, $a", (0x3F818000,), 0x3F82, 32, 16),
    Row("cvt.f32.bf16 $d, $a", (0x3FC0,), f32(1.5), 16),
    Row("cvt.rn.f16x2.f32 $d, $a, $b", (f32(2), f32(1)), 0x40003C00),
    Row("cvt.rn.bf16x2.f32 $d, $a, $b", (f32(2), f32(1)), 0x40003F80),
    Row("cvt.rni.f32.f32 $d, $a", (f32(0.5),), 0),
    Row("cvt.rmi.f64.f64 $d, $a", (f64(-0.5),), f64(-1), 64, 64),
    Row("cvt.rpi.f32.f32 $d, $a", (f32(-0.5),), 0x80000000),
    Row("cvt.sat.f32.f32 $d, $a", (f32(1.5),), f32(1)),
    Row("cvt.sat.f32.f32 $d, $a", (0x7FC00000,), 0),
]
ROWS = [*INTEGER, *BITS, *FLOAT, *COMPARISON, *CONVERSION]
# Tested in test_ptx_memory.py and test_ptx_threads.py.
ELSEWHERE = {
    "ld", "st", "atom", "red", "membar", "fence", "prefetch", "prefetchu", "bra", "brx", "ret",
    "exit", "trap", "bar", "barrier", "shfl", "vote",
}  # fmt: skip


@functools.cache
def executed() -> list[int]:
    return [int(bits) for bits in results(ROWS)]


@pytest.mark.parametrize("index", range(len(ROWS)), ids=[row.text for row in ROWS])
def test_an_instruction_gives_what_ptx_defines(index):
    row = ROWS[index]
    assert hex(executed()[index]) == hex(row.expected & (2**row.target - 1))


def test_each_rule_has_a_test():
    words = [word for row in ROWS for word in row.text.split()]
    tested = {word.split(".")[0] for word in words if "." in word}
    assert set(RULES) - tested == ELSEWHERE


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("add.cc.u32 %r0, %r1, %r2", "modifier .cc"),
        ("add.sat.s32 %r0, %r1, %r2", "'sat'"),
        ("add.rz.f32 %f0, %f1, %f2", "rounding other than to nearest"),
        ("add.f16 %h0, %h1, %h2", "type .f16"),
        ("fma.rn.f16x2 %r0, %r1, %r2, %r3", "modifier .f16x2"),
        ("div.full.f32 %f0, %f1, %f2", "modifier .full"),
        ("div.f32 %f0, %f1, %f2", "exactly rounded"),
        ("sqrt.approx.f32 %f0, %f1", "modifier .approx"),
        ("ex2.approx.f32 %f0, %f1", "unknown instruction"),
        ("cvt.rz.f32.f64 %f0, %d1", "modifier .rz"),
        ("cvt.rn.f16.s32 %h0, %r1", "conversion from .s32 to .f16"),
        ("cvt.s32.f32 %r0, %f1", "without a rounding"),
        ("cvta.to.shared.u64 %d0, %d1", "modifier .shared"),
        ("ld.global.v4.f32 {%f0, %f1}, [%p0]", "2 registers for a vector of 4"),
        ("ld.global.s128 %d0, [%p0]", "modifier .s128"),
        ("st.param.b32 [x], %r0", "modifier .param"),
        ("ld.global.acquire.b32 %r0, [%p0]", "modifier .acquire"),
        ("cp.async.ca.shared.global [%r0], [%p0], 16", "unknown instruction"),
        ("mma.sync.aligned.m16n8k8.f32 %f0, %f1, %f2, %f3", "unknown instruction"),
        ("atom.global.add.f16 %h0, [%p0], %h1", "atomic .add of .f16"),
        ("atom.global.inc.u32 %r0, [%p0], %r1", "modifier .inc"),
        ("bar.sync 1", "barrier other than 0"),
        ("bar.arrive 0, 64", "modifier .arrive"),
        ("@%q0 bar.sync 0", "under a predicate"),
        ("vote.sync.uni.pred %q0, %q1, -1", "modifier .uni"),
        ("setp.lo.f32 %q0, %f0, %f1", "comparison .lo"),
        ("setp.gtu.s32 %q0, %r0, %r1", "comparison .gtu"),
        ("mov.u32 %r0, %clock", "register '%clock'"),
        ("mov.u32 %r0, %r99", "register '%r99'"),
        ("call (%r0), f, (%r1)", "unknown instruction"),
        ("neg.s32 %r0, %r1, %r2", "3 operands"),
    ],
)
def test_what_is_not_known_is_refused(line, reason):
    module = parse(HEAD + kernel(f"{line};"))
    with pytest.raises(UnsupportedPtx) as caught:
        translate(module, "k")
    assert line in str(caught.value)
    assert reason in str(caught.value)


def test_functions_that_are_not_inlined_are_refused():
    with pytest.raises(UnsupportedPtx, match="not inlined"):
        parse(HEAD + ".func f(.param .b32 a)\n{\nret;\n}\n" + kernel("ret;"))
