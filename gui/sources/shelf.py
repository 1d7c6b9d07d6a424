"""Files of arrays: .npy and .npz, of any number of axes; large ones are mapped, not read."""

from __future__ import annotations

import os
import zipfile
from dataclasses import replace

import numpy as np

from upsampler.images import ImageError
from upsampler.picture import Picture, check_memory, shown

from ..source import Source, source
from .slices import LAYOUTS, Slice, guess, with_layout

MAPPED = 256 << 20  # bytes from which a file is mapped: its pages are read when they are looked at


class Shelf:
    """The arrays of a file.

    Parameters
    ----------
    path : str

    Raises
    ------
    ImageError
        If there is no array of numbers in it: a sentence that says why.
    """

    path: str | None

    def __init__(self, path: str) -> None:
        self.path = path
        self.name = os.path.basename(path)
        self._held: tuple[str, np.ndarray] | None = None
        with open(path, "rb") as file:
            self.zipped = file.read(2) == b"PK"
        self.members: tuple[str, ...] = ("",)
        if self.zipped:
            try:
                with zipfile.ZipFile(path) as archive:
                    names = [name.removesuffix(".npy") for name in archive.namelist()]
            except zipfile.BadZipFile as error:
                raise ImageError(f"{shown(path)}: corrupt .npz file") from error
            self.members = tuple(name for name in names if self._usable(name))
            if not self.members:
                raise ImageError(f"{shown(path)}: holds no array that could be a picture")

    @property
    def where(self) -> str:
        """The file, for errors."""
        return shown(self.path or self.name)

    def _usable(self, member: str) -> bool:
        try:
            self.guess(member)
        except (ImageError, ValueError):
            return False
        return True

    def array(self, member: str) -> np.ndarray:
        """One of the arrays; that of the last call is kept."""
        if self._held is not None and self._held[0] == member:
            return self._held[1]
        try:
            array = self._read(member)
        except ImageError:
            raise
        except MemoryError as error:
            raise ImageError(f"{self.where}: too large for this machine") from error
        except Exception as error:  # zip and npy files are malformed in many ways
            reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
            raise ImageError(f"{self.where}: corrupt or not supported ({reason})") from error
        if array.dtype.kind not in "biuf":
            raise ImageError(
                f"{self.where}: holds dtype {array.dtype}, a picture is made of integers or floats"
            )
        self._held = (member, array)
        return array

    def _read(self, member: str) -> np.ndarray:
        if self.zipped:
            with open(self.path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                return np.asarray(file[member])
        # Mapped first: that tells the shape without reading, whatever it promises.
        mapped = np.load(self.path, mmap_mode="r", allow_pickle=False)
        if mapped.nbytes >= MAPPED and mapped.dtype.isnative:
            return np.asarray(mapped)
        check_memory((*mapped.shape, 1, 1), mapped.dtype, 1)
        return np.array(mapped, mapped.dtype.newbyteorder("="))

    @property
    def mapped(self) -> bool:
        """Whether the array that is held lies in the file and not in memory."""
        return self._held is not None and isinstance(self._held[1].base, np.memmap)

    def guess(self, member: str = "") -> Slice:
        """The picture to begin with."""
        try:
            return guess(self.array(member).shape, member)
        except ValueError as error:
            if isinstance(error, ImageError):
                raise
            raise ImageError(f"{self.where}: {error}") from None

    def source(self, slice_: Slice) -> Source:
        """One picture of the file."""
        array = self.array(slice_.member)
        pixels = slice_.of(array)
        plain = slice_.layout == "HWC" and slice_.channel is None
        alpha = plain and pixels.shape[2] in (2, 4) and pixels.dtype.name in ("uint8", "uint16")
        name = f"{self.name}  {slice_.text}".strip()
        mapped = self.mapped
        if alpha and mapped:
            pixels, alpha = pixels[:, :, :-1], False  # weighing would take a copy of all of it
        made = source(Picture(pixels, alpha), name, self.path, mapped=mapped)
        return replace(made, shelf=self, slice=slice_)


class Held(Shelf):
    """An array in memory as if it were a file of one.

    Parameters
    ----------
    array : ndarray
    name : str
        For titles and errors.
    """

    path = None

    def __init__(self, array: np.ndarray, name: str) -> None:
        self.name, self.zipped, self.members = name, False, ("",)
        if array.dtype.kind not in "biuf":
            raise ImageError(
                f"{name}: got dtype {array.dtype}; allowed: integers, floats and booleans"
            )
        self._held = ("", np.asarray(array, array.dtype.newbyteorder("=")))

    def begin(self, layout: str | None) -> Slice:
        """The first picture, in a layout that somebody has given or in the likeliest."""
        if layout is None:
            return self.guess()
        shape = self.array("").shape
        if layout not in LAYOUTS.get(len(shape), ()):
            allowed = ", ".join(LAYOUTS.get(len(shape), ())) or "arrays of 2 to 5 axes"
            raise ImageError(f"layout: got {layout!r} for shape {shape}; allowed: {allowed}")
        if 0 in shape:
            return self.guess()
        return with_layout(Slice(layout), layout, shape)


def open_shelf(path: str) -> Source:
    """The first picture in a file of arrays."""
    shelf = Shelf(path)
    return shelf.source(shelf.guess(shelf.members[0]))
