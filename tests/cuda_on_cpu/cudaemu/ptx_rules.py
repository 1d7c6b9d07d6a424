"""How an instruction becomes C++: a table of rules, filled by the ``ptx_*`` modules.

A rule names every modifier that it understands; an instruction with any other is refused, so
that no modifier can be overlooked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .ptx_operands import Names
from .ptx_text import Instruction, KernelText
from .ptx_types import FLOATS, INTEGERS, UnsupportedPtx


@dataclass
class Context:
    """What rules need of the kernel that is being translated."""

    names: Names
    kernel: KernelText
    sites: list[tuple[str, int]] = field(default_factory=list)  # (text, bytes) of each access
    resume_points: int = 0

    def site(self, text: str, size: int) -> int:
        """Number of a memory access, for messages and counts."""
        self.sites.append((f"{self.kernel.name}: {text}", size))
        return len(self.sites) - 1

    def value(self, ins: Instruction, index: int, kind: str | None = None) -> str:
        """Source operand `index` as the instruction's type or as `kind`; flushed if it is."""
        kind = kind or ins.type
        text = self.names.value(ins.operands[index], kind, ins)
        return f"ftz({text})" if "ftz" in ins.modifiers and kind == "f32" else text

    def assign(self, ins: Instruction, value: str, index: int = 0) -> str:
        return f"set({self.target(ins, index)}, {value});"

    def target(self, ins: Instruction, index: int = 0) -> str:
        return self.names.register(ins.operands[index], ins.scopes)

    def wait(self, before: str, state: str, after: str) -> str:
        """Leave the function with `state`, and go on behind it when called again."""
        self.resume_points += 1
        point = self.resume_points
        return f"{before} t.resume = {point}; return {state}; case {point}:; {after}"


Translate = Callable[[Context, Instruction], str]


@dataclass(frozen=True)
class Rule:
    translate: Translate
    modifiers: re.Pattern[str]
    operands: tuple[int, ...]

    def check(self, ins: Instruction) -> None:
        for modifier in ins.modifiers:
            known = modifier in INTEGERS | FLOATS | {"pred"}
            if not known and not self.modifiers.fullmatch(modifier):
                raise UnsupportedPtx(f"modifier .{modifier}")
        if len(ins.operands) not in self.operands:
            raise UnsupportedPtx(f"{len(ins.operands)} operands; allowed: {self.operands}")


RULES: dict[str, Rule] = {}


def rule(
    *mnemonics: str, modifiers: str = "", operands: int | tuple[int, ...]
) -> Callable[[Translate], Translate]:
    """Decorator: this function translates `mnemonics` with these modifiers (space separated)."""
    pattern = re.compile("|".join(modifiers.split()) or r"(?!)")
    counts = (operands,) if isinstance(operands, int) else operands

    def register(translate: Translate) -> Translate:
        for mnemonic in mnemonics:
            RULES[mnemonic] = Rule(translate, pattern, counts)
        return translate

    return register


def rounded(ins: Instruction, value: str) -> str:
    """A float result with what the modifiers ask for: one NaN, flushing, saturation."""
    value = f"canonical({value})"
    if "ftz" in ins.modifiers:
        value = f"ftz({value})"
    if "sat" in ins.modifiers:
        value = saturated(ins.type, value)
    return value


def saturated(kind: str, value: str) -> str:
    """Clamped to [0, 1]; NaN becomes 0."""
    return f"smaller(larger({value}, ({kind})0), ({kind})1)"


def only_nearest(ins: Instruction) -> None:
    """Refuse directed rounding, which the host's arithmetic does not do."""
    if {"rz", "rm", "rp"} & set(ins.modifiers):
        raise UnsupportedPtx("rounding other than to nearest")
