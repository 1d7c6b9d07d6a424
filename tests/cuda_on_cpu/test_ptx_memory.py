"""Memory of the emulated machine: what it does, and every mistake that it must report."""

from __future__ import annotations

import fakecupy as cp
import numpy as np
import pytest
from cudaemu.launching import LaunchError, Memory, Pointer, pack
from ptx_programs import HEAD, kernel, run


def arange(n: int, dtype: str = "u4") -> cp.ndarray:
    return cp.asarray(np.arange(n, dtype=dtype))


# ---- what it does


def test_vectors_are_loaded_and_stored_in_order():
    x, y = arange(8), cp.empty(8, "u4")
    body = """
        ld.global.nc.v4.u32 {%r0, %r1, %r2, %r3}, [%p0+16];
        st.global.cs.v4.u32 [%p1], {%r3, %r2, %r1, %r0};
        ld.global.v2.u32 {%r4, _}, [%p0];
        st.global.v2.u32 [%p1+16], {%r4, %r4};
        ld.global.L2::128B.b64 %d0, [%p0+8];
        st.global.b64 [%p1+24], %d0;
    """
    run(kernel(body, 2), x, y)
    assert y.get().tolist() == [7, 6, 5, 4, 0, 0, 2, 3]


STRUCTURE = (
    ".visible .entry k(.param .u64 y, .param .align 8 .b8 s[16]) {"
    ".reg .b64 %d<4>; .reg .b32 %r<4>;"
    "ld.param.u64 %d0, [y]; mov.b64 %d1, s; add.s64 %d1, %d1, 4;"
    "ld.param.u32 %r0, [%d1+PLACE]; ld.param.v2.u32 {%r1, %r2}, [%d1+4];"
    "st.global.u32 [%d0], %r0; st.global.u32 [%d0+4], %r2; ret; }"
)


def test_parameters_by_an_address_that_was_taken():
    given = np.array((1, 2, 3, 4), [(name, "i4") for name in "abcd"])
    y = cp.empty(2, "u4")
    run(STRUCTURE.replace("PLACE", "-4"), y, given)
    assert y.get().tolist() == [1, 4]
    for place in (-13, 12, 2**33):
        with pytest.raises(LaunchError, match="a parameter that is not there"):
            run(STRUCTURE.replace("PLACE", str(place)), y, given)


@pytest.mark.parametrize(
    ("load", "bits"), [("s8", 0xFFFFFF80), ("u8", 0x80), ("s16", 0xFFFF8080), ("u16", 0x8080)]
)
def test_narrow_loads_extend_as_their_type_says(load, bits):
    x, y = cp.asarray(np.full(4, 0x80, "u1")), cp.empty(1, "u4")
    run(kernel(f"ld.global.{load} %r0, [%p0]; st.global.u32 [%p1], %r0;", 2), x, y)
    assert hex(int(y.get()[0])) == hex(bits)


def test_a_narrow_store_leaves_its_neighbours_alone():
    y = cp.asarray(np.zeros(4, "u1"))
    run(kernel("mov.u32 %r0, 0x1234; st.global.u8 [%p0+2], %r0;"), y)
    assert y.get().tolist() == [0, 0, 0x34, 0]


def test_shared_memory_static_and_dynamic():
    before = ".extern .shared .align 16 .b8 dynamic[];"
    body = """
        .shared .align 4 .b8 own[8];
        mov.u32 %r0, own; mov.u32 %r1, dynamic;
        mov.u32 %r2, 5; st.shared.u32 [own+4], %r2; st.shared.u32 [%r1+12], %r2;
        ld.shared.u32 %r3, [%r0+4]; ld.shared.u32 %r4, [dynamic+12];
        add.u32 %r3, %r3, %r4; st.global.u32 [%p0], %r3;
    """
    y = cp.empty(1, "u4")
    run(kernel(body, before=before), y, shared=16)
    assert y.get()[0] == 10


def test_local_memory_and_variables_of_the_module():
    before = ".global .align 4 .b8 table[8] = {1, 0, 0, 0, 7, 0, 0, 0};\n.const .u32 c = 30;"
    body = """
        .local .align 8 .b8 own[16];
        mov.u64 %d0, own; mov.u32 %r0, 4; st.local.u32 [%d0+8], %r0; ld.local.u32 %r1, [own+8];
        ld.global.nc.u32 %r2, [table+4]; ld.const.u32 %r3, [c];
        add.u32 %r1, %r1, %r2; add.u32 %r1, %r1, %r3; st.global.u32 [%p0], %r1;
    """
    y = cp.empty(1, "u4")
    run(kernel(body, before=before), y)
    assert y.get()[0] == 41


