"""``cupy.cuda.runtime``: the little of it that a package asks for."""

from __future__ import annotations

from ..settings import settings
from .device import Device, current_device


class CUDARuntimeError(RuntimeError):
    """As CuPy raises it; `status` is CUDA's number."""

    def __init__(self, status: int, message: str = "") -> None:
        self.status = status
        super().__init__(message or f"cudaError {status}")


is_hip = False


def getDeviceCount() -> int:
    return settings.devices


def getDevice() -> int:
    return current_device()


def runtimeGetVersion() -> int:
    return 12090


def driverGetVersion() -> int:
    return 12090


def getDeviceProperties(device: int) -> dict[str, object]:
    attributes = Device(device).attributes
    return {
        "name": b"CUDA emulated on the CPU",
        "multiProcessorCount": attributes["MultiProcessorCount"],
        "major": 9,
        "minor": 0,
        "totalGlobalMem": 4 << 30,
    }


def deviceSynchronize() -> None:
    Device().synchronize()
