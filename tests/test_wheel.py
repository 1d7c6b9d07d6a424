"""The wheel, built, installed and used outside of the source tree."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILD_MINUTES = 15  # two small cores, and a debug or a sanitizer build beside it

SMOKE = """
import sys
from pathlib import Path

import numpy as np
import upsampler
from upsampler.backends import use

home = Path(upsampler.__file__).resolve()
assert Path(sys.prefix).resolve() in home.parents, home
assert (home.parent / "py.typed").exists()
status = upsampler.backends()["cpu"]
assert status["available"], status["reason"]
assert "baseline" in status["instruction_sets"]

from upsampler.backends import kernels
for kernel in kernels.manifest():
    assert f" {kernel.name}(" in kernel.code.replace("\\n", " "), kernel
assert "gpu" in upsampler.backends()

x = np.array([[0.0, 4.0]], np.float32)
results = set()
for name in status["instruction_sets"]:
    with use(f"cpu-{name}"):
        y = upsampler.interpolate(x, size=(1, 4), mode="bilinear")
        assert y.tolist() == [[0.0, 1.0, 3.0, 4.0]], y
        big = np.random.default_rng(0).normal(size=(500, 700, 3)).astype(np.float32)
        results.add(upsampler.interpolate(big, scale_factor=2, mode="bicubic", layout="HWC",
                                          num_threads=4).tobytes())
assert len(results) == 1
back = upsampler.interpolate_backward(np.ones((4, 4)), (2, 2), scale_factor=2, mode="bilinear")
assert back.tolist() == [[4.0, 4.0], [4.0, 4.0]]
values, places = upsampler.max_pool2d([[1, 3], [7, 5]], 2, return_indices=True)
assert (values.tolist(), places.tolist()) == ([[7]], [[2]])
try:
    upsampler.interpolate(x, size=0)
except ValueError as error:
    assert str(error).startswith("size: got 0")
print("fine")
"""


def pip(*arguments: str, cwd: Path, python: Path | str = sys.executable) -> None:
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "UPSAMPLER"))}
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    result = subprocess.run(
        [*command, *arguments],
        cwd=cwd,
        env=variables,
        capture_output=True,
        text=True,
        timeout=BUILD_MINUTES * 60,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy of the sources, so that nothing is left in the tree."""
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("the sources are not beside the tests")
    work = tmp_path_factory.mktemp("wheel")
    source = work / "source"
    leave = shutil.ignore_patterns(
        ".*", "build", "dist", "results", "*.egg-info", "__pycache__", "*.so", "*.pyd", "*.c"
    )
    shutil.copytree(ROOT, source, ignore=leave)
    pip("wheel", "--no-build-isolation", "--no-deps", "-w", str(work), str(source), cwd=work)
    (built,) = work.glob("*.whl")
    return built


@pytest.mark.slow
@pytest.mark.timeout(BUILD_MINUTES * 60 + 60)
def test_contents(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    assert f"upsampler/backends/_cpu_baseline{suffix}" in names
    assert "upsampler/py.typed" in names
    assert "upsampler/__init__.py" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"upsampler", "upsampler_gui"}
    assert not [name for name in names if name.endswith((".c", ".pyc"))]


@pytest.mark.slow
@pytest.mark.timeout(BUILD_MINUTES * 60 + 60)
def test_installed_wheel_works_elsewhere(wheel, tmp_path):
    venv.create(tmp_path / "env", with_pip=False)
    folder = "Scripts" if sys.platform == "win32" else "bin"
    python = tmp_path / "env" / folder / Path(sys.executable).name
    # NumPy and the rest come from where they are; no network, and no second upsampler: a path
    # file does not run the hooks of editable installations.
    purelib = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout.strip()  # fmt: skip
    borrowed = Path(np.__file__).resolve().parent.parent
    (Path(purelib) / "borrowed.pth").write_text(f"{borrowed}\n", "utf-8")
    pip("install", "--no-deps", "--no-index", str(wheel), cwd=tmp_path, python=python)
    away = tmp_path / "away"
    away.mkdir()
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "UPSAMPLER"))}

    def use(*command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            command,
            cwd=away,
            env=variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    result = use(str(python), "-W", "error", "-c", SMOKE)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "fine"
    script = python.with_name("upsampler" + (".exe" if sys.platform == "win32" else ""))
    result = use(str(script), "info")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "baseline" in result.stdout
    assert use(str(script), "no-such-command").returncode == 2