@pytest.mark.parametrize(
    ("operation", "old", "given", "after"),
    [
        ("add.u32", 5, "7", 12),
        ("min.s32", 0xFFFFFFFF, "3", 0xFFFFFFFF),
        ("max.u32", 5, "7", 7),
        ("exch.b32", 5, "7", 7),
        ("cas.b32", 5, "5, 9", 9),
        ("cas.b32", 5, "6, 9", 5),
        ("and.b32", 6, "3", 2),
        ("or.b32", 6, "3", 7),
        ("xor.b32", 6, "3", 5),
    ],
)
def test_atomic_operations(operation, old, given, after):
    x, y = cp.asarray(np.array([old], "u4")), cp.empty(1, "u4")
    body = f"atom.global.{operation} %r0, [%p0], {given}; st.global.u32 [%p1], %r0;"
    run(kernel(body, 2), x, y)
    assert (x.get()[0], y.get()[0]) == (after, old)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_atomic_additions_of_all_threads_arrive(seed):
    y = cp.asarray(np.zeros(1, "f4"))
    run(kernel("red.global.add.f32 [%p0], 0f3F800000;"), y, block=64, grid=3, seed=seed)
    assert y.get()[0] == 192


# ---- mistakes


def fails(body: str, *arrays: cp.ndarray, message: str, before: str = "", **how) -> None:
    with pytest.raises(LaunchError, match=message):
        run(kernel(body, len(arrays), before), *arrays, **how)


@pytest.mark.parametrize("offset", [-4, 16, 4096, 2**40])
@pytest.mark.parametrize("access", ["ld.global.u32 %r0, [ADDRESS]", "st.global.u32 [ADDRESS], %r0"])
def test_out_of_bounds(offset, access):
    what = "read" if access.startswith("ld") else "write"
    text = f"mov.u32 %r0, 0; add.s64 %d0, %p0, {offset}; {access.replace('ADDRESS', '%d0')};"
    fails(text, arange(4), message=rf"out-of-bounds {what} of 4 bytes at argument 0 \{offset:+d}")


def test_the_bounds_are_those_of_the_view_that_was_given():
    x = arange(8)[2:6]
    run(kernel("ld.global.u32 %r0, [%p0+12];"), x)
    for offset in (-4, 16):
        fails(f"ld.global.u32 %r0, [%p0+{offset}];", x, message="out-of-bounds")


def test_a_vector_that_ends_beyond_the_array():
    fails("ld.global.v4.u32 {%r0, %r1, %r2, %r3}, [%p0+16];", arange(7), message="of 16 bytes")


def test_misaligned_vectors():
    body = "ld.global.v2.u32 {%r0, %r1}, [%p0+4];"
    fails(body, arange(4), message="misaligned 8-byte access")


def test_a_null_pointer():
    fails("mov.u64 %d0, 0; ld.global.u32 %r0, [%d0];", arange(1), message="out-of-bounds read")


def test_reading_what_nobody_has_written():
    fails("ld.global.u32 %r0, [%p0+4];", cp.empty(4, "u4"), message="uninitialised global")
    y = cp.empty(4, "u4")
    run(kernel("st.global.u32 [%p0+4], 1; ld.global.u32 %r0, [%p0+4];"), y)
    with pytest.raises(cp.UninitialisedRead, match=r"3 of 4 items were never written.*\(0,\)"):
        y.get()


def test_two_threads_that_write_one_place():
    fails("st.global.u32 [%p0], %t;", arange(1), message="write-after-write race", block=2)


def test_blocks_are_never_ordered():
    fails("st.global.u32 [%p0], 1;", arange(1), message="write-after-write race", grid=2)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_reading_a_neighbour_is_a_race_in_every_order(seed):
    body = "ld.global.u32 %r0, [%own0+4]; st.global.u32 [%own0], %r0;"
    fails(body, arange(33), message="(write-after-read|read-after-write) race", block=32, seed=seed)


def test_a_barrier_orders_a_block():
    body = """
        st.global.u32 [%own0], %t; bar.sync 0;
        xor.b32 %r0, %t, 1; mad.wide.u32 %d0, %r0, 4, %p0; ld.global.u32 %r1, [%d0];
        st.global.u32 [%own1], %r1;
    """
    x, y = cp.empty(32, "u4"), cp.empty(32, "u4")
    run(kernel(body, 2), x, y, block=32)
    assert y.get().tolist() == [i ^ 1 for i in range(32)]
    without = body.replace("bar.sync 0;", "")
    fails(without, cp.empty(32, "u4"), cp.empty(32, "u4"), message="race|uninit", block=32)


def test_the_read_only_cache_must_not_see_writes():
    body = "st.global.u32 [%own0], 1; ld.global.nc.u32 %r0, [%own0];"
    fails(body, arange(1), message="read-only cache")


