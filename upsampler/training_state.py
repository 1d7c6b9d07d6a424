"""Where a training is, in memory and in files."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from .files import replacing

FORMAT = 1
TEXT = "training"
Named = dict[str, np.ndarray]
GROUPS = ("parameters", "first", "second")


@dataclass(frozen=True, eq=False)
class Training:
    """Where a training is: what `train` returns, and goes on from.

    Attributes
    ----------
    losses : ndarray of float64
        Of every step so far.
    stopped : bool
        Whether the callback ended it.
    parameters, first, second : dict of str to ndarray
        Copies of the module's parameters, and Adam's means of gradients and of their squares.

    Examples
    --------
    >>> import numpy as np, os, tempfile, upsampler
    >>> module = upsampler.ConvTranspose2d(1, 1, 2, stride=2, seed=0)
    >>> pairs = [(np.ones((1, 3, 5)), np.ones((1, 6, 10)))]
    >>> training = upsampler.train(module, pairs, steps=3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     training.save(os.path.join(folder, "training.npz"))
    ...     later = upsampler.Training.load(os.path.join(folder, "training.npz"))
    >>> later.steps, upsampler.train(module, pairs, steps=5, state=later).steps
    (3, 5)
    """

    losses: np.ndarray
    stopped: bool
    parameters: Named
    first: Named
    second: Named

    @property
    def steps(self) -> int:
        """How many have been taken."""
        return len(self.losses)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to an .npz file, whole or not at all.

        Parameters
        ----------
        path : path-like
            Of the file.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        text = json.dumps({"format": FORMAT, "stopped": self.stopped})
        entries: dict[str, Any] = {TEXT: np.array(text), "losses": self.losses}
        for group in GROUPS:
            entries |= {f"{group}.{name}": a for name, a in getattr(self, group).items()}
        with replacing(path) as file:
            np.savez(file, **entries)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Training:
        """Read what `save` wrote; nothing in a file is executed.

        Parameters
        ----------
        path : path-like
            Of the file.

        Returns
        -------
        Training

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it holds no training, or is damaged.
        """
        with open(path, "rb") as file:
            try:
                about, losses, groups = _parsed(file)
            except MemoryError:
                raise
            except Exception as error:  # damaged archives raise whatever parsers stumble over
                raise _no_training(path, f"{type(error).__name__}: {error}") from error
        if about["format"] != FORMAT:
            raise _no_training(path, f"format {about['format']!r} instead of {FORMAT}")
        return cls(losses, bool(about["stopped"]), **groups)


def _parsed(file: BinaryIO) -> tuple[dict[str, Any], np.ndarray, dict[str, Named]]:
    with np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    about = {"format": None, "stopped": False} | json.loads(str(arrays.pop(TEXT)))
    losses = arrays.pop("losses")
    groups: dict[str, Named] = {group: {} for group in GROUPS}
    for key, array in arrays.items():
        group, name = key.split(".", 1)
        groups[group][name] = array
    return about, losses, groups


def _no_training(path: str | os.PathLike[str], why: str) -> ValueError:
    return ValueError(
        f"path: got {os.fspath(path)!r}, which holds no training ({why}); allowed: files written "
        "by Training.save"
    )
