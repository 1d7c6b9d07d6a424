"""One row for every error: a bad call, its exception, and what the message must say.

The last test parses the package and complains about any `raise` that no row has reached.
"""

import ast
import re
import traceback
from pathlib import Path

import numpy as np
import pytest

import upsampler
from upsampler import (
    avg_pool2d,
    avg_pool2d_backward,
    interpolate,
    interpolate_backward,
    max_pool2d,
    max_pool2d_backward,
    max_unpool2d,
    max_unpool2d_backward,
    set_num_threads,
)

PACKAGE = Path(upsampler.__file__).parent
MODULES = ["spec.py", "layout.py", "arrays.py", "functional.py", "pooling.py", "threads.py"]
X = np.ones((2, 3, 5, 7), np.float32)
PLANE = np.ones((6, 8), np.float32)
POOLED = np.ones((3, 4), np.float32)
PLACES = np.arange(0, 48, 4).reshape(3, 4)


class OnTheGpu:
    """What CuPy arrays and CUDA tensors have."""

    __cuda_array_interface__ = {"shape": (2,), "typestr": "<f4", "data": (0, False), "version": 3}  # noqa: RUF012


def locked(shape):
    x = np.zeros(shape, np.float32)
    x.flags.writeable = False
    return x


# function, positional arguments, keywords, exception, what the message must contain
ROWS = [
    # --- size and scale_factor
    (interpolate, (X,), {}, ValueError, ["size, scale_factor", "neither", "exactly one"]),
    (interpolate, (X, 4, 2.0), {}, ValueError, ["size, scale_factor", "both", "4", "2.0"]),
    (interpolate, (X, 4.5), {}, TypeError, ["size", "4.5", "float", "an integer"]),
    (interpolate, (X, True), {}, TypeError, ["size", "True", "bool", "an integer"]),
    (interpolate, (X, "9"), {}, TypeError, ["size", "'9'", "str", "an integer"]),
    (interpolate, (X, (4, None)), {}, TypeError, ["size", "None", "an integer"]),
    (interpolate, (X, (4, 5, 6)), {}, ValueError, ["size", "(4, 5, 6)", "2 spatial axes"]),
    (interpolate, (X, ()), {}, ValueError, ["size", "()", "one for each axis"]),
    (interpolate, (X[0, 0, 0], (1, 2)), {}, ValueError, ["size", "(1, 2)", "1 spatial axis;"]),
    (interpolate, (X, 0), {}, ValueError, ["size", "0", "at least 1"]),
    (interpolate, (X, (4, -3)), {}, ValueError, ["size", "-3", "at least 1"]),
    (interpolate, (X, None, "2"), {}, TypeError, ["scale_factor", "'2'", "a real number"]),
    (interpolate, (X, None, True), {}, TypeError, ["scale_factor", "True", "a real number"]),
    (interpolate, (X, None, 2j), {}, TypeError, ["scale_factor", "2j", "a real number"]),
    (interpolate, (X, None, np.str_("2")), {}, TypeError, ["scale_factor", "2", "a real number"]),
    (
        interpolate,
        (X, None, np.complex64(2)),
        {},
        TypeError,
        ["scale_factor", "2", "a real number"],
    ),
    (interpolate, (X, None, (2, "a")), {}, TypeError, ["scale_factor", "'a'", "a real number"]),
    (interpolate, (X, None, (2, 2, 2)), {}, ValueError, ["scale_factor", "3 values", "2 spatial"]),
    (interpolate, (X, None, 0), {}, ValueError, ["scale_factor", "0", "above 0"]),
    (interpolate, (X, None, -1.5), {}, ValueError, ["scale_factor", "-1.5", "above 0"]),
    (interpolate, (X, None, np.nan), {}, ValueError, ["scale_factor", "nan", "finite"]),
    (interpolate, (X, None, np.inf), {}, ValueError, ["scale_factor", "inf", "finite"]),
    (interpolate, (X, None, 1.7e308), {}, ValueError, ["scale_factor", "1.7e+308", "finite"]),
    (interpolate, (X, None, 0.1), {}, ValueError, ["scale_factor", "0.1", "length 5", "1 output"]),
    # --- mode and its companions
    (interpolate, (X, 4), {"mode": 3}, TypeError, ["mode", "3", "int", "'bicubic'"]),
    (interpolate, (X, 4), {"mode": "cubic"}, ValueError, ["mode", "'cubic'", "'bicubic'"]),
    (interpolate, (X, 4), {"mode": "Bilinear"}, ValueError, ["mode", "'Bilinear'", "'bilinear'"]),
    (interpolate, (X, 4), {"mode": "trilinear"}, ValueError, ["mode", "'trilinear'", "NCHW", "3"]),
    (
        interpolate,
        (X[0], 4),
        {"mode": "bilinear", "layout": "NCW"},
        ValueError,
        ["mode", "'bilinear'", "1 spatial", "'linear' takes any"],
    ),
    (
        interpolate,
        (X, 4),
        {"align_corners": 1},
        TypeError,
        ["align_corners", "1", "int", "True, False or None"],
    ),
    (
        interpolate,
        (X, 4),
        {"mode": "area", "align_corners": True},
        ValueError,
        ["align_corners", "True", "'area'", "linear"],
    ),
    (
        interpolate,
        (X, 4),
        {"mode": "lanczos", "align_corners": True},
        ValueError,
        ["align_corners", "'lanczos'"],
    ),
    (interpolate, (X, 4), {"antialias": None}, TypeError, ["antialias", "None", "True, False"]),
    (interpolate, (X, 4), {"antialias": "yes"}, TypeError, ["antialias", "'yes'", "True, False"]),
    (interpolate, (X, 4), {"antialias": True}, ValueError, ["antialias", "'nearest'", "'bicubic'"]),
    (
        interpolate,
        (X, 4),
        {"recompute_scale_factor": True},
        ValueError,
        ["recompute_scale_factor", "True", "size", "only with scale_factor"],
    ),
    (
        interpolate,
        (X, None, 2),
        {"recompute_scale_factor": "no"},
        TypeError,
        ["recompute_scale_factor", "'no'", "True, False or None"],
    ),
    # --- layout
    (interpolate, (X[0], 4), {}, ValueError, ["layout", "3 axes", "'CHW'", "'HWC'", "'NCW'"]),
    (interpolate, (np.ones(()), 4), {}, ValueError, ["layout", "0 axes", "1 to 5"]),
    (interpolate, (np.ones((1,) * 6), 4), {}, ValueError, ["layout", "6 axes", "1 to 5"]),
    (interpolate, (X, 4), {"layout": 4}, TypeError, ["layout", "4", "int", "'NCHW'"]),
    (interpolate, (X, 4), {"layout": "NCHX"}, ValueError, ["layout", "'NCHX'", "N, C, D, H, W"]),
    (interpolate, (X, 4), {"layout": "nchw"}, ValueError, ["layout", "'nchw'", "N, C, D, H, W"]),
    (interpolate, (X, 4), {"layout": "NHHW"}, ValueError, ["layout", "'NHHW'", "at most once"]),
    (interpolate, (X, 4), {"layout": "NNHW"}, ValueError, ["layout", "'NNHW'", "at most once"]),
    (interpolate, (X, 4), {"layout": "NCWH"}, ValueError, ["layout", "'NCWH'", "in this order"]),
    (interpolate, (X[0], 4), {"layout": "HCW"}, ValueError, ["layout", "'HCW'", "apart"]),
    (interpolate, (X[0, 0], 4), {"layout": "NC"}, ValueError, ["layout", "'NC'", "W, HW or DHW"]),
    (
        interpolate,
        (X, 4),
        {"layout": "CHW"},
        ValueError,
        ["layout", "'CHW'", "3 letters", "4 axes"],
    ),
    # --- window
    (interpolate, (X, 4), {"window": 3}, TypeError, ["window", "3", "(start, stop)"]),
    (interpolate, (X, 4), {"window": (0, 4)}, TypeError, ["window", "(0, 4)", "(start, stop)"]),
    (interpolate, (X, 4), {"window": "ab"}, TypeError, ["window", "'ab'", "(start, stop)"]),
    (
        interpolate,
        (X, 4),
        {"window": ((0, 1, 2), (0, 1))},
        ValueError,
        ["window", "(0, 1, 2)", "(start, stop)"],
    ),
    (
        interpolate,
        (X, 4),
        {"window": ((0, 1.0), (0, 1))},
        TypeError,
        ["window", "1.0", "(start, stop)"],
    ),
    (interpolate, (X, 4), {"window": ((0, 4),)}, ValueError, ["window", "1 ranges", "2 spatial"]),
    (
        interpolate,
        (X, 4),
        {"window": ((0, 4), (0, 5))},
        ValueError,
        ["window", "(0, 5)", "0 <= start <= stop <= 4"],
    ),
    (interpolate, (X, 4), {"window": ((-1, 4), (0, 4))}, ValueError, ["window", "(-1, 4)", "<= 4"]),
    (
        interpolate,
        (X, 4),
        {"window": ((3, 2), (0, 4))},
        ValueError,
        ["window", "(3, 2)", "<= stop"],
    ),
    # --- arrays
    (interpolate, (OnTheGpu(), 4), {}, upsampler.BackendUnavailable, ["x", "GPU", "CPU", "host"]),
    (
        interpolate,
        (np.ma.masked_array(PLANE, PLANE > 2), 4),
        {},
        TypeError,
        ["x", "masked array", "plain arrays", "filled"],
    ),
    (interpolate, ([[1, 2], [3]], 4), {}, TypeError, ["x", "list", "cannot view"]),
    (interpolate, (np.array([[None]]), 4), {}, TypeError, ["x", "object", "no Python objects"]),
    (
        interpolate,
        (np.zeros((2, 2), [("a", "O")]), 4),
        {},
        TypeError,
        ["x", "a", "no Python objects"],
    ),
    (
        interpolate,
        (X > 0, 4),
        {"mode": "bilinear"},
        TypeError,
        ["x", "bool", "'bilinear'", "uint8", "'nearest'"],
    ),
    (
        interpolate,
        (X * 1j, 4),
        {"mode": "area"},
        TypeError,
        ["x", "complex64", "'area'", "float32"],
    ),
    (interpolate, (X[:, :, :0], 4), {}, ValueError, ["x", "(2, 3, 0, 7)", "at least 1"]),
    # --- out and threads
    (interpolate, (X, 4), {"out": [1]}, TypeError, ["out", "[1]", "list", "NumPy array"]),
    (
        interpolate,
        (X, 4),
        {"out": np.zeros((2, 3, 4, 4))},
        TypeError,
        ["out", "float64", "float32"],
    ),
    (
        interpolate,
        (X, 4),
        {"out": np.zeros((2, 3, 4, 5), np.float32)},
        ValueError,
        ["out", "(2, 3, 4, 5)", "(2, 3, 4, 4)"],
    ),
    (
        interpolate,
        (X, 4),
        {"out": locked((2, 3, 4, 4))},
        ValueError,
        ["out", "read-only", "writeable"],
    ),
    (
        interpolate,
        (X, 4),
        {"out": np.lib.stride_tricks.as_strided(np.zeros(99, np.float32), (2, 3, 4, 4), (0,) * 4)},
        ValueError,
        ["out", "strides (0, 0, 0, 0)", "share memory", "distinct"],
    ),
    (interpolate, (X, 4), {"num_threads": 0}, ValueError, ["num_threads", "0", "at least 1"]),
    (interpolate, (X, 4), {"num_threads": 1.0}, TypeError, ["num_threads", "1.0", "an integer"]),
    (interpolate, (X, 4), {"num_threads": True}, TypeError, ["num_threads", "True", "an integer"]),
    (set_num_threads, (0,), {}, ValueError, ["n", "0", "at least 1"]),
    (set_num_threads, ("2",), {}, TypeError, ["n", "'2'", "str", "an integer"]),
    # --- memory
    (interpolate, (PLANE, 10**7), {}, MemoryError, ["(10000000, 10000000)", "float32", "400 TB"]),
    (interpolate, (PLANE, 10**30), {}, MemoryError, ["float32", "TB"]),
    (interpolate, (PLANE, 10**200), {}, MemoryError, ["float32", "TB"]),
    (interpolate, (np.ones(3), 2**62), {"mode": "lanczos3"}, MemoryError, ["float64", "TB"]),
    # --- backward
    (interpolate_backward, (X, 9, 5), {}, TypeError, ["input_size", "9", "int", "full shape of x"]),
    (
        interpolate_backward,
        (X, (2, 3, 4.0, 4), 5),
        {},
        TypeError,
        ["input_size", "4.0", "integers"],
    ),
    (interpolate_backward, (X, (2, -3, 4, 4), 5), {}, ValueError, ["input_size", "-3", "negative"]),
    (interpolate_backward, (X, (2, 3, 0, 4), 5), {}, ValueError, ["(2, 3, 0, 4)", "at least 1"]),
    (
        interpolate_backward,
        (X, (2, 3, 4, 4), (5, 6)),
        {},
        ValueError,
        ["grad", "(2, 3, 5, 7)", "(2, 3, 5, 6)"],
    ),
    (
        interpolate_backward,
        (X.astype(int), X.shape, (5, 7)),
        {},
        TypeError,
        ["grad", "int64", "float16, bfloat16, float32, float64"],
    ),
    (interpolate_backward, (X > 0, X.shape, (5, 7)), {}, TypeError, ["grad", "bool", "float32"]),
    # --- pooling
    (avg_pool2d, (X > 0, 2), {}, TypeError, ["x", "bool", "avg_pool2d", "uint8"]),
    (max_pool2d, (X * 1j, 2), {}, TypeError, ["x", "complex64", "max_pool2d", "float32"]),
    (avg_pool2d, (X[0], 2), {}, ValueError, ["layout", "3 axes", "'HWC'"]),
    (avg_pool2d, (X[0], 2), {"layout": "NCW"}, ValueError, ["layout", "'NCW'", "1 spatial", "two"]),
    (avg_pool2d, (X, 2.0), {}, TypeError, ["kernel_size", "2.0", "an integer"]),
    (avg_pool2d, (X, (2, 2, 2)), {}, ValueError, ["kernel_size", "(2, 2, 2)", "one or two"]),
    (avg_pool2d, (X, 0), {}, ValueError, ["kernel_size", "(0, 0)", "at least 1"]),
    (avg_pool2d, (X, 2, (1, 0)), {}, ValueError, ["stride", "(1, 0)", "at least 1"]),
    (avg_pool2d, (X, 2, "1"), {}, TypeError, ["stride", "'1'", "an integer"]),
    (avg_pool2d, (X, 3, 1, -1), {}, ValueError, ["padding", "(-1, -1)", "at least 0"]),
    (avg_pool2d, (X, 3, 1, 2), {}, ValueError, ["padding", "(2, 2)", "half of the kernel (3, 3)"]),
    (avg_pool2d, (X, 9), {}, ValueError, ["kernel_size", "(9, 9)", "(5, 7)", "at least once"]),
    (max_pool2d, (X[:, :, :0], 2), {}, ValueError, ["kernel_size", "(0, 7)", "at least once"]),
    (max_pool2d, (X, 2), {"return_indices": 1}, TypeError, ["return_indices", "1", "True, False"]),
    (max_pool2d, (X, 2), {"num_threads": -1}, ValueError, ["num_threads", "-1", "at least 1"]),
    (max_pool2d, (X, 2), {"out": np.zeros(3, "f")}, ValueError, ["out", "(3,)", "(2, 3, 2, 3)"]),
    (
        avg_pool2d_backward,
        (X, X.shape, 2),
        {},
        ValueError,
        ["grad", "(2, 3, 5, 7)", "(2, 3, 2, 3)"],
    ),
    (avg_pool2d_backward, (PLACES, (6, 8), 2), {}, TypeError, ["int64", "float32"]),
    (avg_pool2d_backward, (POOLED, 6, 2), {}, TypeError, ["input_size", "6", "full shape"]),
    # --- unpooling and indices
    (max_unpool2d, (POOLED > 0, PLACES, 2), {}, TypeError, ["x", "bool", "max_unpool2d"]),
    (max_unpool2d, (POOLED, POOLED, 2), {}, TypeError, ["indices", "float32", "integers"]),
    (max_unpool2d, (POOLED, PLACES[:2], 2), {}, ValueError, ["indices", "(2, 4)", "(3, 4)"]),
    (max_unpool2d, (POOLED, PLACES + 4, 2), {}, ValueError, ["indices", "4 to 48", "0 to 47"]),
    (max_unpool2d, (POOLED, PLACES - 1, 2), {}, ValueError, ["indices", "-1 to 43", "0 to 47"]),
    (
        max_unpool2d,
        (POOLED, np.full((3, 4), 2**64 - 1, np.uint64), 2),
        {},
        ValueError,
        ["indices", "18446744073709551615", "0 to 47"],
    ),
    (max_unpool2d, (POOLED, PLACES, 0), {}, ValueError, ["kernel_size", "(0, 0)", "at least 1"]),
    (
        max_unpool2d,
        (POOLED, PLACES, 2, None, 0, (9, 8)),
        {},
        ValueError,
        ["output_size", "(9, 8)", "stride (2, 2)", "(6, 8)"],
    ),
    (
        max_unpool2d,
        (POOLED, PLACES, 2, None, 0, 6),
        {},
        TypeError,
        ["output_size", "6", "integers"],
    ),
    (
        max_unpool2d,
        (X, X.astype(int), 2, None, 0, (2, 4, 10, 14)),
        {},
        ValueError,
        ["output_size", "(2, 4, 10, 14)", "(2, 3, 5, 7)"],
    ),
    (
        max_unpool2d,
        (POOLED, PLACES, 2, None, 0, (1, 6, 8)),
        {},
        ValueError,
        ["output_size", "(1, 6, 8)", "(6, 8)"],
    ),
    (max_unpool2d, (POOLED[:0], PLACES[:0], 2), {}, ValueError, ["x", "(0, 4)", "one pixel"]),
    (
        max_pool2d_backward,
        (PLACES, PLACES, (6, 8)),
        {},
        TypeError,
        ["grad", "int64", "float32, float64"],
    ),
    (
        max_pool2d_backward,
        (X, X.astype(int), (2, 4, 10, 14)),
        {},
        ValueError,
        ["grad", "(2, 3, 5, 7)", "(2, 4, 10, 14)", "but for H and W"],
    ),
    (max_pool2d_backward, (POOLED, PLACES, (6, 7)), {}, ValueError, ["indices", "44", "0 to 41"]),
    (max_unpool2d_backward, (PLANE, PLACES * 2), {}, ValueError, ["indices", "88", "0 to 47"]),
    (max_unpool2d_backward, (PLANE > 0, PLACES), {}, TypeError, ["grad", "bool", "float32"]),
    (max_unpool2d_backward, (X, PLACES), {}, ValueError, ["grad", "(3, 4)"]),
    # --- types before shapes before values
    (interpolate, (X, "a"), {"layout": "HW", "mode": "no"}, TypeError, ["size"]),
    (interpolate, (X, -1), {"layout": "HW", "mode": "no"}, ValueError, ["layout"]),
    (interpolate, (X * 1j, -1), {"mode": "bilinear", "layout": "HW"}, TypeError, ["complex64"]),
]


