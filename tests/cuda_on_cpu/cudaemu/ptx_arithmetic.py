"""Rules of arithmetic, comparison and conversion."""

from __future__ import annotations

from .ptx_rules import Context, only_nearest, rounded, rule, saturated
from .ptx_text import Instruction
from .ptx_types import FLOATS, INTEGERS, WIDER, UnsupportedPtx, size_of, unsigned

_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_INTEGER_FUNCTIONS = {"div": "quotient", "rem": "remainder_of", "min": "smaller", "max": "larger"}
_COMPARE = {
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
    "lo": "<", "ls": "<=", "hi": ">", "hs": ">=",
}  # fmt: skip
_BOOLEAN = {"and": "&&", "or": "||", "xor": "!="}
_ROUNDING = {"rni": "RN", "rzi": "RZ", "rmi": "RM", "rpi": "RP"}


@rule("add", "sub", "mul", "div", "rem", modifiers="lo hi wide rn rz rm rp ftz sat", operands=3)
def _binary(c: Context, ins: Instruction) -> str:
    if ins.type in INTEGERS:
        return c.assign(ins, _integer_binary(c, ins))
    _float_only(ins, "f32", "f64")
    only_nearest(ins)
    sign = _SIGNS.get(ins.mnemonic)
    # Without .rn a division is an approximation of the device.
    if sign is None or (sign == "/" and "rn" not in ins.modifiers):
        raise UnsupportedPtx("not an exactly rounded operation")
    return c.assign(ins, rounded(ins, f"{c.value(ins, 1)} {sign} {c.value(ins, 2)}"))


def _integer_binary(c: Context, ins: Instruction) -> str:
    kind, name, modifiers = ins.type, ins.mnemonic, set(ins.modifiers[:-1])
    if modifiers - ({"lo", "hi", "wide"} if name == "mul" else set()):
        raise UnsupportedPtx(f"modifiers {sorted(modifiers)} of an integer")
    if name == "mul" and modifiers != {"lo"}:
        wide = WIDER[kind]
        product = f"({wide}){c.value(ins, 1)} * ({wide}){c.value(ins, 2)}"
        return f"({wide})({product})" if "wide" in modifiers else _upper(kind, product)
    if name in _INTEGER_FUNCTIONS:
        return f"{_INTEGER_FUNCTIONS[name]}<{kind}>({c.value(ins, 1)}, {c.value(ins, 2)})"
    bits = unsigned(kind)
    x, y = c.value(ins, 1, bits), c.value(ins, 2, bits)
    return f"({kind})({bits})((u64){x} {_SIGNS[name]} (u64){y})"


def _upper(kind: str, product: str) -> str:
    return f"({kind})(({product}) >> {8 * size_of(kind)})"


def _float_only(ins: Instruction, *allowed: str) -> None:
    if ins.type not in allowed:
        raise UnsupportedPtx(f"type .{ins.type}; allowed: {', '.join(allowed)} and integers")


@rule("min", "max", modifiers="ftz NaN", operands=3)
def _extreme(c: Context, ins: Instruction) -> str:
    name = {"min": "smaller", "max": "larger"}[ins.mnemonic]
    if ins.type not in INTEGERS:
        _float_only(ins, "f32", "f64")
        name += "_nan" if "NaN" in ins.modifiers else ""
    elif len(ins.modifiers) > 1:
        raise UnsupportedPtx(f"modifiers {ins.modifiers[:-1]} of an integer")
    return c.assign(ins, f"{name}<{ins.type}>({c.value(ins, 1)}, {c.value(ins, 2)})")


@rule("mad", "fma", modifiers="lo hi wide rn rz rm rp ftz sat", operands=4)
def _multiply_add(c: Context, ins: Instruction) -> str:
    if ins.type in INTEGERS:
        return c.assign(ins, _integer_multiply_add(c, ins))
    _float_only(ins, "f32", "f64")
    only_nearest(ins)
    fused = f"std::fma({c.value(ins, 1)}, {c.value(ins, 2)}, {c.value(ins, 3)})"
    return c.assign(ins, rounded(ins, fused))


def _integer_multiply_add(c: Context, ins: Instruction) -> str:
    kind, modifiers = ins.type, set(ins.modifiers[:-1])
    if modifiers == {"lo"}:
        bits = unsigned(kind)
        x, y, z = (c.value(ins, i, bits) for i in (1, 2, 3))
        return f"({kind})({bits})((u64){x} * (u64){y} + (u64){z})"
    wide = WIDER[kind]
    product = f"({wide}){c.value(ins, 1)} * ({wide}){c.value(ins, 2)}"
    if modifiers == {"wide"}:
        bits = unsigned(wide)
        return f"({wide})({bits})(({bits})({product}) + {c.value(ins, 3, bits)})"
    if modifiers == {"hi"}:
        bits = unsigned(kind)
        return f"({kind})({bits})(({bits}){_upper(kind, product)} + {c.value(ins, 3, bits)})"
    raise UnsupportedPtx(f"modifiers {sorted(modifiers)} of an integer")


@rule("neg", "abs", modifiers="ftz", operands=2)
def _sign(c: Context, ins: Instruction) -> str:
    if ins.type in INTEGERS:
        bits, x = unsigned(ins.type), c.value(ins, 1)
        negative = f"({ins.type})(0 - (u64)({bits}){x})"
        code = negative if ins.mnemonic == "neg" else f"{x} < 0 ? {negative} : {x}"
        return c.assign(ins, f"({ins.type})({code})")
    _float_only(ins, "f16", "f32", "f64")
    x = c.value(ins, 1)
    return c.assign(ins, f"({ins.type})(-{x})" if ins.mnemonic == "neg" else _magnitude(ins, x))


