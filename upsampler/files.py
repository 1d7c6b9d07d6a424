"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a new file that takes the name `path` only once it is complete and on the disk.

    The bytes go to a temporary name in the same folder (a rename works only within a file
    system); at the end of the block they are flushed to the disk and renamed.  Whatever ends the
    block early, Ctrl-C included, removes the temporary file; a kill or a power cut may leave
    it, but under `path` there is the old file or the complete new one at every moment.

    Parameters
    ----------
    path : path-like
        Of a new file, or of a regular file that is replaced and whose permissions are kept.  A
        symbolic link stays and its target is replaced.

    Yields
    ------
    BinaryIO
        Readable, writable and seekable.

    Raises
    ------
    OSError
        As from `open`, and if `path` names something else than a regular file.
    """
    target = os.path.realpath(path)
    mode = None
    with contextlib.suppress(FileNotFoundError):
        found = os.stat(target)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(21, "is a folder", str(path))
        if not stat.S_ISREG(found.st_mode):
            # Renaming over a device such as /dev/null would delete it.
            raise OSError(22, "is not a regular file", str(path))
        mode = stat.S_IMODE(found.st_mode)
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".upsampler-{secrets.token_hex(8)}.tmp")

    def create(name: str, flags: int) -> int:
        # Less the umask, as any new file; tempfile's 0o600 would hide the result from others.
        return os.open(name, flags, 0o666)

    # Opened before the block that removes it: a file that was there is not ours.
    file = open(temporary, "x+b", opener=create)  # noqa: SIM115
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    """Make the rename itself survive a power cut, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
