"""Which backend and which instruction set computes, and how to ask for another."""

import sys

import numpy as np
import pytest

import upsampler
from upsampler import interpolate
from upsampler.backends import get, use

from .test_threads import run

SETS = upsampler.backends()["cpu"].get("instruction_sets", ())


def test_the_compiled_backend_is_there():
    """Without it the suite would run on the reference alone, and pass."""
    status = upsampler.backends()["cpu"]
    assert status["available"], status["reason"]
    assert status["reason"] is None
    assert "baseline" in SETS
    assert status["instruction_set"] in SETS
    assert status["threads"] == upsampler.get_num_threads()
    assert get("cpu") is get(f"cpu-{status['instruction_set']}")


def test_every_instruction_set_is_a_module_of_its_own():
    names = {get(f"cpu-{name}").loops.__name__ for name in SETS}
    assert names == {f"upsampler.backends._cpu_{name}" for name in SETS}
    for name in SETS:
        assert sys.modules[f"upsampler.backends._cpu_{name}"].__file__.endswith((".so", ".pyd"))


@pytest.mark.parametrize("name", SETS)
def test_an_instruction_set_can_be_forced(name):
    code = "import upsampler; print(upsampler.backends()['cpu']['instruction_set'])"
    assert run(code, UPSAMPLER_CPU=name) == name
    assert run(code, UPSAMPLER_CPU=f" {name.upper()} ") == name
    assert run(code, UPSAMPLER_CPU="") == upsampler.backends()["cpu"]["instruction_set"]


def test_an_unknown_instruction_set_is_an_error():
    """And not a silent fall-back: neither of the report nor of the call."""
    code = """
        import numpy as np, upsampler
        status = upsampler.backends()["cpu"]
        assert not status["available"], status
        print(status["reason"])
        try:
            upsampler.interpolate(np.ones((2, 2)), scale_factor=2)
        except upsampler.BackendUnavailable as error:
            print(error)
    """
    lines = run(code, UPSAMPLER_CPU="avx9000").splitlines()
    assert len(lines) == 2
    for line in lines:
        assert "UPSAMPLER_CPU: got 'avx9000'; allowed here: " in line
        assert "baseline" in line


def test_use_selects_and_restores():
    x = np.random.default_rng(130).normal(size=(40, 40)).astype(np.float32)

    def bits():
        return interpolate(x, (57, 57), mode="bicubic").tobytes()

    compiled = bits()
    with use("reference"):
        reference = bits()
        with use("cpu"):
            assert bits() == compiled
        assert bits() == reference
    assert bits() == compiled
    assert reference != compiled  # float64 throughout against float32


def test_the_reference_says_what_it_is():
    assert upsampler.backends()["reference"]["available"]
    assert set(upsampler.backends()) == {"cpu", "reference", "gpu"}


@pytest.mark.parametrize("name", SETS)
def test_the_extension_modules_import_alone(name):
    """No import order between the compiled modules is needed."""
    name = f"upsampler.backends._cpu_{name}"
    assert run(f"import importlib; print(importlib.import_module({name!r}).__name__)") == name
