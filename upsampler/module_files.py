"""Modules in .npz files: the arrays by name, and one text of JSON that says what they are."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from .files import replacing

FORMAT = 1
TEXT = "module"  # no name of a parameter: those of a module are "weight", "0.bias", ...


def write(
    path: str | os.PathLike[str], description: dict[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write a description, which JSON can tell, and arrays."""
    text = json.dumps({"format": FORMAT} | description, default=_encode)
    entries: dict[str, Any] = {TEXT: np.array(text)}
    entries |= {name: _plain(array) for name, array in arrays.items()}
    with replacing(path) as file:
        np.savez(file, **entries)


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What `write` wrote; ValueError for any other file.  Nothing in a file is executed."""
    with open(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            description = json.loads(str(arrays.pop(TEXT)), object_hook=_decode)
            known = description["format"] == FORMAT
        except MemoryError:
            raise
        except Exception as error:  # damaged archives raise whatever their parsers stumble over
            raise no_module(path, error) from error
    if not known:
        raise no_module(path, f"format {description['format']!r} instead of {FORMAT}")
    return description, arrays


def no_module(path: str | os.PathLike[str], why: Exception | str) -> ValueError:
    reason = why if isinstance(why, str) else f"{type(why).__name__}: {why}".split("\n")[0]
    return ValueError(
        f"path: got {os.fspath(path)!r}, which holds no module ({reason}); "
        "allowed: files written by Module.save"
    )


def _encode(value: Any) -> Any:
    """What JSON lacks: fractions, and NumPy's numbers and arrays."""
    if isinstance(value, Fraction):
        return {"fraction": [value.numerator, value.denominator]}
    return value.tolist()


def _decode(value: dict[str, Any]) -> Any:
    return Fraction(*value["fraction"]) if "fraction" in value else value


def _plain(array: np.ndarray) -> np.ndarray:
    """bfloat16 has no place in NumPy's files: float32 holds the same values."""
    return array if array.dtype.kind == "f" else array.astype(np.float32)
