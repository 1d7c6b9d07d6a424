"""``upsampler info``: what is installed, what computes here, what is missing and why."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click
import numpy as np

from . import __version__, backends, buffer_pool_info, get_num_threads
from .cli_view import viewer_problem
from .console import table_console

_LIBRARIES = ("Pillow", "tifffile", "scikit-image", "PySide6-Essentials")


def facts() -> dict[str, Any]:
    """Everything that ``upsampler info`` tells, as plain data."""
    problem = viewer_problem()
    return {
        "version": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "threads": get_num_threads(),
        "buffer_pool": buffer_pool_info(),
        "backends": backends(),
        "viewer": {"available": problem is None, "reason": problem},
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }


def show(as_json: bool) -> None:
    """Print the facts, as a table or as JSON."""
    known = facts()
    if as_json:
        click.echo(json.dumps(known, indent=2))
        return
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name in ("version", "python", "numpy", "platform", "threads"):
        table.add_row(name, str(known[name]))
    pool = known["buffer_pool"]
    table.add_row("buffer pool", f"at most {pool['bound']} bytes, now {pool['held']}")
    for name, state in known["backends"].items():
        table.add_row(f"backend {name}", _state(state))
    table.add_row("viewer", _state(known["viewer"]))
    for name, number in known["libraries"].items():
        table.add_row(name, number or "not installed")
    table_console().print(table)


def _state(state: dict[str, Any]) -> str:
    if not state["available"]:
        return f"not available: {state['reason']}"
    details = {k: v for k, v in state.items() if k not in ("available", "reason")}
    texts = [
        f"{k.replace('_', ' ')} {', '.join(map(str, v)) if isinstance(v, (list, tuple)) else v}"
        for k, v in details.items()
    ]
    return "; ".join(["available", *texts])


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
