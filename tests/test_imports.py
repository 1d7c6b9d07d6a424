"""Who may import whom, parsed from the sources; and how light `import` stays."""

import ast
from pathlib import Path

import pytest

import upsampler

from .test_threads import run

PACKAGE = Path(upsampler.__file__).parent
ROOT = PACKAGE.parent
GUI = ROOT / "gui"
CORE = [
    "lazy", "spec", "pool_spec", "axis", "pieces", "plan", "layout", "arrays", "buffers",
    "functional", "small_calls",
    "pooling", "threads", "conv", "conv_calls", "conv_spec", "resize_conv", "resize_conv_spec",
    "shuffle", "analysis", "init", "module_base", "module_files", "layers", "conv_layers",
    "modules", "least_squares", "learn", "adam", "batches", "losses", "training",
    "training_state",
    "conversion_axes", "conv_forms", "shuffle_conversions", "resize_conversions", "convert",
    "backends", "backends.base", "backends.conv_tables", "backends.cpu", "backends.reference",
    "backends.products", "backends.product_tables", "backends.resize_conv",
    "backends.matrix_products", "backends.resize_conv_borders", "backends.resize_conv_gradients",
    "backends.resize_conv_parts", "backends.resize_conv_strips", "backends.resize_conv_views",
    "backends.shuffles", "backends.tiles",
    "backends.gpu", "backends.gpu_conv", "backends.gpu_conv_kernels", "backends.gpu_conv_tables",
    "backends.gpu_copy", "backends.gpu_launch", "backends.gpu_pool", "backends.gpu_resample",
    "backends.gpu_resize_conv", "backends.gpu_strides", "backends.kernels",
    "backends.pixel_tables", "places", "device_equations",
]  # fmt: skip

