"""How the stand-in runs kernels; tests change it, `Settings.changed` for the length of a block."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass
class Settings:
    """The defaults check everything.

    engine : "ptx" (NVRTC's PTX translated) or "source" (the source through g++)
    arch : of the PTX
    seed : of the order of blocks and threads
    check : bounds, alignment, races, uninitialised memory
    count_sectors, max_blocks : see cudaemu.launching.How
    sanitize : source engine only: in a child process under address and undefined sanitizers
    devices : number of devices
    multiprocessors : of each device
    """

    engine: str = "ptx"
    arch: str = "compute_90"
    seed: int = 1
    check: bool = True
    count_sectors: bool = False
    max_blocks: int = 0
    sanitize: bool = False
    devices: int = 2
    multiprocessors: int = 2

    @contextlib.contextmanager
    def changed(self, **values: Any) -> Iterator[None]:
        before = {name: getattr(self, name) for name in values}
        for name, value in values.items():
            setattr(self, name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(self, name, value)


settings = Settings()
