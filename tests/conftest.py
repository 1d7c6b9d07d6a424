"""The backends that the tests of the core run over, and how hypothesis behaves."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import hypothesis
import pytest

import upsampler
from upsampler.backends import _MODULES, use

_COMMON = {
    "deadline": None,
    # The only function-scoped fixtures are the backend ones: they select, and need no reset.
    "suppress_health_check": [
        hypothesis.HealthCheck.function_scoped_fixture,
        hypothesis.HealthCheck.too_slow,
    ],
}
# Fixed examples where a red run must mean a change of the code; `--hypothesis-profile=explore`
# draws new ones and more of them.
hypothesis.settings.register_profile("default", derandomize=True, max_examples=60, **_COMMON)
hypothesis.settings.register_profile("explore", max_examples=2000, **_COMMON)
hypothesis.settings.load_profile("default")


def compiled() -> list[str]:
    """Names of the CPU backend, one for each instruction set that this processor runs."""
    names = upsampler.backends()["cpu"].get("instruction_sets", ())  # test_backends wants two
    if "UPSAMPLER_DEBUG" in os.environ or "UPSAMPLER_SANITIZE" in os.environ:
        names = sorted({names[0], names[-1]})  # slow builds: the widest and the plainest
    return [f"cpu-{name}" for name in names]


COMPILED = compiled()
# The kernels of the GPU, executed on the CPU: minutes, and NVRTC; `.ci/gpu` asks for it.
EMULATED = ["cuda-emulated"] if os.environ.get("UPSAMPLER_EMULATE") == "1" else []
if EMULATED:
    sys.path.insert(0, str(Path(__file__).parent / "cuda_on_cpu"))


def devices() -> list[str]:
    """The GPU, wherever there is one; with UPSAMPLER_REQUIRE_GPU=1 there has to be one."""
    status = upsampler.backends()["gpu"]
    if not status["available"] and os.environ.get("UPSAMPLER_REQUIRE_GPU") == "1":
        raise RuntimeError(f"UPSAMPLER_REQUIRE_GPU: {status['reason']}")
    return ["cuda"] if status["available"] else []


DEVICES = devices()


@pytest.fixture(params=["reference", *COMPILED, *EMULATED, *DEVICES])
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs the test once on every backend."""
    with contextlib.ExitStack() as stack:
        if request.param in DEVICES:
            stack.enter_context(mock.patch.dict(_MODULES, {"cuda": "tests.gpu_host"}))
        if request.param in EMULATED:
            from hosted import registered

            stack.enter_context(registered())
        stack.enter_context(use(request.param))
        yield request.param


@pytest.fixture(params=COMPILED)
def cpu(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs the test once for each instruction set: for what the reference does not promise."""
    with use(request.param):
        yield request.param


@pytest.fixture
def default_threads() -> Iterator[None]:
    """Undoes `set_num_threads`."""
    yield
    upsampler.set_num_threads(None)
