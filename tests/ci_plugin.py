"""Turns skips into failures, so that no test can stop running unnoticed.

Loaded by `.ci/run` (``-p tests.ci_plugin``), where everything a test may want is installed.  A
test that cannot run there all the same says so: ``@pytest.mark.may_skip("needs 20 GB")``.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest


def reason_of(report: Any) -> str:
    """Why a report says skipped: the last of its (file, line, reason), or its text."""
    longrepr = report.longrepr
    return str(longrepr[-1] if isinstance(longrepr, tuple) else longrepr)


def forbid(report: Any) -> None:
    """Make a skip a failure; an expected failure, which pytest also calls skipped, stays one."""
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} must run here, but: {reason_of(report)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if item.get_closest_marker("may_skip") is None:
        forbid(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """Whole modules, by ``pytest.importorskip`` and the like."""
    report = yield
    forbid(report)
    return report
