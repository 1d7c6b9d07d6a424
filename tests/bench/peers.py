"""The libraries that this package is compared with."""

from __future__ import annotations

import importlib

MODULES = {"torch": "torch", "opencv": "cv2", "pillow": "PIL", "scikit-image": "skimage"}
ONE_THREAD = ("pillow", "scikit-image")  # whatever the others may use
ABSENT = "absent: "


def versions(names: list[str]) -> dict[str, str]:
    """The version of every peer of `names`, or "absent: " and the reason why."""
    found = {}
    for name in names:
        try:
            found[name] = str(importlib.import_module(MODULES[name]).__version__)
        except ImportError as error:
            found[name] = f"{ABSENT}{error}"
    return found
