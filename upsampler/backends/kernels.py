"""The CUDA kernels: which there are, for which types, and their source.  Imports no CuPy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

HOME = Path(__file__).parent / "cuda"
COMMON = "common.cuh"
# How the sources call the items.
ITEMS = {
    "uint8": "u8", "int8": "i8", "uint16": "u16", "int16": "i16", "uint32": "u32",
    "int32": "i32", "uint64": "u64", "int64": "i64", "float16": "f16", "bfloat16": "bf16",
    "float32": "f32", "float64": "f64",
}  # fmt: skip
SIZES = {
    "u8": 1, "i8": 1, "u16": 2, "i16": 2, "u32": 4, "i32": 4, "u64": 8, "i64": 8, "f16": 2,
    "bf16": 2, "f32": 4, "f64": 8, "uint4": 16,
}  # fmt: skip
# By size: what is moved without a look at it.
RAW = {1: "u8", 2: "u16", 4: "u32", 8: "u64", 16: "uint4"}
FLOATS = ("f16", "bf16", "f32", "f64")
VECTOR = 16  # bytes of a vector
SHORT = 6  # taps along rows up to which a ring of rows is held in registers
MOST_KNOWN = 8  # lanes
PLANES = 4  # that a thread takes of convolutions and pooling where channels do not lie together
NONE, LINEAR, SUM, LONG = range(4)  # how march.cu resamples an axis


@dataclass(frozen=True)
class Kernel:
    """A function of a source file, compiled with some macros."""

    file: str
    name: str
    macros: tuple[tuple[str, str | int], ...]

    @property
    def options(self) -> tuple[str, ...]:
        """What is given to the compiler.

        Interpolation does without fused multiply-adds, so that it has the bits of the CPU;
        convolutions ask for them by name.  CuPy 13 takes an older standard by default.
        """
        macros = (f"-D{name}={value}" for name, value in self.macros)
        return ("--std=c++17", "-fmad=false", *macros)

    @property
    def code(self) -> str:
        return source(self.file)

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(f'{n}={v}' for n, v in self.macros)})"


def kernel(file: str, name: str, **macros: str | int) -> Kernel:
    return Kernel(file, name, tuple(macros.items()))


@cache
def source(file: str) -> str:
    """A file behind what all have in common, in one text: compiled modules are cached by it."""
    parts = [(HOME / name).read_text("utf-8") for name in (COMMON, file)]
    numbered = zip((COMMON, file), parts, strict=True)
    return "\n".join(f'#line 1 "{name}"\n{text}' for name, text in numbered)


def lanes(item: str) -> int:
    """Items of a vector."""
    return VECTOR // SIZES[item]


@cache
def structure(file: str, name: str, index: str) -> np.dtype:
    """A structure that a kernel takes by value, as its source declares it."""
    types = {"i64": np.int64, "int": np.int32, "INDEX": np.int64 if index == "i64" else np.int32}
    body = re.search(rf"struct {name} {{(.*?)}};", source(file), re.DOTALL)
    if body is None:
        raise ValueError(f"{file} has no structure {name}")
    members = re.findall(r"^\s*(i64|int|INDEX) ([\w, \n]+);", body[1], re.MULTILINE)
    fields = [(member.strip(), types[kind]) for kind, row in members for member in row.split(",")]
    return np.dtype(fields, align=True)


def packed(file: str, name: str, index: str, values: Mapping[str, int]) -> np.ndarray:
    """The structure with these values, one for each of its members."""
    kind = structure(file, name, index)
    if set(kind.names or ()) != set(values):
        raise ValueError(f"{name} of {file}: got {sorted(values)}; allowed: {kind.names}")
    return np.array(tuple(values[member] for member in kind.names or ()), kind)


# --- the kernels ------------------------------------------------------------------------------


def gather(size: int, vector: bool, index: str = "int") -> Kernel:
    item = RAW[size]
    return kernel("copy.cu", "gather", ITEM=item, LANES=lanes(item) if vector else 1, FACTOR=1,
                  INDEX=index)  # fmt: skip


def enlarge(size: int, factor: int, index: str = "int") -> Kernel:
    item = RAW[size]
    return kernel("copy.cu", "enlarge", ITEM=item, LANES=lanes(item), FACTOR=factor, INDEX=index)


def linear2x(item: str, real: str, index: str = "int") -> Kernel:
    return kernel("linear2x.cu", "linear2x", SOURCE=item, REAL=real, LANES=lanes(item),
                  CHECK=int(item in FLOATS), INDEX=index)  # fmt: skip


def halve(item: str, real: str, together: bool, index: str = "int") -> Kernel:
    return kernel("halve.cu", "halve", ITEM=item, REAL=real, LANES=lanes(item),
                  TOGETHER=int(together), INDEX=index)  # fmt: skip


def march(
    source: str, target: str, real: str, *, vector: bool, columns: int, together: bool,
    step: int, column_taps: int, rows: int, taps: int, adjoint: bool, check: bool,
    index: str = "int",
) -> Kernel:  # fmt: skip
    """`vector`: several lanes; `together`: whose pixels hold whole vectors.  See march.cu."""
    many = lanes(target) if vector else 1
    # Loops of known length keep their weights in registers, of which sixteen lanes have none left.
    known = column_taps if column_taps <= SHORT and many <= MOST_KNOWN else 0
    return kernel(
        "march.cu", "march", SOURCE=source, TARGET=target, REAL=real,
        LANES=many, COLUMNS=columns, VECTOR=int(together),
        STEP=step, COLUMN_TAPS=known, ROWS=rows, TAPS=taps,
        ADJOINT=int(adjoint), CHECK=int(check), INDEX=index,
    )  # fmt: skip


def pool(name: str, item: str, real: str, many: int, vector: bool, index: str = "int") -> Kernel:
    return kernel("pool.cu", name, ITEM=item, REAL=real, LANES=many, VECTOR=int(vector),
                  INDEX=index)  # fmt: skip


POOLS = ("average", "average_backward", "maximum")


def places(name: str, item: str, real: str, index: str = "int") -> Kernel:
    return kernel("places.cu", name, ITEM=item, REAL=real, INDEX=index)


PLACES = ("pick", "bounds", "join", "collect")


class Way(NamedTuple):
    """How a kernel of conv.cu goes over channels; see there."""

    lanes: int
    vector: bool
    own: bool
    weighted: bool = True


def conv(name: str, source: str, target: str, real: str, way: Way, index: str = "int") -> Kernel:
    return kernel("conv.cu", name, SOURCE=source, TARGET=target, REAL=real, LANES=way.lanes,
                  VECTOR=int(way.vector), OWN=int(way.own), WEIGHTED=int(way.weighted),
                  INDEX=index)  # fmt: skip


# --- all of them, for tests that compile every kernel for every type ---------------------------


def arithmetic(item: str) -> str:
    """What items are computed in, but for long filters of short ones."""
    return "f64" if item in ("u32", "i32", "u64", "i64", "f64") else "f32"


def manifest() -> Iterator[Kernel]:
    """Every kernel for every type, in the forms that differ most."""
    for size in RAW:
        yield gather(size, True)
        if size < VECTOR:
            yield gather(size, False)
    for size, factor in ((1, 2), (2, 2), (4, 2), (8, 2), (1, 4), (2, 4), (4, 4)):
        yield enlarge(size, factor)
    for item in ITEMS.values():
        real = arithmetic(item)
        yield linear2x(item, real)
        for name in POOLS:
            yield pool(name, item, real, 1, False)
            yield pool(name, item, real, PLANES, False)
            yield pool(name, item, real, lanes(item), True)
        yield from (places(name, item, real) for name in PLACES)
        for form in FORMS + (ADJOINT_FORMS if item in FLOATS else ()):
            yield _march(item, item, real, form, form in ADJOINT_FORMS)
        if real == "f32":  # long filters
            yield from (_march(item, item, "f64", form) for form in FORMS if form.taps == 0)
    for item in FLOATS:
        real = arithmetic(item)
        many = lanes(item)
        yield from (halve(item, real, together) for together in (False, True))
        for own in (False, True):
            for way in (Way(PLANES, False, own), Way(many, True, own)):
                yield conv("meet", item, item, real, way)
                yield conv("sums", item, real, real, way)
        yield conv("meet", item, item, real, Way(1, False, False))
        for way in (Way(PLANES, False, True, False), Way(many, True, True, False)):
            yield conv("meet", real, item, real, way)
        for way in (Way(PLANES, False, True), Way(many, True, True)):
            yield conv("spread", item, real, real, way)
    # Between passes items are those of the arithmetic.
    for real in ("f32", "f64"):
        yield _march("u8", real, real, FORMS[0])
        yield _march(real, "u8", real, FORMS[0])


class Form(NamedTuple):
    """A way to resample both axes; see march.cu."""

    vector: bool
    together: bool
    columns: int
    column_taps: int
    rows: int
    taps: int


FORMS = (
    Form(True, False, LINEAR, 0, LINEAR, 2),
    Form(True, True, LINEAR, 0, LINEAR, 2),
    Form(False, False, LINEAR, 0, LINEAR, 2),
    Form(True, False, SUM, 4, SUM, 4),
    Form(True, True, SUM, 4, SUM, 4),
    Form(True, False, SUM, SHORT, SUM, SHORT),
    Form(True, False, NONE, 0, LONG, 0),
    Form(False, False, SUM, 0, NONE, 1),
)
ADJOINT_FORMS = (Form(True, False, NONE, 0, LONG, 4), Form(False, False, NONE, 0, LONG, 0))


def _march(source: str, target: str, real: str, form: Form, adjoint: bool = False) -> Kernel:
    return march(
        source, target, real, **form._asdict(), step=0 if form.together else 1, adjoint=adjoint,
        check=source in FLOATS,
    )  # fmt: skip