# What a module of the core may import from the package.  A line here is a decision.
ALLOWED = {
    "axis": set(),
    "lazy": set(),
    "layout": {"lazy"},
    "spec": {"axis", "layout", "lazy"},
    "pool_spec": {"layout", "spec"},
    "pieces": {"axis"},
    "plan": {"axis", "lazy", "pieces", "spec"},
    "threads": {"spec"},
    "arrays": {"buffers", "layout", "places", "spec", "backends"},
    "places": {"backends", "spec"},
    "device_equations": {"least_squares"},
    "buffers": {"spec", "backends._buffers"},
    "backends": set(),
    "backends.base": {"conv_spec", "layout", "plan", "pool_spec", "resize_conv_spec", "spec"},
    "backends.conv_tables": {"conv_spec"},
    "backends.pixel_tables": {"conv_spec", "backends.conv_tables"},
    "backends.reference": {
        "axis", "conv_spec", "layout", "plan", "pool_spec", "resize_conv_spec", "spec",
    },
    "backends.products": {"spec"},
    "backends.product_tables": {
        "conv_spec", "backends.conv_tables", "backends.pixel_tables", "backends.products",
    },
    "backends.resize_conv_parts": {"conv_spec", "resize_conv_spec", "spec", "backends.products"},
    "backends.resize_conv_views": {"layout", "resize_conv_spec", "backends.resize_conv_parts"},
    "backends.matrix_products": {
        "conv_spec", "layout", "resize_conv_spec", "backends.resize_conv_parts",
    },
    "backends.resize_conv_strips": {
        "conv_spec", "layout", "plan", "resize_conv_spec", "backends.matrix_products",
        "backends.resize_conv_parts", "backends.resize_conv_views",
    },
    "backends.resize_conv_borders": {
        "layout", "plan", "resize_conv_spec", "spec", "backends.matrix_products",
        "backends.resize_conv_parts", "backends.resize_conv_strips",
    },
    "backends.resize_conv": {
        "conv_spec", "layout", "plan", "resize_conv_spec", "backends.conv_tables",
        "backends.product_tables", "backends.resize_conv_parts", "backends.resize_conv_strips",
        "backends.resize_conv_views",
    },
    "backends.resize_conv_gradients": {
        "conv_spec", "layout", "plan", "resize_conv_spec", "backends.product_tables",
        "backends.resize_conv", "backends.resize_conv_borders", "backends.resize_conv_parts",
        "backends.resize_conv_strips", "backends.resize_conv_views",
    },
    "backends.shuffles": {"axis"},
    "backends.tiles": {"axis", "backends.shuffles"},
    "backends.cpu": {
        "axis", "conv_spec", "layout", "plan", "pool_spec", "resize_conv_spec", "spec", "threads",
        "backends", "backends.conv_tables", "backends.pixel_tables", "backends.resize_conv",
        "backends.reference", "backends.resize_conv_gradients", "backends.resize_conv_strips",
        "backends.shuffles", "backends.tiles",
        "backends._cpu_baseline", "backends._threads",
    },
    "backends.kernels": set(),
    "backends.gpu_launch": {"plan", "backends", "backends.kernels"},
    "backends.gpu_copy": {"axis", "plan", "backends.gpu_launch", "backends.kernels"},
    "backends.gpu_resample": {"axis", "plan", "backends.gpu_launch", "backends.kernels"},
    "backends.gpu_pool": {"pool_spec", "backends.gpu_launch", "backends.kernels"},
    "backends.gpu_conv": {
        "conv_spec", "layout", "backends.gpu_conv_kernels", "backends.gpu_launch",
        "backends.gpu_strides",
    },
    "backends.gpu_conv_kernels": {
        "conv_spec", "backends.gpu_conv_tables", "backends.gpu_launch", "backends.gpu_strides",
        "backends.kernels",
    },
    "backends.gpu_conv_tables": {"conv_spec"},
    "backends.gpu_strides": {"backends.kernels"},
    "backends.gpu_resize_conv": {
        "conv_spec", "plan", "resize_conv_spec", "backends.resize_conv_parts",
    },
    "backends.gpu": {
        "conv_spec", "layout", "plan", "pool_spec", "resize_conv_spec", "backends.gpu_conv",
        "backends.gpu_copy", "backends.gpu_launch", "backends.gpu_pool", "backends.gpu_resample",
        "backends.gpu_resize_conv",
    },
    "conv_spec": {"layout", "spec"},
    "resize_conv_spec": {"conv_spec", "layout", "spec"},
    "resize_conv": {"conv_calls", "resize_conv_spec"},
    "shuffle": {"arrays", "layout", "places", "spec"},
    "analysis": {"arrays", "spec"},
    "init": {"spec"},
    "module_files": {"files"},
    "module_base": {"arrays", "module_files", "places", "spec"},
    "layers": {"arrays", "functional", "module_base", "pooling", "shuffle", "spec"},
    "conv_layers": {
        "arrays", "conv", "conv_spec", "init", "layout", "module_base", "resize_conv",
        "resize_conv_spec", "spec",
    },
    "conversion_axes": {"init"},
    "conv_forms": {
        "arrays", "conv_layers", "conv_spec", "conversion_axes", "resize_conv",
        "resize_conv_spec", "shuffle", "spec",
    },
    "shuffle_conversions": {"conv_forms", "conversion_axes", "spec"},
    "resize_conversions": {
        "conv_forms", "conv_spec", "conversion_axes", "resize_conv_spec",
        "shuffle_conversions", "spec",
    },
    "convert": {
        "conv_forms", "conv_layers", "layers", "module_base", "resize_conversions",
        "shuffle_conversions", "spec",
    },
    "modules": {"conv_layers", "layers", "module_base", "module_files"},
    "least_squares": set(),
    "learn": {
        "arrays", "conv_layers", "conv_spec", "device_equations", "init", "layout",
        "least_squares", "places", "spec",
    },
    "adam": {"places"},
    "losses": {"places"},
    "batches": {"arrays", "layout", "places", "spec"},
    "training_state": {"files"},
    "training": {
        "adam", "batches", "layout", "losses", "module_base", "places", "spec", "training_state",
    },
    "conv": {"conv_calls", "conv_spec"},
    "conv_calls": {"arrays", "conv_spec", "places", "spec", "threads"},
    "small_calls": {"backends", "buffers", "plan", "spec", "threads"},
    "functional": {"arrays", "places", "plan", "small_calls", "spec", "threads"},
    "pooling": {"arrays", "places", "pool_spec", "spec", "threads"},
}  # fmt: skip
STANDARD = {
    "__future__", "bisect", "collections", "contextlib", "contextvars", "dataclasses", "fractions",
    "functools", "importlib", "itertools", "json", "math", "numbers", "operator", "os", "pathlib",
    "re", "sys", "threading", "types", "typing",
}  # fmt: skip


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, package: str, root: Path) -> set[str]:
    """Absolute names of the modules that a file imports, anywhere in it."""
    tree = ast.parse(path.read_text("utf-8"))
    here = [package, *path.relative_to(root).parent.parts]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            module = ".".join([*base, node.module] if node.module else base)
            # `from . import _threads` imports a module, `from .plan import Plan` a name.
            for alias in node.names:
                inner = root.joinpath(*f"{module}.{alias.name}".split(".")[1:])
                known = inner.with_suffix(".py").exists() or inner.with_suffix(".pyx").exists()
                found.add(f"{module}.{alias.name}" if node.level and known else module)
    return found


