"""Threads of the emulated machine: orders, branches, barriers, warps, limits and counts."""

from __future__ import annotations

import fakecupy as cp
import numpy as np
import pytest
from cudaemu.launching import LaunchError
from ptx_programs import kernel, run

STORE = "st.global.u32 [%own0], %r0;"


def lanes(body: str, block: int = 32, **how) -> list[int]:
    """What each thread leaves in %r0."""
    y = cp.empty(block, "u4")
    run(kernel(f"{body} {STORE}"), y, block=block, **how)
    return y.get().tolist()


def fails(body: str, message: str, block: int = 32, attributes: str = "", **how) -> None:
    with pytest.raises(LaunchError, match=message):
        run(kernel(body, attributes=attributes), cp.zeros(1, "u4"), block=block, **how)


def test_every_thread_of_every_block_runs_once():
    y = cp.empty((3, 5), "u4")
    body = """
        mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mad.lo.u32 %r0, %r1, %r2, %t;
        mad.wide.u32 %d0, %r0, 4, %p0; st.global.u32 [%d0], %r0;
    """
    for seed in range(4):
        done = run(kernel(body), y, block=5, grid=3, seed=seed)
        assert y.get().ravel().tolist() == list(range(15))
        assert done.blocks == 3


def test_seeds_give_different_orders_and_0_is_in_order():
    body = "atom.global.add.u32 %r0, [%p1], 1; st.global.u32 [%own0], %r0;"
    orders = []
    for seed in (0, 1, 2):
        y, counter = cp.empty(32, "u4"), cp.zeros(1, "u4")
        run(kernel(body, 2), y, counter, block=32, seed=seed)
        orders.append(y.get().tolist())
    assert orders[0] == list(range(32))
    assert sorted(orders[1]) == sorted(orders[2]) == orders[0]
    assert orders[0] != orders[1] != orders[2]


def test_branches_and_loops():
    body = """
        mov.u32 %r0, 0; mov.u32 %r1, 0;
        LOOP: setp.ge.u32 %q0, %r1, %t; @%q0 bra END;
        add.u32 %r0, %r0, %r1; add.u32 %r1, %r1, 1; bra.uni LOOP;
        END:
    """
    assert lanes(body, 5) == [0, 0, 1, 3, 6]


def test_a_loop_without_end():
    fails("LOOP: add.u32 %r0, %r0, 1; bra.uni LOOP;", "a block does not end", block=1)


def test_a_table_of_branch_targets():
    body = """
        targets: .branchtargets $A, $B, $C;
        brx.idx %t, targets;
        $A: mov.u32 %r0, 10; bra END;
        $B: mov.u32 %r0, 11; bra END;
        $C: mov.u32 %r0, 12;
        END:
    """
    assert lanes(body, 3) == [10, 11, 12]
    fails(body, "beyond the branch targets", 4)


def test_scopes_may_repeat_the_names_of_registers():
    body = """
        { .reg .b16 low, high; mov.b32 {low, high}, 0x00020001; cvt.u32.u16 %r1, low; }
        { .reg .b64 low; mov.u64 low, 7; cvt.u32.u64 %r2, low; }
        add.u32 %r0, %r1, %r2;
    """
    assert lanes(body, 1) == [8]


def test_an_early_return():
    y = cp.zeros(4, "u4")
    run(kernel(f"setp.lt.u32 %q0, %t, 2; @%q0 ret; mov.u32 %r0, 1; {STORE}"), y, block=4)
    assert y.get().tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("mode", "operand", "clamp", "source"),
    [
        ("down", 1, 31, lambda i: min(i + 1, 31)),
        ("up", 3, 0, lambda i: i - 3 if i >= 3 else i),
        ("bfly", 16, 31, lambda i: i ^ 16),
        ("idx", 5, 31, lambda i: 5),
        ("down", 2, 0x181F, lambda i: i + 2 if i % 8 < 6 else i),  # segments of 8 lanes
        ("idx", 1, 0x1C1F, lambda i: i // 4 * 4 + 1),  # segments of 4
    ],
)
def test_shuffles(mode, operand, clamp, source):
    body = f"mul.lo.u32 %r1, %t, 3; shfl.sync.{mode}.b32 %r0, %r1, {operand}, {clamp}, -1;"
    for seed in (0, 1):
        assert lanes(body, seed=seed) == [3 * source(i) for i in range(32)]


def test_a_shuffle_tells_whether_the_lane_was_within():
    body = "shfl.sync.down.b32 %r1|%q0, %t, 4, 31, -1; selp.u32 %r0, 1, 0, %q0;"
    assert lanes(body) == [int(i < 28) for i in range(32)]


