"""What the README says is so: its commands, its tour, its pictures and its links."""

import doctest
import re
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest

import upsampler
from upsampler.cli_compare import _crop
from upsampler.comparison import degrade
from upsampler.images import read
from upsampler.methods import PRESETS
from upsampler.resize import resize_picture

from .bench import report

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def command(name):
    found = re.findall(rf"<!-- command: {name} -->\n```bash\n(.*)\n```\n", README)
    assert len(found) == 1, f"one command of one line is marked as {name}"
    return found[0]


def test_the_tour_runs_as_printed():
    tour = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    test = doctest.DocTestParser().get_doctest("".join(tour), {}, "README.md", "README.md", 0)
    assert len(test.examples) >= 10
    failed, _ = doctest.DocTestRunner(verbose=False).run(test)
    assert failed == 0


@pytest.mark.parametrize("name", ["view", "test"])
def test_a_command_sets_everything_up(name):
    make, install, run = command(name).split(" && ")
    assert make == "python3 -m venv .venv"
    extra = re.fullmatch(r'\.venv/bin/pip install -e "\.\[(\w+)\]"', install).group(1)
    assert extra in PROJECT["optional-dependencies"]
    program, *rest = run.split()
    if name == "test":
        assert [program, *rest] == [".venv/bin/python", "-m", "pytest"]
    else:
        assert Path(program).name in PROJECT["scripts"]
        assert all((ROOT / file).is_file() for file in rest[1:])


def test_ci_runs_the_test_command():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    extraction = re.search(r"command=\$\((.*)\)\n", script).group(1)
    done = subprocess.run(
        ["bash", "-c", extraction], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == command("test") + "\n"
    assert 'bash -euo pipefail -c "${command//.venv/$venv}"' in script


def test_ci_and_readme_install_the_same_packages():
    def packages(text):
        return set(re.findall(r"[a-z][a-z0-9.+-]+[a-z0-9]", text))

    listed = re.search(r"sudo apt-get install (.*?)```", README, re.DOTALL).group(1)
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    used = " ".join(re.findall(r'local (?:compile|qt|window)="(.*)"', script)) + " xvfb xauth"
    assert packages(listed) == packages(used)


def test_every_file_linked_to_exists():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert "assets/viewer.png" in links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_the_picture_of_the_checkerboard_is_what_its_command_makes():
    """The crop of every method stands in it, pixel for pixel (but for the last bits of BLAS)."""
    program, action, source, *options = command("checkerboard").split()
    assert (program, action, options[:2]) == ("upsampler", "compare", ["--preset", "checkerboard"])
    crop = _crop(options[options.index("-c") + 1])
    shown = read(ROOT / options[options.index("-o") + 1]).pixels.astype(int)
    preset = PRESETS["checkerboard"]
    truth, small = degrade(read(ROOT / source), preset.scale)
    size = truth.height, truth.width
    made = [resize_picture(small, size, method=method) for method in preset.methods]
    places = set()
    for picture in (truth, *made):
        block = np.kron(crop.of(picture.pixels), np.ones((6, 6, 1), int))
        places.add(where(shown, block))
    assert len(places) == 1 + len(preset.methods) - 1  # bilinear is there twice


def where(shown, block):
    """The place in a picture where a block stands, within a level."""
    height, width = block.shape[:2]
    probes = [(0, 0), (height - 1, 0), (0, width - 1), (height // 2, width // 3)]
    rows, columns = (a - b + 1 for a, b in zip(shown.shape[:2], block.shape[:2], strict=True))
    found = np.ones((rows, columns), bool)
    for y, x in probes:
        near = np.abs(shown[y : y + rows, x : x + columns] - block[y, x]).max(axis=2) <= 1
        found &= near
    for y, x in np.argwhere(found):
        if np.abs(shown[y : y + height, x : x + width] - block).max() <= 1:
            return int(y), int(x)
    raise AssertionError("it does not stand there")


def test_every_mode_is_in_the_table():
    from upsampler.spec import MODES

    table = README.split("## Methods")[1].split("## Conventions")[0]
    assert [mode for mode in MODES if f"`{mode}`" not in table] == []


def test_every_public_name_is_told_or_a_twin():
    twins = {f"{n.removesuffix('_backward')}_backward" for n in upsampler.__all__}
    others = {"BackendUnavailable", "__version__", "get_num_threads"}
    names = set(upsampler.__all__) - twins - others
    assert [n for n in sorted(names) if f"{n}" not in README] == []


@pytest.mark.parametrize("file", ["README.md", "tests/bench/RESULTS.md"])
def test_the_benchmark_has_its_place(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    assert text.count(report.BEGIN) == text.count(report.END) == 1
    assert text.index(report.BEGIN) < text.index(report.END)


def test_the_changelog_has_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(upsampler.__version__)}\] - ", text, re.MULTILINE)
