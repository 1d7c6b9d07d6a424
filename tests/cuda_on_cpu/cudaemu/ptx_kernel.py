"""One kernel of a PTX module -> one C++ translation unit, a line for each instruction."""

from __future__ import annotations

import json
from dataclasses import dataclass

from . import ptx_arithmetic, ptx_bits, ptx_control, ptx_memory  # noqa: F401 (they add rules)
from .ptx_operands import Names, define
from .ptx_rules import RULES, Context
from .ptx_text import Declaration, Instruction, KernelText, Label, ModuleText
from .ptx_types import UnsupportedPtx


@dataclass(frozen=True)
class Translation:
    """C++ to be linked with machine.cpp, which exports ``launch``; and its memory accesses."""

    source: str
    sites: tuple[str, ...]


def translate(module: ModuleText, name: str) -> Translation:
    """One kernel in C++.

    Raises
    ------
    UnsupportedPtx
        For anything that is not known, with the line of PTX.
    """
    kernel = module.kernels[name]
    context = Context(Names(module, kernel.parameters), kernel)
    lines = _Body(context).lines(kernel)
    names = context.names
    shared = names.static_shared
    register_bytes = "(u32)((sizeof(Registers) + 15) & ~15)"
    collective = "true" if context.resume_points else "false"
    extents = [f"{{(u64)module_{v.name}, {v.nbytes}}}" for v in module.variables]
    sites = [f"{{{json.dumps(text)}, {size}}}" for text, size in context.sites]
    parts = [
        '#include "machine.h"',
        f"#define DYNAMIC_SHARED {-(-shared // 16) * 16}",  # where it begins
        *map(define, module.variables),
        f"const Extent module_memory[] = {{{', '.join([*extents, '{0, 0}'])}}};",
        f"const Site sites[] = {{{', '.join([*sites, '{nullptr, 0}'])}}};",
        f"struct Registers {{ {' '.join(names.members)} }};",
        "static int body(Thread &t, void *memory) {",
        "  Registers &r = *(Registers *)memory;" if context.resume_points else "  Registers r;",
        "  switch (t.resume) { case 0:;" if context.resume_points else "",
        *lines,
        "  }" if context.resume_points else "",
        "  return DONE;",
        "}",
        f"static const Kernel kernel = {{body, {register_bytes}, {shared}, {collective}, "
        f"{kernel.max_threads}}};",
        'extern "C" int launch(Launch *how, const u8 *given) { return run(kernel, *how, given); }',
        "",
    ]
    return Translation("\n".join(parts), tuple(text for text, _ in context.sites))


class _Body:
    """Lines of the function, with executed instructions counted once for each basic block."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.done: list[str] = []
        self.pending = 0

    def lines(self, kernel: KernelText) -> list[str]:
        for item in kernel.statements:
            if isinstance(item, Declaration):
                self.context.names.declare(item)
        for item in kernel.statements:
            if isinstance(item, Label):
                self._count()
                self.done.append(f"L{item.name.replace('$', '_')}: check_steps(t);")
            elif isinstance(item, Instruction):
                self._instruction(item)
        self._count()
        return self.done

    def _count(self) -> None:
        if self.pending:
            self.done.append(f"  t.block->instructions += {self.pending};")
        self.pending = 0

    def _instruction(self, ins: Instruction) -> None:
        try:
            points = self.context.resume_points
            code = self._translated(ins)
            waits = self.context.resume_points > points
            if ins.guard:
                if waits:
                    raise UnsupportedPtx("a barrier or warp-wide instruction under a predicate")
                guard = self.context.names.register(ins.guard, ins.scopes)
                code = f"if ({'!' if ins.negated else ''}{guard}) {{ {code} }}"
        except UnsupportedPtx as error:
            raise UnsupportedPtx(f"{ins.text!r}: {error}") from None
        self.pending += 1
        if waits or ins.mnemonic in ("bra", "brx", "ret", "exit"):
            self._count()
        self.done.append(f"  {code}  // {ins.text}")

    def _translated(self, ins: Instruction) -> str:
        if ins.mnemonic not in RULES:
            raise UnsupportedPtx("unknown instruction")
        rule = RULES[ins.mnemonic]
        rule.check(ins)
        return rule.translate(self.context, ins)
