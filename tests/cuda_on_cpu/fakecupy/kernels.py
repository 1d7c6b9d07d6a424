"""``RawModule`` and ``RawKernel``: CuPy's signatures and argument rules over an engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from cudaemu.launching import Done, Engine, How, LaunchError, Pointer
from cudaemu.nvrtc import NvrtcError
from cudaemu.ptx_engine import PtxEngine

from . import events
from .arrays import ndarray
from .cuda.compiler import CompileException
from .cuda.device import current_device
from .settings import settings

launches: list[Done] = []  # tests look at the last ones, and clear it


def engine(source: str, options: tuple[str, ...]) -> Engine:
    """What runs a source under the present settings."""
    if settings.engine == "ptx":
        return PtxEngine.of_source(source, options, settings.arch)
    from cudaemu.source_engine import SourceEngine

    return SourceEngine.of_source(source, options, sanitize=settings.sanitize)


class RawModule:
    """Compiled when a function is first asked for, as in CuPy."""

    def __init__(
        self,
        *,
        code: str | None = None,
        path: str | None = None,
        options: Sequence[str] = (),
        backend: str = "nvrtc",
        translate_cucomplex: bool = False,
        enable_cooperative_groups: bool = False,
        name_expressions: Sequence[str] | None = None,
        jitify: bool = False,
    ) -> None:
        if code is None or path is not None or name_expressions or jitify or backend != "nvrtc":
            raise NotImplementedError("fakecupy has RawModule(code=, options=)")
        if not isinstance(options, tuple | list):
            raise TypeError("options must be a tuple of str")
        self.code, self.options = code, tuple(options)
        self._engines: dict[Any, Engine] = {}

    def compile(self, log_stream: Any = None) -> None:
        self.engine()

    def engine(self) -> Engine:
        key = settings.engine, settings.arch, settings.sanitize
        if key not in self._engines:
            try:
                self._engines[key] = engine(self.code, self.options)
            except NvrtcError as error:
                raise CompileException(str(error), self.code, "kernel.cu", self.options) from None
        return self._engines[key]

    def get_function(self, name: str) -> RawKernel:
        self.engine()
        return RawKernel(self.code, name, self.options, _module=self)


class RawKernel:
    """Launched with (grid, block, arguments)."""

    def __init__(
        self,
        code: str,
        name: str,
        options: Sequence[str] = (),
        backend: str = "nvrtc",
        *,
        translate_cucomplex: bool = False,
        enable_cooperative_groups: bool = False,
        jitify: bool = False,
        _module: RawModule | None = None,
    ) -> None:
        self.name = name
        self._module = _module or RawModule(code=code, options=options)
        self.max_dynamic_shared_size_bytes = 48 * 1024

    def compile(self, log_stream: Any = None) -> None:
        self._module.compile()

    def __call__(
        self,
        grid: tuple[int, ...],
        block: tuple[int, ...],
        args: Sequence[Any],
        *,
        shared_mem: int = 0,
        stream: Any = None,
    ) -> None:
        how = How(
            _three(grid),
            _three(block),
            shared_mem,
            settings.seed,
            settings.check,
            settings.count_sectors,
            settings.max_blocks,
        )
        events.record("launch", self.name)
        done = self._module.engine().launch(self.name, [_argument(a) for a in args], how)
        for array in args:
            if isinstance(array, ndarray):
                array._buffer.check_guards()
                if not settings.check or settings.engine != "ptx":
                    array._buffer.mark(array._array)  # by whom, was not watched
        launches.append(done)


def _three(sizes: tuple[int, ...]) -> tuple[int, int, int]:
    """CuPy launches at least one block, of at least one thread."""
    x, y, z = (max(1, int(n)) for n in (*sizes, 1, 1)[:3])
    return x, y, z


def _argument(value: Any) -> Any:
    """CuPy's rules: Python numbers become int64, float64 and complex128; arrays their address."""
    if isinstance(value, ndarray):
        if value._buffer.device != current_device():
            raise LaunchError(
                f"an array of device {value._buffer.device} on device {current_device()}"
            )
        return Pointer(value.data.ptr, value._buffer.extent(value._array))
    if value is None or isinstance(value, np.generic):
        return value
    if isinstance(value, bool | int | float | complex):
        kinds = {bool: np.bool_, int: np.int64, float: np.float64, complex: np.complex128}
        return kinds[type(value)](value)
    if isinstance(value, np.ndarray) and value.size == 1:
        return value.reshape(())[()]
    raise TypeError(f"Unsupported type {type(value)}")
