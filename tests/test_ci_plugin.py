"""What .ci/run relies on: a skipped test is a failed one."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CASES = {
    "runs": ("def test(): pass", 0, "1 passed"),
    "skipped": (
        "import pytest\ndef test(): pytest.skip('no screen')",
        1,
        "but: Skipped: no screen",
    ),
    "marked": (
        "import pytest\n@pytest.mark.skipif(True, reason='old')\ndef test(): pass",
        1,
        "old",
    ),
    "module": ("import pytest\npytest.importorskip('no_such_module')", 2, "no_such_module"),
    "fixture": (
        "import pytest\n@pytest.fixture\ndef f(): pytest.skip('none')\ndef test(f): pass",
        1,
        "must run here, but: Skipped: none",
    ),
    "may": (
        "import pytest\n@pytest.mark.may_skip('needs 20 GB')\ndef test(): pytest.skip('small')",
        0,
        "1 skipped",
    ),
    "xfail": ("import pytest\n@pytest.mark.xfail\ndef test(): assert 0", 0, "1 xfailed"),
    "fails": ("def test(): assert 0", 1, "1 failed"),
    "empty": ("", 5, "no tests ran"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_skip_fails(name, tmp_path):
    code, status, words = CASES[name]
    (tmp_path / "test_it.py").write_text(code)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    may_skip(reason): it may\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.ci_plugin", "-p", "no:cacheprovider"]
    command += ["-c", str(tmp_path / "pytest.ini"), "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert words in done.stdout