def test_votes():
    condition = "setp.lt.u32 %q0, %t, 5;"
    assert lanes(f"{condition} vote.sync.ballot.b32 %r0, %q0, -1;") == [31] * 32
    for mode, flag, expected in (("any", "%q0", 1), ("all", "%q0", 0), ("any", "!%q0", 1)):
        body = f"{condition} vote.sync.{mode}.pred %q1, {flag}, -1; selp.u32 %r0, 1, 0, %q1;"
        assert lanes(body) == [expected] * 32
    assert lanes(f"{condition} bar.warp.sync -1; mov.u32 %r0, 3;") == [3] * 32


def test_warps_of_a_block_vote_alone():
    body = "setp.lt.u32 %q0, %t, 40; vote.sync.ballot.b32 %r0, %q0, -1;"
    assert lanes(body, 48) == [2**32 - 1] * 32 + [2**8 - 1] * 16


def test_a_collective_that_not_all_named_lanes_reach():
    body = "setp.lt.u32 %q0, %t, 5; @%q0 ret; shfl.sync.down.b32 %r0, %t, 1, 31, -1;"
    fails(body, "deadlock")


def test_a_shuffle_from_a_lane_outside_the_mask():
    body = "setp.gt.u32 %q0, %t, 15; @%q0 ret; shfl.sync.bfly.b32 %r0, %t, 16, 31, 0xFFFF;"
    fails(body, "lane that does not take part")


def test_lanes_that_disagree_about_the_mask():
    body = "mad.lo.u32 %r1, %t, 4, 3; shfl.sync.idx.b32 %r0, %t, 0, 31, %r1;"
    fails(body, "different masks", 2)


def test_a_barrier_that_part_of_the_block_left_before():
    fails("setp.lt.u32 %q0, %t, 5; @%q0 ret; bar.sync 0;", "only part of the block")


def test_threads_at_different_barriers():
    body = "setp.lt.u32 %q0, %t, 5; @%q0 bra ONE; bar.sync 0; ret; ONE: barrier.sync.aligned 0;"
    fails(body, "different barriers")


def test_a_trap():
    fails("trap;", "trap")


@pytest.mark.parametrize(
    ("block", "grid", "message"),
    [
        ((1025, 1, 1), (1, 1, 1), "invalid block size"),
        ((1, 1, 65), (1, 1, 1), "invalid block size"),
        ((0, 1, 1), (1, 1, 1), "invalid block size"),
        ((1, 1, 1), (1, 65536, 1), "invalid grid size"),
        ((1, 1, 1), (1, 1, 65536), "invalid grid size"),
        ((1, 1, 1), (0, 1, 1), "invalid grid size"),
        ((129, 1, 1), (1, 1, 1), "__launch_bounds__"),
    ],
)
def test_limits_of_a_launch(block, grid, message):
    from cudaemu.launching import How
    from cudaemu.ptx_engine import PtxEngine
    from ptx_programs import HEAD

    engine = PtxEngine(HEAD + kernel("", 0, attributes=".maxntid 128, 1, 1"))
    with pytest.raises(LaunchError, match=message):
        engine.launch("k", (), How(grid, block))


def test_the_limit_of_shared_memory():
    run(kernel("", 0), shared=48 * 1024)
    with pytest.raises(LaunchError, match="48 KiB"):
        run(kernel("", 0), shared=48 * 1024 + 1)


def test_executed_instructions_are_counted():
    straight = run(kernel("mov.u32 %r0, 1;\n" * 10, 0), block=4, grid=3).instructions
    assert straight == 4 * 3 * (1 + 10 + 1)  # %tid.x, ten moves, ret
    loop = "mov.u32 %r1, 0; L: add.u32 %r1, %r1, 1; setp.lt.u32 %q0, %r1, 7; @%q0 bra L;"
    assert run(kernel(loop, 0)).instructions == 1 + 1 + 3 * 7 + 1


def test_sectors_are_counted_by_warp():
    x, y = cp.asarray(np.zeros(64 * 8, "f4")), cp.empty(64, "f4")
    body = """
        mad.wide.u32 %d0, %t, 32, %p0; ld.global.f32 %f0, [%d0]; st.global.f32 [%own1], %f0;
    """
    load, store = run(kernel(body, 2), x, y, block=64, count_sectors=True).sites
    assert (load["accesses"], load["requests"], load["sectors"]) == (64, 2, 64)
    assert (store["requests"], store["sectors"], store["ideal_sectors"]) == (2, 8, 8)


def test_only_some_blocks_of_a_large_grid():
    y = cp.zeros(1, "u4")
    done = run(kernel("red.global.add.u32 [%p0], 1;"), y, grid=2**31 - 1, max_blocks=5)
    assert done.blocks == y.get()[0] <= 5
