"""Rules of loads, stores and atomic operations."""

from __future__ import annotations

from .ptx_operands import vector
from .ptx_rules import Context, rule
from .ptx_text import Instruction
from .ptx_types import UnsupportedPtx, size_of

_CACHING = "ca cg cs cv lu wb wt volatile weak L[12]_\\w+"
_SPACES = ("param", "global", "shared", "local", "const")
_ATOMIC = ("add", "min", "max", "exch", "cas", "and", "or", "xor")


@rule("ld", modifiers=f"{' '.join(_SPACES)} nc v2 v4 {_CACHING}", operands=2)
def _load(c: Context, ins: Instruction) -> str:
    targets = vector(ins.operands[0])
    _check_vector(ins, targets)
    size = size_of(ins.type) * len(targets)
    space = _space(ins)
    if space == "param":
        return _load_parameter(c, ins, targets)
    sets = " ".join(_set(c, ins, name, f"v[{i}]") for i, name in enumerate(targets))
    address = c.names.address(ins.operands[1], ins)
    if space == "const":
        fetch = f"memcpy(v, (const void *){address}, sizeof v);"
    elif space == "local":
        fetch = f"memcpy(v, {_local(c, ins, size, address)}, sizeof v);"
    else:
        kind = "constant" if "nc" in ins.modifiers else space
        site = c.site(ins.text, size)
        fetch = f"load_{kind}<{ins.type}, {len(targets)}>(t, {site}, {address}, v);"
    return f"{{ {ins.type} v[{len(targets)}]; {fetch} {sets} }}"


@rule("st", modifiers=f"global shared local v2 v4 {_CACHING}", operands=2)
def _store(c: Context, ins: Instruction) -> str:
    sources = vector(ins.operands[1])
    _check_vector(ins, sources)
    size = size_of(ins.type) * len(sources)
    values = ", ".join(c.names.value(name, ins.type, ins) for name in sources)
    address, space = c.names.address(ins.operands[0], ins), _space(ins)
    if space == "local":
        write = f"memcpy({_local(c, ins, size, address)}, v, sizeof v);"
    else:
        site = c.site(ins.text, size)
        write = f"store_{space}<{ins.type}, {len(sources)}>(t, {site}, {address}, v);"
    return f"{{ {ins.type} v[{len(sources)}] = {{{values}}}; {write} }}"


def _space(ins: Instruction) -> str:
    """Where it reads or writes; a generic address can only be a global one (see cvta)."""
    return next((space for space in _SPACES if space in ins.modifiers), "global")


def _check_vector(ins: Instruction, names: list[str]) -> None:
    count = next((int(m[1]) for m in ins.modifiers if m in ("v2", "v4")), 1)
    if count != len(names):
        raise UnsupportedPtx(f"{len(names)} registers for a vector of {count}")


def _set(c: Context, ins: Instruction, name: str, value: str) -> str:
    return "" if name == "_" else f"set({c.names.register(name, ins.scopes)}, {value});"


def _load_parameter(c: Context, ins: Instruction, targets: list[str]) -> str:
    """Of a parameter by its name, or by an address that was taken of one."""
    size = size_of(ins.type)
    address = c.names.address(ins.operands[1], ins)
    end = max((one.offset + one.size for one in c.kernel.parameters), default=0)
    return (
        f"{{ const u8 *from = parameter({address}, {size * len(targets)}, {end}); "
        + " ".join(
            f"{{ {ins.type} v; memcpy(&v, from + {i * size}, {size}); {_set(c, ins, name, 'v')} }}"
            for i, name in enumerate(targets)
        )
        + " }"
    )


def _local(c: Context, ins: Instruction, size: int, address: str) -> str:
    site = c.site(ins.text, size)
    return f"local_memory(t, {site}, {address}, {size}, &r, sizeof r)"


@rule("atom", "red", modifiers=f"global shared relaxed gpu cta {' '.join(_ATOMIC)}",
      operands=(2, 3, 4))  # fmt: skip
def _atomic(c: Context, ins: Instruction) -> str:
    operation = next((m for m in ins.modifiers if m in _ATOMIC), None)
    target, *rest = ins.operands if ins.mnemonic == "atom" else ("_", *ins.operands)
    if operation is None or len(rest) != (3 if operation == "cas" else 2):
        raise UnsupportedPtx("atomic operation")
    if ins.type in ("f16", "bf16") or (ins.type in ("f32", "f64") and operation != "add"):
        raise UnsupportedPtx(f"atomic .{operation} of .{ins.type}")
    value = c.names.value(rest[1], ins.type, ins)
    other = c.names.value(rest[2], ins.type, ins) if operation == "cas" else f"({ins.type})0"
    site = c.site(ins.text, size_of(ins.type))
    call = (
        f"atomic<{ins.type}>(t, {site}, {c.names.address(rest[0], ins)}, OP_{operation.upper()}, "
        f"{value}, {other}, {str('shared' in ins.modifiers).lower()})"
    )
    return f"{call};" if target == "_" else c.assign(ins, call)


@rule("prefetch", "prefetchu", modifiers="global L1 L2 L[12]_\\w+", operands=1)
@rule("membar", "fence", modifiers="gl cta sys sc acq_rel gpu", operands=0)
def _nothing(c: Context, ins: Instruction) -> str:
    """Order of memory is stricter here than any fence; hints do nothing."""
    return ";"