def test_shared_memory_has_bounds_alignment_races_and_initial_contents():
    declared = ".shared .align 8 .b8 own[8];"
    for body, message in (
        ("ld.shared.u32 %r0, [own];", "uninitialised shared"),
        ("st.shared.u32 [own+8], %r0;", "out-of-bounds shared write"),
        ("mov.u64 %d0, 0; st.shared.u32 [%d0], %r0;", "out-of-bounds shared write"),
        ("st.shared.v2.u32 [own+4], {%r0, %r0};", "out-of-bounds|misaligned"),
        ("st.shared.u32 [own], %t;", "write-after-write race in shared"),
    ):
        fails(f"{declared} mov.u32 %r0, 0; {body}", arange(1), message=message, block=2)


def test_variables_of_the_module_are_not_written():
    before = ".global .align 4 .u32 counter = 1;"
    fails("st.global.u32 [counter], 2;", arange(1), message="out-of-bounds write", before=before)


def test_local_memory_has_bounds():
    body = ".local .align 4 .b8 own[8]; mov.u64 %d0, own; st.local.u32 [%d0+4096], 1;"
    fails(body, arange(1), message="local memory")


@pytest.mark.parametrize("text", ["div.s32 %r0, %r1, %r2", "rem.u64 %d0, %d1, %d2"])
def test_division_by_zero(text):
    values = "mov.u32 %r1, 1; mov.u32 %r2, 0; mov.u64 %d1, 1; mov.u64 %d2, 0;"
    fails(f"{values} {text}; st.global.u32 [%p0], %r0;", arange(1), message="by zero")


def test_a_message_tells_who_and_where():
    body = "add.u32 %r0, %t, 3; mad.wide.u32 %d0, %r0, 4, %p0; st.global.u32 [%d0], %t;"
    with pytest.raises(LaunchError) as caught:
        run(kernel(body), arange(5), block=4, seed=0)
    text = "k: out-of-bounds write of 4 bytes at argument 0 +20; block (0,0,0) thread (2,0,0); "
    assert str(caught.value) == f"{text}at: k: st.global.u32 [%d0], %t"


# ---- arguments


@pytest.mark.parametrize(
    ("argument", "parameter", "fits"),
    [
        (np.int32(1), ("u32", 4, 0), True),
        (np.int64(1), ("u32", 4, 0), False),
        (np.float32(1), ("f32", 4, 0), True),
        (np.float64(1), ("f32", 4, 0), False),
        (np.int32(1), ("f32", 4, 0), False),
        (np.float32(1), ("u32", 4, 0), False),
        (np.int64(1), ("u64", 8, 0), True),
        (None, ("u64", 8, 0), True),
        (None, ("f64", 8, 0), False),
        (Pointer(4096, Memory(4096, 4, 4, np.zeros(1, "u1"))), ("u64", 8, 0), True),
        (Pointer(4096, Memory(4096, 4, 4, np.zeros(1, "u1"))), ("u32", 4, 0), False),
        (np.zeros(1, "i4,i4")[0], ("struct", 8, 0), True),
    ],
)
def test_arguments_have_the_width_and_kind_of_the_parameters(argument, parameter, fits):
    if fits:
        assert len(pack([argument], [parameter])) == parameter[1]
    else:
        with pytest.raises(LaunchError, match="argument 0: got"):
            pack([argument], [parameter])


def test_the_number_of_arguments():
    with pytest.raises(LaunchError, match="1 arguments for 2 parameters"):
        run(kernel("", 2), arange(1))


def test_parameters_lie_where_the_text_says():
    text = ".visible .entry k(.param .u64 a, .param .u8 b, .param .f64 c, .param .align 8 .b8 d[8])"
    body = """{ .reg .b64 %a; .reg .b16 %b; .reg .f64 %c; .reg .b32 %d<2>;
        ld.param.u64 %a, [a]; ld.param.u8 %b, [b]; ld.param.f64 %c, [c];
        ld.param.v2.u32 {%d0, %d1}, [d];
        st.global.u8 [%a], %b; st.global.f64 [%a+8], %c; st.global.v2.u32 [%a+16], {%d0, %d1};
        ret; }"""
    y = cp.asarray(np.zeros(24, "u1"))
    pair = np.array((3, 4), "u4,u4")[()]
    run(text + body, y, np.uint8(200), np.float64(2.5), pair)
    host = y.get()
    assert host[0] == 200
    assert host[8:16].view("f8")[0] == 2.5
    assert host[16:].view("u4").tolist() == [3, 4]


def test_a_kernel_that_is_not_there():
    from cudaemu.launching import How
    from cudaemu.ptx_engine import PtxEngine

    with pytest.raises(LaunchError, match="no kernel 'other'; there are: k"):
        PtxEngine(HEAD + kernel("")).launch("other", (), How((1, 1, 1), (1, 1, 1)))