def files(root: Path) -> list[Path]:
    return sorted(p for p in root.rglob("*.py") if "__pycache__" not in p.parts)


@pytest.mark.parametrize("path", files(PACKAGE), ids=lambda p: module_name(p, PACKAGE) or "init")
def test_the_package(path):
    name = module_name(path, PACKAGE)
    found = imports(path, "upsampler", PACKAGE)
    tops = {m.split(".")[0] for m in found}
    # Frameworks belong to bridges of later issues, the GPU to its backend, Qt to the viewer.
    assert not tops & {"torch", "onnx", "dask", "tensorflow", "jax", "cv2", "PySide6"}
    assert "cupy" not in tops or name == "backends.gpu"
    assert "upsampler_gui" not in tops or name in ("cli", "cli_view"), "the viewer is lazy"
    assert not tops & {"tests", "pytest", "hypothesis"}
    inside = {m.removeprefix("upsampler.") for m in found if m.startswith("upsampler.")}
    if name in CORE:
        assert tops - STANDARD <= {"numpy", "upsampler", "cupy"}, "the core imports NumPy alone"
        assert inside <= ALLOWED[name], f"not allowed: {inside - ALLOWED[name]}"


def test_every_module_of_the_core_is_known():
    """A new file in backends/ or beside the core has to be given its place above."""
    backends = {module_name(p, PACKAGE) for p in files(PACKAGE / "backends")}
    assert backends <= set(CORE)
    assert set(ALLOWED) == set(CORE)
    for name in CORE:
        path = PACKAGE.joinpath(*name.split("."))
        assert path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def test_the_viewer_uses_the_public_api():
    """`gui` names no module behind the public functions, and no private name."""
    if not GUI.exists():
        pytest.skip("the viewer's sources are not beside this installation")
    for path in files(GUI):
        found = imports(path, "upsampler_gui", GUI)
        inside = {m for m in found if m == "upsampler" or m.startswith("upsampler.")}
        core = {f"upsampler.{name}" for name in CORE}
        assert not inside & core, f"{path.name} imports {inside & core}"
        assert not {m.split(".")[0] for m in found} & {"torch", "cv2", "cupy"}


def test_only_the_axis_file_knows_a_coordinate():
    """Nobody else writes the half pixel: (i + 0.5) * step or the like."""
    for name in set(CORE) - {"axis"}:
        path = PACKAGE.joinpath(*name.split(".")).with_suffix(".py")
        if not path.exists():
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
                for side in (node.left, node.right):
                    assert not (isinstance(side, ast.Constant) and side.value == 0.5), path.name


def test_import_is_light():
    """What the command line, the pictures and the viewer need is not loaded by the core."""
    code = """
        import sys
        before = set(sys.modules)
        import numpy
        with_numpy = set(sys.modules)
        import upsampler
        upsampler.interpolate(numpy.ones((2, 2)), scale_factor=2, mode="bilinear")
        tops = {m.split(".")[0] for m in set(sys.modules) - with_numpy}
        print(*sorted(t for t in tops if t not in sys.stdlib_module_names))
    """
    loaded = set(run(code).split())
    loaded -= {"_cython_3_1_0", "_cython_3_1", "cython_runtime"}
    assert {name for name in loaded if not name.startswith("_cython")} == {"upsampler"}


def test_public_names_are_listed_and_documented():
    for name in upsampler.__all__:
        value = getattr(upsampler, name)
        if callable(value):
            assert value.__doc__, name
            assert len(value.__doc__.strip().splitlines()[0]) < 100
    assert sorted(upsampler.__all__) == list(upsampler.__all__)
