"""Writing: the old file or the new one under its name, never a part, and no litter."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from upsampler.files import replacing
from upsampler.images import ImageError, Picture, read, write


def test_a_new_file(tmp_path):
    with replacing(tmp_path / "x") as file:
        file.write(b"new")
        assert not (tmp_path / "x").exists()
    assert (tmp_path / "x").read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, MemoryError])
def test_what_fails_leaves_the_old_file_and_no_litter(tmp_path, error):
    (tmp_path / "x").write_bytes(b"old")

    def half():
        with replacing(tmp_path / "x") as file:
            file.write(b"half")
            file.flush()
            assert (tmp_path / "x").read_bytes() == b"old"
            raise error

    with pytest.raises(error):
        half()
    assert (tmp_path / "x").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_permissions(tmp_path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "new") as file:
            file.write(b"")
        (tmp_path / "old").write_bytes(b"")
        (tmp_path / "old").chmod(0o604)
        with replacing(tmp_path / "old") as file:
            file.write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o604


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "target")
    with replacing(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "target").read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names")
def test_devices_are_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match=r"pipe\.png: is not a regular file"):
        write(tmp_path / "pipe.png", Picture(np.zeros((1, 1), np.uint8)))
    assert stat.S_ISFIFO((tmp_path / "pipe.png").stat().st_mode)


def test_folders_and_missing_folders(tmp_path):
    (tmp_path / "d.png").mkdir()
    one = Picture(np.zeros((1, 1), np.uint8))
    with pytest.raises(ImageError, match=r"d\.png: is a folder"):
        write(tmp_path / "d.png", one)
    with pytest.raises(ImageError, match=r"x\.png: no such"):
        write(tmp_path / "no" / "x.png", one)


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    write(tmp_path / "x.png", Picture(np.zeros((1, 1), np.uint8)))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ImageError, match=r"x\.png: no space left on device"):
        write(tmp_path / "x.png", Picture(np.ones((9, 9), np.uint8)))
    assert read(tmp_path / "x.png").pixels.shape == (1, 1)
    assert [p.name for p in tmp_path.iterdir()] == ["x.png"]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_killed_at_any_moment_the_name_holds_a_whole_picture(tmp_path):
    """A child rewrites one file with pictures of two sizes until it is killed."""
    target = tmp_path / "x.png"
    script = textwrap.dedent(
        """
        import sys
        import numpy as np
        from upsampler.images import Picture, write

        noise = np.random.default_rng(0).integers(0, 65536, (300, 400, 3), np.uint16)
        write(sys.argv[1], Picture(noise))
        print("ready", flush=True)
        while True:
            write(sys.argv[1], Picture(noise[:200]))
            write(sys.argv[1], Picture(noise))
        """
    )
    for pause in (0.0, 0.013, 0.05, 0.12):
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE, text=True
        )
        with child:
            assert child.stdout.readline() == "ready\n"
            time.sleep(pause)
            child.send_signal(signal.SIGKILL)
        assert read(target).pixels.shape in ((200, 400, 3), (300, 400, 3))
