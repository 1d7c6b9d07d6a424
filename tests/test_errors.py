"""Error messages, one row for each (error_rows.py), and that errors come before any work.

The last test parses the package and complains about any `raise` that no row has reached.
"""

import ast
import inspect
import re
import traceback
from pathlib import Path

import numpy as np
import pytest

import upsampler
from upsampler import interpolate, set_num_threads

from .error_rows import ROWS

PACKAGE = Path(upsampler.__file__).parent
MODULES = [
    "spec.py", "pool_spec.py", "layout.py", "arrays.py", "buffers.py", "functional.py",
    "pooling.py", "threads.py", "conv_calls.py", "conv_spec.py", "shuffle.py", "analysis.py",
    "resize_conv.py", "resize_conv_spec.py",
    "init.py", "module_base.py", "module_files.py", "layers.py", "conv_layers.py", "modules.py",
    "least_squares.py", "learn.py", "batches.py", "training.py", "training_state.py",
    "conversion_axes.py", "conv_forms.py", "shuffle_conversions.py", "resize_conversions.py",
    "convert.py",
]  # fmt: skip


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
    if "out" in inspect.signature(row[0]).parameters
    and "out" not in row[2]
    and row[3] is not MemoryError
]


@pytest.mark.parametrize("row", TAKES_OUT, ids=label)
def test_errors_come_before_any_work(row):
    """The same error with an `out`, which stays as it was."""
    function, arguments, keywords, error, _ = row
    # Of the dtype of the input, or that would be the error.
    try:
        out = np.full((2, 3, 4, 4), 7, np.asarray(arguments[0]).dtype)
    except (TypeError, ValueError):
        out = np.full((2, 3, 4, 4), 7, np.float32)
    before = out.copy()
    with pytest.raises(error) as with_out:
        function(*arguments, out=out, **keywords)
    with pytest.raises(error) as without:
        function(*arguments, **keywords)
    assert str(with_out.value) == str(without.value)
    assert (out == before).all()


X = np.ones((4, 4), np.float32)


@pytest.mark.parametrize(
    ("function", "arguments", "keywords", "named"),
    [
        (interpolate, (X,), {"size": 0, "out": "a"}, "out"),
        (interpolate, (X,), {"size": 2, "mode": "foo", "out": [1]}, "out"),
        (interpolate, (X,), {"size": 0, "out": np.zeros(3)}, "out"),
        (interpolate, (X,), {"size": 3, "mode": 5, "num_threads": 0}, "mode"),
        (interpolate, (X,), {"size": 0, "layout": 5}, "layout"),
        (interpolate, (X * 1j,), {"size": 3, "mode": "bilinear", "window": [(0, 1, 2)]}, "x"),
        (upsampler.interpolate_backward, (X, (-1, 4), 4), {"mode": 5}, "mode"),
        (upsampler.interpolate_backward, (X.astype(int), (-1, 4), 4), {}, "grad"),
        (upsampler.avg_pool2d, (X * 1j, 2), {"num_threads": 0}, "x"),
        (upsampler.avg_pool2d, (X, 0), {"layout": 5}, "layout"),
        (upsampler.avg_pool2d, (X, 0), {"out": 5}, "out"),
        (upsampler.max_pool2d, (X, 2), {"return_indices": 3, "num_threads": 0}, "return_indices"),
        (upsampler.max_unpool2d, (X, X, 0), {}, "indices"),
        (upsampler.max_unpool2d, (X, X, 2), {"layout": "NCHW"}, "indices"),
        (upsampler.max_unpool2d, (X, X.astype(int), 0), {"output_size": 2.5}, "output_size"),
        (upsampler.max_pool2d_backward, (X, X, (3, 9, 9)), {}, "indices"),
        (upsampler.conv_transpose2d, (X, X), {"stride": 0, "layout": 5}, "layout"),
        (upsampler.conv_transpose2d_backward, (X, X.astype(int), X), {}, "x"),
    ],
)
def test_types_come_before_shapes_and_values(function, arguments, keywords, named):
    with pytest.raises(TypeError, match=f"^{named}: got"):
        function(*arguments, **keywords)


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
            if node.exc is None:
                continue  # lets pass what is none of ours
            if isinstance(node.exc, ast.Name) and node.exc.id == "AssertionError":
                continue  # behind a loop that always returns
            lines = range(node.lineno, node.end_lineno + 1)
            if not any((name, line) in reached for line in lines):
                missing.append(f"{name}:{node.lineno}")
    assert not missing, f"no row of ROWS reaches these: {missing}"
