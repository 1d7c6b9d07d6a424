"""All modules by name, and loading them from files."""

from __future__ import annotations

import os
from typing import Any

from .conv_layers import ConvTranspose2d, ResizeConv2d
from .layers import MaxUnpool2d, PixelShuffle, Sequential, Upsample
from .module_base import Module
from .module_files import no_module, read

LAYERS: dict[str, type[Module]] = {
    layer.__name__: layer
    for layer in (ConvTranspose2d, MaxUnpool2d, PixelShuffle, ResizeConv2d, Upsample)
}

__all__ = [
    "ConvTranspose2d",
    "MaxUnpool2d",
    "Module",
    "PixelShuffle",
    "ResizeConv2d",
    "Sequential",
    "Upsample",
    "load_module",
]


def load_module(path: str | os.PathLike[str]) -> Module:
    """The module that `Module.save` wrote.

    Parameters
    ----------
    path : path-like
        Of an .npz file.

    Returns
    -------
    Module
        Of the class that was saved, with its arguments and parameters.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it holds no module, is damaged, or has a class that is none of this package.

    Notes
    -----
    The file has the parameters under their names, as any .npz file, and a text ``module`` in
    JSON.  No pickle: nothing in a file is executed.

    Examples
    --------
    >>> import os, tempfile, upsampler
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "shuffle.npz")
    ...     upsampler.PixelShuffle(3).save(path)
    ...     upsampler.load_module(path)
    PixelShuffle(upscale_factor=3)
    """
    description, arrays = read(path)
    try:
        module = _build(description)
        module.load_state_dict(arrays)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise no_module(path, error) from error
    return module


def _build(description: dict[str, Any]) -> Module:
    if description["class"] == "Sequential":
        return Sequential(*map(_build, description["modules"]))
    return LAYERS[description["class"]](**description["arguments"])
