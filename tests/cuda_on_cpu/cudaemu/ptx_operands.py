"""Names and operands of a kernel -> C++ expressions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .ptx_text import Declaration, Instruction, ModuleText, Parameter, Variable, split_operands
from .ptx_types import INTEGERS, SPECIAL, UnsupportedPtx, size_of

_SPACE = re.compile(r"\.(shared|local) (?:\.align (\d+) )?\.(\w+) ([\w$]+)(?:\[(\d+)\])?$")
_ADDRESS = re.compile(r"\[\s*([%\w$.]+)\s*(?:\+\s*(-?\d+))?\s*\]$")


class Names:
    """What the declarations of one kernel have named."""

    def __init__(self, module: ModuleText, parameters: Sequence[Parameter] = ()) -> None:
        self.module = module
        self.parameters = {one.name: one.offset for one in parameters}
        self.members: list[str] = []  # C++ declarations: registers and local memory
        self.registers: dict[tuple[str, int], str] = {}
        self.shared: dict[str, int] = {}
        self.locals: set[str] = set()
        self.targets: dict[str, list[str]] = {}
        self.static_shared = 0

    def declare(self, item: Declaration) -> None:
        if item.text.startswith(".branchtargets"):
            self.targets[item.name] = split_operands(item.text.removeprefix(".branchtargets"))
        elif item.text.startswith(".reg"):
            self._registers(item)
        elif match := _SPACE.match(item.text):
            self._memory(*match.groups())
        else:
            raise UnsupportedPtx(f"declaration {item.text!r}")

    def _registers(self, item: Declaration) -> None:
        match = re.match(r"\.reg \.(\w+) (.*)", item.text)
        if not match:
            raise UnsupportedPtx(f"declaration {item.text!r}")
        kind = "bool" if match[1] == "pred" else f"u{max(8 * size_of(match[1]), 16)}"
        for name in split_operands(match[2]):
            family = re.match(r"(%?[\w$]+)<(\d+)>$", name)
            names = [f"{family[1]}{i}" for i in range(int(family[2]))] if family else [name]
            for one in names:
                member = f"_{re.sub(r'[%$.]', '_', one)}_{item.scope}"
                self.registers[one, item.scope] = member
                self.members.append(f"{kind} {member};")

    def _memory(self, space: str, align: str, kind: str, name: str, count: str) -> None:
        size, step = size_of(kind) * int(count or 1), int(align or size_of(kind))
        if space == "local":
            self.locals.add(name)
            self.members.append(f"alignas({step}) u8 {name}[{size}];")
        else:
            self.shared[name] = -(-self.static_shared // step) * step
            self.static_shared = self.shared[name] + size

    def register(self, name: str, scopes: tuple[int, ...]) -> str:
        """The member that holds a register, looked for from the innermost scope outwards."""
        for scope in reversed(scopes):
            if (name, scope) in self.registers:
                return f"r.{self.registers[name, scope]}"
        raise UnsupportedPtx(f"register {name!r}")

    def symbol(self, name: str) -> str | None:
        """The address of a variable."""
        if name in self.shared:
            return f"(u64)(SHARED_BASE + {self.shared[name]})"
        if name in self.module.dynamic_shared:
            return "(u64)(SHARED_BASE + DYNAMIC_SHARED)"
        if name in self.parameters:
            return f"(u64)(PARAMETER_BASE + {self.parameters[name]})"
        if name in self.locals:
            return f"(u64)r.{name}"
        if any(variable.name == name for variable in self.module.variables):
            return f"(u64)module_{name}"
        return None

    def value(self, operand: str, kind: str, ins: Instruction) -> str:
        """An operand read as a value of type `kind`."""
        size_of(kind) if kind not in ("u128", "s128") else None
        if operand in SPECIAL:
            return f"({kind})({SPECIAL[operand]})"
        if re.match(r"0[fF][0-9a-fA-F]{8}$", operand):
            return f"({kind})get<f32>(0x{operand[2:]}u)"
        if re.match(r"0[dD][0-9a-fA-F]{16}$", operand):
            return f"({kind})get<f64>(0x{operand[2:]}ull)"
        if re.match(r"-?(0[xX][0-9a-fA-F]+|\d+)U?$", operand):
            number = operand.rstrip("U")
            suffix = "ll" if number.startswith("-") else "ull"
            return f"({kind}){number}{suffix}" if kind in INTEGERS else _bits(kind, number)
        address = self.symbol(operand)
        if address is not None:
            return f"({kind})({address})"
        return f"get<{kind}>({self.register(operand, ins.scopes)})"

    def predicate(self, operand: str, ins: Instruction) -> str:
        """A predicate, which may be negated."""
        if operand.startswith("!"):
            return "!" + self.register(operand[1:], ins.scopes)
        if operand in ("0", "1", "-1"):
            return "false" if operand == "0" else "true"
        return self.register(operand, ins.scopes)

    def address(self, operand: str, ins: Instruction) -> str:
        """``[base + offset]``."""
        match = _ADDRESS.match(operand)
        if not match:
            raise UnsupportedPtx(f"address {operand!r}")
        return f"({self.value(match[1], 'u64', ins)} + (u64)({match[2] or 0}ll))"


def _bits(kind: str, number: str) -> str:
    return f"get<{kind}>((u64){number}ull)"


def vector(operand: str) -> list[str]:
    """``{a, b}`` or one name, as a list."""
    return [part.strip() for part in operand.strip("{} ").split(",")]


def define(variable: Variable) -> str:
    """A variable of the module in C++."""
    items = ", ".join(variable.items)
    return (
        f"alignas({variable.align}) static const u{8 * size_of(variable.kind)} "
        f"module_{variable.name}[{variable.count}] = {{{items}}};"
    )
