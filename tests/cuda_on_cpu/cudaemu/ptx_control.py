"""Rules of branches, barriers and warp-wide instructions."""

from __future__ import annotations

from .ptx_rules import Context, rule
from .ptx_text import Instruction
from .ptx_types import UnsupportedPtx

# mode -> (source lane, whether it is within the segment)
_SHUFFLES = {
    "up": ("(int)lane - (int)b", "from >= (int)last"),
    "down": ("(int)(lane + b)", "from <= (int)last"),
    "bfly": ("(int)(lane ^ b)", "from <= (int)last"),
    "idx": ("(int)(first | (b & ~segment))", "from <= (int)last"),
}
_VOTES = {"all": "VOTE_ALL", "any": "VOTE_ANY", "ballot": "VOTE_ANY"}


def _label(name: str) -> str:
    return f"L{name.replace('$', '_')}"


@rule("bra", modifiers="uni", operands=1)
def _branch(c: Context, ins: Instruction) -> str:
    return f"goto {_label(ins.operands[0])};"


@rule("brx", modifiers="idx uni", operands=2)
def _branch_table(c: Context, ins: Instruction) -> str:
    if ins.operands[1] not in c.names.targets:
        raise UnsupportedPtx(f"branch targets {ins.operands[1]}")
    targets = [_label(name) for name in c.names.targets[ins.operands[1]]]
    cases = " ".join(f"if (index == {i}) goto {name};" for i, name in enumerate(targets))
    index = c.names.value(ins.operands[0], "u32", ins)
    wrong = 'throw std::runtime_error("index beyond the branch targets");'
    return f"{{ const u32 index = {index}; {cases} {wrong} }}"


@rule("ret", "exit", modifiers="uni", operands=0)
def _return(c: Context, ins: Instruction) -> str:
    return "return DONE;"


@rule("trap", operands=0)
def _trap(c: Context, ins: Instruction) -> str:
    return 'throw std::runtime_error("trap");'


@rule("bar", "barrier", modifiers="sync cta aligned warp", operands=1)
def _barrier(c: Context, ins: Instruction) -> str:
    if "sync" not in ins.modifiers:
        raise UnsupportedPtx("barrier")
    if "warp" in ins.modifiers:
        mask = c.names.value(ins.operands[0], "u32", ins)
        before = f"t.collective = VOTE_ALL; t.mask = {mask}; t.predicate = false;"
        return c.wait(before, "AT_WARP", "")
    if ins.operands[0] != "0":
        raise UnsupportedPtx("barrier other than 0")
    return c.wait("", "AT_BARRIER", "")


@rule("shfl", modifiers="sync up down bfly idx", operands=5)
def _shuffle(c: Context, ins: Instruction) -> str:
    mode = next((m for m in ins.modifiers if m in _SHUFFLES), "")
    if "sync" not in ins.modifiers or not mode:
        raise UnsupportedPtx("shuffle")
    value, lane, bounds, mask = (c.names.value(o, "u32", ins) for o in ins.operands[1:])
    source, inside = _SHUFFLES[mode]
    before = (
        f"{{ const u32 lane = t.linear & 31, b = {lane} & 31, c = {bounds}, clamp = c & 31, "
        "segment = c >> 8 & 31, first = lane & segment, last = first | (clamp & ~segment); "
        f"(void)first; const int from = {source}; const bool inside = {inside}; "
        "t.source = inside ? from : lane; t.result_predicate = inside; "
        f"t.value = {value}; t.mask = {mask}; t.collective = SHUFFLE; t.predicate = false; }}"
    )
    target, *flag = (c.names.register(n, ins.scopes) for n in ins.operands[0].split("|"))
    after = f"set({target}, t.result);" + "".join(f" {p} = t.result_predicate;" for p in flag)
    return c.wait(before, "AT_WARP", after)


@rule("vote", modifiers="sync all any ballot", operands=3)
def _vote(c: Context, ins: Instruction) -> str:
    mode = next((m for m in ins.modifiers if m in _VOTES), "")
    if "sync" not in ins.modifiers or not mode:
        raise UnsupportedPtx("vote")
    condition = c.names.predicate(ins.operands[1], ins)
    mask = c.names.value(ins.operands[2], "u32", ins)
    before = f"t.collective = {_VOTES[mode]}; t.mask = {mask}; t.predicate = {condition};"
    after = (
        c.assign(ins, "t.result") if mode == "ballot" else f"{c.target(ins)} = t.result_predicate;"
    )
    return c.wait(before, "AT_WARP", after)