def label(row):
    return f"{row[0].__name__}-{row[4][0]}" if isinstance(row, tuple) else None


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_message(row):
    function, arguments, keywords, error, fragments = row
    with pytest.raises(error) as caught:
        function(*arguments, **keywords)
    text = str(caught.value)
    assert type(caught.value) is error
    for fragment in fragments:
        assert fragment in text, text
    assert "\n" not in text
    if error in (TypeError, ValueError):
        assert re.match(r"[a-z_0-9, ]+: (got|not given|arrays of)", text), text
        if not re.search(r"cannot view|pass one of them", text):
            assert "allowed" in text, text


# With an `out` nothing is allocated, so that memory cannot run out.
TAKES_OUT = [
    row
    for row in ROWS
    if row[0] is not set_num_threads and "out" not in row[2] and row[3] is not MemoryError
]


@pytest.mark.parametrize("row", TAKES_OUT, ids=label)
def test_errors_come_before_any_work(row):
    """The same error with an `out`, which stays as it was."""
    function, arguments, keywords, error, _ = row
    out = np.full((2, 3, 4, 4), 7, np.float32)
    with pytest.raises(error) as with_out:
        function(*arguments, out=out, **keywords)
    with pytest.raises(error) as without:
        function(*arguments, **keywords)
    assert str(with_out.value) == str(without.value)
    assert (out == 7).all()


