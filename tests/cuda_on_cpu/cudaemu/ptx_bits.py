"""Rules of moves, logic, shifts and bit fields."""

from __future__ import annotations

from .ptx_operands import vector
from .ptx_rules import Context, rule
from .ptx_text import Instruction
from .ptx_types import UnsupportedPtx, size_of, unsigned

_LOGIC = {"and": "&", "or": "|", "xor": "^"}


@rule("mov", operands=2)
def _move(c: Context, ins: Instruction) -> str:
    target, source = ins.operands
    if ins.type == "pred":
        return f"{c.target(ins)} = {c.names.predicate(source, ins)};"
    if target.startswith("{"):
        return _unpack(c, ins, vector(target), source)
    if source.startswith("{"):
        parts = vector(source)
        width = 8 * size_of(ins.type) // len(parts)
        items = [f"(u64){c.names.value(p, f'u{width}', ins)}" for p in parts]
        joined = " | ".join(f"{item} << {i * width}" for i, item in enumerate(items))
        return c.assign(ins, f"({unsigned(ins.type)})({joined})")
    return c.assign(ins, c.value(ins, 1))


def _unpack(c: Context, ins: Instruction, parts: list[str], source: str) -> str:
    width = 8 * size_of(ins.type) // len(parts)
    whole = c.names.value(source, unsigned(ins.type), ins)
    pieces = [
        f"set({c.names.register(part, ins.scopes)}, (u{width})(whole >> {i * width}));"
        for i, part in enumerate(parts)
        if part != "_"
    ]
    return f"{{ u64 whole = {whole}; {' '.join(pieces)} }}"


@rule("cvta", modifiers="to global local", operands=2)
def _convert_address(c: Context, ins: Instruction) -> str:
    """Generic and global addresses are the same here; shared ones, a space apart, are refused."""
    return c.assign(ins, c.value(ins, 1, "u64"))


@rule("and", "or", "xor", operands=3)
def _logic(c: Context, ins: Instruction) -> str:
    sign = _LOGIC[ins.mnemonic]
    if ins.type == "pred":
        x, y = (c.names.predicate(operand, ins) for operand in ins.operands[1:])
        return f"{c.target(ins)} = {x} {sign} {y};"
    return c.assign(ins, f"({ins.type})({c.value(ins, 1)} {sign} {c.value(ins, 2)})")


@rule("not", operands=2)
def _not(c: Context, ins: Instruction) -> str:
    if ins.type == "pred":
        return f"{c.target(ins)} = !{c.names.predicate(ins.operands[1], ins)};"
    return c.assign(ins, f"({ins.type})~{c.value(ins, 1)}")


@rule("shl", "shr", operands=3)
def _shift(c: Context, ins: Instruction) -> str:
    kind = ins.type if ins.type.startswith("s") else unsigned(ins.type)
    name = {"shl": "shift_left", "shr": "shift_right"}[ins.mnemonic]
    return c.assign(ins, f"{name}<{kind}>({c.value(ins, 1, kind)}, {c.value(ins, 2, 'u32')})")


@rule("shf", modifiers="l r wrap clamp", operands=4)
def _funnel(c: Context, ins: Instruction) -> str:
    if ins.modifiers[0] not in ("l", "r") or ins.modifiers[1] not in ("wrap", "clamp"):
        raise UnsupportedPtx("funnel shift")
    name = {"l": "funnel_left", "r": "funnel_right"}[ins.modifiers[0]]
    low, high, count = (c.value(ins, i, "u32") for i in (1, 2, 3))
    wrap = str(ins.modifiers[1] == "wrap").lower()
    return c.assign(ins, f"{name}({low}, {high}, {count}, {wrap})")


@rule("prmt", operands=4)
def _permute(c: Context, ins: Instruction) -> str:
    return c.assign(ins, f"permute_bytes({', '.join(c.value(ins, i, 'u32') for i in (1, 2, 3))})")


@rule("lop3", operands=5)
def _logic3(c: Context, ins: Instruction) -> str:
    return c.assign(ins, f"logic3({', '.join(c.value(ins, i, 'u32') for i in (1, 2, 3, 4))})")


@rule("bfe", operands=4)
def _extract(c: Context, ins: Instruction) -> str:
    bounds = f"{c.value(ins, 2, 'u32')}, {c.value(ins, 3, 'u32')}"
    return c.assign(ins, f"extract<{ins.type}>({c.value(ins, 1)}, {bounds})")


@rule("bfi", operands=5)
def _insert(c: Context, ins: Instruction) -> str:
    bounds = f"{c.value(ins, 3, 'u32')}, {c.value(ins, 4, 'u32')}"
    return c.assign(ins, f"insert<{ins.type}>({c.value(ins, 1)}, {c.value(ins, 2)}, {bounds})")


@rule("popc", "clz", "brev", operands=2)
def _count(c: Context, ins: Instruction) -> str:
    bits, x = 8 * size_of(ins.type), c.value(ins, 1, unsigned(ins.type))
    if ins.mnemonic == "popc":
        return c.assign(ins, f"(u32)__builtin_popcountll({x})")
    if ins.mnemonic == "clz":
        return c.assign(ins, f"(u32)({x} ? __builtin_clzll({x}) - {64 - bits} : {bits})")
    return c.assign(ins, f"reverse_bits<{unsigned(ins.type)}>({x})")
