"""PTX text -> module variables, kernels and their statements."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .ptx_types import UnsupportedPtx, size_of

_ENTRY = re.compile(r"(?:\.visible\s+|\.weak\s+)?\.entry\s+([\w$]+)\s*\((.*?)\)([^{]*)\{", re.S)
_VARIABLE = re.compile(
    r"\.(?:visible\s+\.|weak\s+\.)?(?:global|const)\s+(?:\.align\s+(\d+)\s+)?\.(\w+)\s+"
    r"([\w$]+)(?:\[(\d+)\])?\s*(?:=\s*\{?([^;}]*)\}?)?\s*;"
)
_PARAMETER = re.compile(
    r"\.param\s+(?:\.align\s+(\d+)\s+)?\.(\w+)\s+(?:\.ptr\s+.*\s)?([\w$]+)(?:\[(\d+)\])?$"
)
_INSTRUCTION = re.compile(r"(?:@(!?)([%\w$]+)\s+)?([a-z][\w.:]*)(?:\s+(.*))?$", re.S)


@dataclass(frozen=True)
class Parameter:
    """A kernel parameter; `kind` is its PTX type, or "struct" for an array of bytes."""

    name: str
    kind: str
    size: int
    offset: int


@dataclass(frozen=True)
class Variable:
    """A variable of the module, with its initial items as C++ literals."""

    name: str
    kind: str
    count: int
    align: int
    items: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        return self.count * size_of(self.kind)


@dataclass(frozen=True)
class Label:
    name: str


@dataclass(frozen=True)
class Declaration:
    """``.reg``, ``.shared``, ``.local`` or ``.branchtargets`` (with its label in `name`)."""

    text: str
    scope: int
    name: str = ""


@dataclass(frozen=True)
class Instruction:
    """``@!guard mnemonic.modifier.type operands``; `scope` is the block it stands in."""

    text: str
    mnemonic: str
    modifiers: tuple[str, ...]
    operands: tuple[str, ...]
    guard: str = ""
    negated: bool = False
    scopes: tuple[int, ...] = (0,)

    @property
    def type(self) -> str:
        return self.modifiers[-1] if self.modifiers else ""


Statement = Label | Declaration | Instruction


@dataclass(frozen=True)
class KernelText:
    name: str
    parameters: tuple[Parameter, ...]
    max_threads: int  # of __launch_bounds__, 0 without
    statements: tuple[Statement, ...]


@dataclass
class ModuleText:
    kernels: dict[str, KernelText] = field(default_factory=dict)
    variables: list[Variable] = field(default_factory=list)
    dynamic_shared: set[str] = field(default_factory=set)


def parse(ptx: str) -> ModuleText:
    """All kernels and variables of a module."""
    ptx = re.sub(r"/\*.*?\*/", "", ptx, flags=re.S)
    ptx = re.sub(r"//[^\n]*", "", ptx)
    module, rest, end = ModuleText(), [], 0
    for match in _ENTRY.finditer(ptx):
        rest.append(ptx[end : match.start()])
        end = _closing(ptx, match.end())
        name, parameters, attributes = match.groups()
        module.kernels[name] = KernelText(
            name,
            _parameters(parameters),
            _max_threads(attributes),
            tuple(_statements(ptx[match.end() : end - 1])),
        )
    outside = "".join([*rest, ptx[end:]])
    if ".func" in outside:
        raise UnsupportedPtx("a function that is not inlined (.func)")
    found = re.finditer(r"\.extern\s+\.shared[^;]*?([\w$]+)\s*\[\s*\]", outside)
    module.dynamic_shared = {match[1] for match in found}
    module.variables = [_variable(*match.groups()) for match in _VARIABLE.finditer(outside)]
    return module


def _closing(ptx: str, start: int) -> int:
    depth = 1
    while depth:
        depth += {"{": 1, "}": -1}.get(ptx[start], 0)
        start += 1
    return start


def _parameters(text: str) -> tuple[Parameter, ...]:
    found, offset = [], 0
    for part in split_operands(text):
        match = _PARAMETER.match(re.sub(r"\s+", " ", part))
        if not match:
            raise UnsupportedPtx(f"parameter {part!r}")
        align, kind, name, count = match.groups()
        size = size_of(kind) * int(count or 1)
        step = int(align) if align and count else size_of(kind)
        offset = -(-offset // step) * step
        found.append(Parameter(name, "struct" if count else kind, size, offset))
        offset += size
    return tuple(found)


def _max_threads(attributes: str) -> int:
    match = re.search(r"\.maxntid\s+(\d+)(?:,\s*(\d+))?(?:,\s*(\d+))?", attributes)
    if not match:
        return 0
    x, y, z = (int(number or 1) for number in match.groups())
    return x * y * z


def _variable(align: str, kind: str, name: str, count: str, items: str) -> Variable:
    literals = [item.strip() for item in (items or "0").split(",")]
    literals = [re.sub(r"^0[fFdD](?=[0-9a-fA-F]{8})", "0x", item) for item in literals]
    return Variable(name, kind, int(count or 1), int(align or size_of(kind)), tuple(literals))


def _statements(body: str) -> list[Statement]:
    """Statements in order; a brace where a statement could begin opens or closes a scope."""
    found: list[Statement] = []
    scopes, scope_count, position = [0], 1, 0
    while position < len(body):
        character = body[position]
        if character.isspace() or character == ";":
            position += 1
        elif character == "{":
            scopes.append(scope_count)
            scope_count += 1
            position += 1
        elif character == "}":
            scopes.pop()
            position += 1
        elif label := re.compile(r"([\w$]+)\s*:(?!:)").match(body, position):
            position = label.end()
            targets = re.compile(r"\s*(\.branchtargets[^;]*);").match(body, position)
            if targets:
                position = targets.end()
                found.append(Declaration(targets[1], scopes[-1], label[1]))
            else:
                found.append(Label(label[1]))
        else:
            end = body.index(";", position)
            text = re.sub(r"\s+", " ", body[position:end]).strip()
            position = end + 1
            if not text.startswith((".pragma ", ".loc ", ".file ")):
                found.append(_statement(text, tuple(scopes)))
    return found


def _statement(text: str, scopes: tuple[int, ...]) -> Statement:
    if text.startswith("."):
        return Declaration(text, scopes[-1])
    match = _INSTRUCTION.match(text)
    if not match:
        raise UnsupportedPtx(f"statement {text!r}")
    negated, guard, operation, operands = match.groups()
    mnemonic, *modifiers = operation.replace("::", "_").split(".")
    parts = tuple(split_operands(operands or ""))
    return Instruction(text, mnemonic, tuple(modifiers), parts, guard or "", bool(negated), scopes)


def split_operands(text: str) -> list[str]:
    """Split at the commas that are in no bracket."""
    parts, depth, current = [], 0, ""
    for character in text:
        depth += (character in "{[(") - (character in "}])")
        if character == "," and not depth:
            parts.append(current.strip())
            current = ""
        else:
            current += character
    return [*parts, current.strip()] if current.strip() else parts