def test_set_num_threads_keeps_its_value_after_an_error(default_threads):
    set_num_threads(3)
    for bad in (0, -1, 1.5, "2", False):
        with pytest.raises((TypeError, ValueError)):
            set_num_threads(bad)
    assert upsampler.get_num_threads() == 3


def test_memory_that_only_the_allocator_refuses(monkeypatch):
    """Where the system does not tell what it has, NumPy's own refusal is reworded."""
    monkeypatch.setattr("upsampler.arrays.available_memory", lambda: None)
    with pytest.raises(MemoryError, match=r"shape \(1152921504606846976,\).*float64.*TB") as error:
        interpolate(np.ones(3), 2**60, mode="linear")
    assert raised_at(error.value)[0] == "arrays.py"


def raised_at(error: BaseException) -> tuple[str, int]:
    """File and line, in the package, of the innermost frame of an exception."""
    places = [
        (Path(frame.f_code.co_filename), line)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    inside = [(path.name, line) for path, line in places if path.parent == PACKAGE]
    return inside[-1]


def test_every_raise_has_a_row(monkeypatch):
    reached = set()
    for function, arguments, keywords, error, _ in ROWS:
        with pytest.raises(error) as caught:
            function(*arguments, **keywords)
        reached.add(raised_at(caught.value))
    monkeypatch.setattr("upsampler.arrays.available_memory", lambda: None)
    with pytest.raises(MemoryError) as caught:
        interpolate(np.ones(3), 2**60)
    reached.add(raised_at(caught.value))
    missing = []
    for name in MODULES:
        for node in ast.walk(ast.parse((PACKAGE / name).read_text("utf-8"))):
            if not isinstance(node, ast.Raise):
                continue
            if isinstance(node.exc, ast.Name) and node.exc.id == "AssertionError":
                continue  # behind a loop that always returns
            lines = range(node.lineno, node.end_lineno + 1)
            if not any((name, line) in reached for line in lines):
                missing.append(f"{name}:{node.lineno}")
    assert not missing, f"no row of ROWS reaches these: {missing}"