def _magnitude(ins: Instruction, x: str) -> str:
    return f"({ins.type})std::fabs({x})" if ins.type != "f16" else f"(f16)std::fabs((f32){x})"


@rule("sqrt", "rcp", modifiers="rn ftz", operands=2)
def _root(c: Context, ins: Instruction) -> str:
    if "rn" not in ins.modifiers:
        raise UnsupportedPtx("not an exactly rounded operation")
    _float_only(ins, "f32", "f64")
    x = c.value(ins, 1)
    one = f"({ins.type})1 / {x}"
    return c.assign(ins, rounded(ins, f"std::sqrt({x})" if ins.mnemonic == "sqrt" else one))


@rule("copysign", operands=3)
def _copysign(c: Context, ins: Instruction) -> str:
    """The sign of the first source, the magnitude of the second."""
    _float_only(ins, "f32", "f64")
    return c.assign(ins, f"std::copysign({c.value(ins, 2)}, {c.value(ins, 1)})")


@rule("selp", operands=4)
def _select(c: Context, ins: Instruction) -> str:
    condition = c.names.predicate(ins.operands[3], ins)
    return c.assign(ins, f"({condition} ? {c.value(ins, 1)} : {c.value(ins, 2)})")


@rule(
    "setp",
    modifiers="|".join([*_COMPARE, "equ|neu|ltu|leu|gtu|geu|nan|num|and|or|xor|ftz"]),
    operands=(3, 4),
)
def _compare(c: Context, ins: Instruction) -> str:
    code = _comparison(ins.modifiers[0], ins.type, c.value(ins, 1), c.value(ins, 2))
    if len(ins.operands) == 4:
        combine = next((m for m in ins.modifiers[1:] if m in _BOOLEAN), None)
        if combine is None:
            raise UnsupportedPtx("a fourth operand without .and, .or or .xor")
        code = f"({code} {_BOOLEAN[combine]} {c.names.predicate(ins.operands[3], ins)})"
    first, *second = (
        c.names.register(name, ins.scopes) for name in ins.operands[0].split("|") if name != "_"
    )
    return f"{first} = {code};" + "".join(f" {other} = !{first};" for other in second)


def _comparison(name: str, kind: str, x: str, y: str) -> str:
    unordered = f"({x} != {x} || {y} != {y})"
    if kind in INTEGERS:
        if name not in _COMPARE:
            raise UnsupportedPtx(f"comparison .{name} of integers")
        return f"({x} {_COMPARE[name]} {y})"
    if name in ("nan", "num"):
        return unordered if name == "nan" else f"(!{unordered})"
    if name in ("lo", "ls", "hi", "hs") or kind == "bf16":
        raise UnsupportedPtx(f"comparison .{name} of .{kind}")
    if name == "ne":  # ordered: false where either is NaN
        return f"({x} < {y} || {x} > {y})"
    if name in _COMPARE:
        return f"({x} {_COMPARE[name]} {y})"
    return f"({unordered} || {x} {_COMPARE[name[:-1]]} {y})"


@rule("cvt", modifiers="rn rni rzi rmi rpi ftz sat f16x2 bf16x2", operands=(2, 3))
def _convert(c: Context, ins: Instruction) -> str:
    if len(ins.modifiers) < 2:
        raise UnsupportedPtx("conversion without two types")
    to, source = ins.modifiers[-2:]
    if to in ("f16x2", "bf16x2"):
        return _convert_pair(c, ins, to[:-2])
    if len(ins.operands) != 2 or {to, source} - (INTEGERS | FLOATS):
        raise UnsupportedPtx(f"conversion from .{source} to .{to}")
    how = [m for m in ins.modifiers[:-2] if m not in ("ftz", "sat")]
    x = c.value(ins, 1)
    if source in INTEGERS:
        return c.assign(ins, _from_integer(ins, to, source, how, x))
    rounding = _ROUNDING.get(how[0]) if len(how) == 1 else None
    if to in INTEGERS:
        if rounding is None:
            raise UnsupportedPtx("conversion to an integer without a rounding")
        return c.assign(ins, f"to_integer<{to}>(widen({x}), {rounding})")
    if how not in ([], ["rn"]) and rounding is None:
        raise UnsupportedPtx(f"rounding {how}")
    wide = f"round_as(widen({x}), {rounding})" if rounding else f"widen({x})"
    result = f"narrow<{to}>({wide})"
    if "ftz" in ins.modifiers:
        result = f"ftz({result})"
    if "sat" in ins.modifiers:
        if to in ("f16", "bf16"):
            raise UnsupportedPtx("saturation of a half type")
        result = saturated(to, result)
    return c.assign(ins, result)


def _from_integer(ins: Instruction, to: str, source: str, how: list[str], x: str) -> str:
    if to in INTEGERS:
        if how:
            raise UnsupportedPtx("rounding between integers")
        return f"saturate<{to}>({x})" if "sat" in ins.modifiers else f"({to}){x}"
    if how != ["rn"] or "sat" in ins.modifiers or to not in ("f32", "f64"):
        # A half type would be rounded twice by way of float32.
        raise UnsupportedPtx(f"conversion from .{source} to .{to} with {ins.modifiers[:-2]}")
    return f"({to}){x}"


def _convert_pair(c: Context, ins: Instruction, half: str) -> str:
    """Two float32 to a pair of halves; the first source is the upper half."""
    if ins.modifiers[:-2] != ("rn",) or ins.type != "f32" or len(ins.operands) != 3:
        raise UnsupportedPtx(f"conversion to .{half}x2")
    upper, lower = (f"(u32)half_bits(narrow<{half}>(widen({c.value(ins, i)})))" for i in (1, 2))
    return c.assign(ins, f"{lower} | {upper} << 16")
