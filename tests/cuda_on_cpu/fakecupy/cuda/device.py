"""``cupy.cuda.Device``."""

from __future__ import annotations

from typing import Any

from .. import events
from ..settings import settings
from .scope import Current

_current = Current(0)


def current_device() -> int:
    return _current.get()


class Device:
    """A device by its number; as a context manager, the current one."""

    def __init__(self, device: int | None = None) -> None:
        self.id = current_device() if device is None else int(device)
        if not 0 <= self.id < settings.devices:
            from .runtime import CUDARuntimeError

            raise CUDARuntimeError(101, "cudaErrorInvalidDevice: invalid device ordinal")

    compute_capability = "90"

    @property
    def attributes(self) -> dict[str, int]:
        return {
            "MultiProcessorCount": settings.multiprocessors,
            "MaxThreadsPerBlock": 1024,
            "MaxGridDimX": 2**31 - 1,
            "MaxGridDimY": 65535,
            "MaxGridDimZ": 65535,
            "MaxSharedMemoryPerBlock": 48 * 1024,
        }

    @property
    def mem_info(self) -> tuple[int, int]:
        return 4 << 30, 4 << 30

    def use(self) -> Device:
        _current.set(self.id)
        return self

    def synchronize(self) -> None:
        events.record("synchronize", f"device {self.id}")

    def __enter__(self) -> Device:
        _current.enter(self.id)
        return self

    def __exit__(self, *_: Any) -> None:
        _current.leave()

    def __int__(self) -> int:
        return self.id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.id == self.id

    def __hash__(self) -> int:
        return hash(("device", self.id))

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"
