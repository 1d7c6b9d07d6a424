"""The GPU backend where there is no GPU: what it says, and what its arrays do to the others."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import upsampler
from upsampler.backends import kernels
from upsampler.places import backend_for, on_gpu

from .test_threads import run

X = np.ones((1, 3, 5, 7), np.float32)


class Array:
    """As much of an array of CuPy as a question of places looks at."""

    dtype = np.dtype(np.float32)
    shape = (1, 3, 5, 7)
    ndim = 4

    def __init__(self, device):
        self.device = SimpleNamespace(id=device)


@pytest.fixture
def cupy(monkeypatch):
    """Stands for an imported CuPy."""
    module = ModuleType("cupy")
    module.ndarray = Array
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


def test_without_cupy():
    code = """
        import sys
        sys.modules["cupy"] = None  # as if it were not installed
        import numpy as np, upsampler
        status = upsampler.backends()["gpu"]
        print(status["available"], status["reason"])
        print(upsampler.interpolate(np.ones((1, 2)), scale_factor=2).shape)
    """
    told, computed = run(code).splitlines()
    assert told.startswith("False CuPy cannot be imported")
    assert "gpu-cuda12" in told
    assert computed == "(2, 4)"


def test_a_cupy_that_is_broken():
    """Whatever its import raises is told, and does not reach the caller."""
    code = """
        import sys
        class Finder:
            def find_spec(self, name, path=None, target=None):
                if name == "cupy":
                    raise RuntimeError("compiled for another NumPy")
        sys.meta_path.insert(0, Finder())
        import upsampler
        print(upsampler.backends()["gpu"]["reason"])
    """
    assert run(code).startswith("CuPy cannot be imported (compiled for another NumPy)")


FAKE = """
    import sys
    from types import ModuleType, SimpleNamespace as Names
    def fail(*arguments, **keywords):
        raise RuntimeError("the reason")
    class Cell:
        def __init__(self, value):
            self.value = value
        def __getitem__(self, index):
            return self.value
        def astype(self, dtype):
            return {half}
    cupy = ModuleType("cupy")
    cupy.cuda = Names(runtime=Names(getDeviceCount={count}))
    function = {function}
    cupy.RawModule = lambda code, options=(): Names(get_function={compiled})
    cupy.zeros = lambda *shape: Cell({value})
    sys.modules["cupy"] = cupy
    import upsampler
    status = upsampler.backends()["gpu"]
    print(status["available"], status["reason"])
    from upsampler.cli_info import show
    show(as_json=False)
"""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": "fail"}, "no CUDA driver or device: the reason"),
        ({"count": "lambda: 0"}, "no CUDA device"),
        ({"compiled": "fail"}, "a kernel failed to compile (pip install"),
        ({"function": "fail"}, "a kernel failed to run: the reason"),
        ({"value": "5"}, "a kernel ran and gave 5 instead of 7"),
        ({"half": "fail()"}, "a kernel of CuPy failed (are the CUDA headers there? pip install"),
        ({"half": "Cell(0)"}, "a kernel of CuPy ran and gave 0.0 instead of 7"),
    ],
)
def test_the_reason_why_there_is_none(change, message):
    parts = {
        "count": "lambda: 1",
        "compiled": "lambda name: function",
        "function": "lambda *arguments: None",
        "value": "7",
        "half": "Cell(7.0)",
    }
    told, *table = run(FAKE.format(**(parts | change)), COLUMNS="400").splitlines()
    assert told.startswith("False ")
    assert message in told
    shown = " ".join(" ".join(table).split())
    assert "not available: " + message in shown


def test_arrays_of_two_places(cupy):
    for arguments, told in [
        ((X, Array(0)), "weight: got an array on GPU 0; allowed: on the host, where x is"),
        ((Array(1), X), "weight: got an array on the host; allowed: on GPU 1, where x is"),
        ((Array(1), Array(0)), "weight: got an array on GPU 0; allowed: on GPU 1, where x is"),
    ]:
        with pytest.raises(TypeError) as caught:
            upsampler.conv_transpose2d(*arguments)
        assert str(caught.value) == told


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (upsampler.interpolate, (7,)),
        (upsampler.pixel_shuffle, (1,)),
        (upsampler.avg_pool2d, (2,)),
        (upsampler.max_pool2d, (2,)),
    ],
)
def test_a_result_of_another_place(cupy, function, arguments):
    with pytest.raises(TypeError, match=r"^out: got an array on GPU 0; allowed: on the host"):
        function(X, *arguments, out=Array(0))


def test_who_computes(cupy):
    assert on_gpu(Array(0))
    assert not on_gpu(X)
    assert not on_gpu([1.0])
    assert backend_for(x=X, out=None).name == "cpu"
    assert backend_for(x=Array(0), out=None).name == "gpu"
    assert backend_for(x=Array(0), out=None).xp is cupy


def test_an_array_on_a_gpu_that_is_none_of_cupy():
    array = SimpleNamespace(__cuda_array_interface__={})
    with pytest.raises(upsampler.BackendUnavailable, match=r"cupy\.asarray"):
        upsampler.interpolate(array, 4)


def test_sources_are_one_text_that_knows_its_lines():
    """Compiled modules are cached by the text; compilers name the file of an error."""
    for file in ("march.cu", "copy.cu", "places.cu", "pool.cu"):
        text = kernels.source(file)
        assert text.startswith('#line 1 "common.cuh"\n')
        assert f'\n#line 1 "{file}"\n' in text
        assert "#include" not in text


def test_the_manifest_names_every_kernel_for_every_item():
    known = list(kernels.manifest())
    assert len(set(known)) == len(known)
    files = {path.name for path in kernels.HOME.iterdir()} - {kernels.COMMON}
    assert {kernel.file for kernel in known} == files
    for file in files:
        names = {kernel.name for kernel in known if kernel.file == file}
        declared = kernels.source(file).split('extern "C" __global__')[1:]
        assert len(declared) == len(names)
    for item in kernels.ITEMS.values():
        assert any(dict(kernel.macros).get("SOURCE") == item for kernel in known)


@pytest.mark.parametrize(
    ("device", "error", "message"),
    [
        (5, TypeError, "device: got 5 of type int; allowed: 'cpu', 'gpu' or"),
        ("tpu", ValueError, "device: got 'tpu'; allowed: 'cpu'"),
        ("gpu:", ValueError, "device: got 'gpu:'; allowed: 'cpu'"),
        ("gpu:-1", ValueError, "device: got 'gpu:-1'; allowed: 'cpu'"),
    ],
)
def test_devices_that_are_none(device, error, message):
    module = upsampler.ConvTranspose2d(1, 1, 2, seed=0)
    with pytest.raises(error) as caught:
        module.to(device)
    assert message in str(caught.value)


def test_a_module_without_a_gpu():
    code = """
        import sys
        sys.modules["cupy"] = None  # as if it were not installed
        import upsampler
        module = upsampler.ConvTranspose2d(1, 1, 2, seed=0).to("cpu")
        try:
            module.to("gpu")
        except upsampler.BackendUnavailable as error:
            print(error)
    """
    assert run(code).startswith("backend 'gpu': CuPy cannot be imported")
