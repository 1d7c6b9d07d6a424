"""Runs kernels as the PTX that NVRTC makes of them."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from typing import Any

from . import gxx, nvrtc
from .launching import Done, How, LaunchError, Record, memories_of, pack
from .ptx_kernel import translate
from .ptx_text import ModuleText, parse

ARCH = "compute_90"


class PtxEngine:
    """The kernels of one PTX module, each translated when it is first launched."""

    def __init__(self, ptx: str) -> None:
        self.ptx = ptx
        self.module: ModuleText = parse(ptx)
        self._translated = functools.cache(self._translate)

    @classmethod
    def of_source(cls, source: str, options: Sequence[str], arch: str = ARCH) -> PtxEngine:
        return cls(nvrtc.compile(source, tuple(options), arch).decode())

    def _translate(self, name: str) -> tuple[ctypes.CDLL, tuple[str, ...]]:
        translation = translate(self.module, name)
        return gxx.kernel_library(translation.source), translation.sites

    def launch(self, name: str, arguments: Sequence[Any], how: How) -> Done:
        """Run one kernel; LaunchError says what it did wrong, and where."""
        if name not in self.module.kernels:
            raise LaunchError(f"no kernel {name!r}; there are: {', '.join(self.module.kernels)}")
        parameters = self.module.kernels[name].parameters
        packed = pack(arguments, [(p.kind, p.size, p.offset) for p in parameters])
        library, texts = self._translated(name)
        record = Record(memories_of(arguments), how, len(texts))
        if library.launch(ctypes.byref(record.launch), packed):
            raise LaunchError(f"{name}: {record.launch.error.decode()}")
        return Done(
            name,
            how,
            record.launch.instructions,
            record.launch.blocks_run,
            record.counts(texts),
        )
