"""The files that were opened last, over sessions."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

from upsampler.files import replacing

MOST = 10


def place() -> Path:
    """The file that remembers, where the system keeps such files."""
    if sys.platform == "win32":
        base = os.environ.get("APPDATA") or str(Path.home())
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Application Support")
    else:
        base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "upsampler" / "recent.json"


def recent(where: Path | None = None) -> list[str]:
    """Paths, the last one first; those that have vanished are left out.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from upsampler_gui.sources.recent import recent, remember
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     photo, list_ = Path(folder, "photo.png"), Path(folder, "list.json")
    ...     _ = photo.write_bytes(b"")
    ...     remember(str(photo), list_)
    ...     remember(str(photo), list_)
    ...     [Path(path).name for path in recent(list_)]
    ['photo.png']
    """
    try:
        known = json.loads((where or place()).read_text("utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(known, list):
        return []
    return [path for path in known if isinstance(path, str) and os.path.isfile(path)][:MOST]


def remember(path: str, where: Path | None = None) -> None:
    """Put a file first; where nothing can be written nothing is remembered."""
    where = where or place()
    path = os.path.abspath(path)
    known = [path, *(other for other in recent(where) if other != path)][:MOST]
    with contextlib.suppress(OSError):
        where.parent.mkdir(parents=True, exist_ok=True)
        with replacing(where) as file:
            file.write(json.dumps(known, indent=1).encode())
