"""``cupy.cuda``."""

from . import compiler, runtime
from .device import Device
from .streams import Event, Stream, get_current_stream, get_elapsed_time


def is_available() -> bool:
    return runtime.getDeviceCount() > 0


__all__ = [
    "Device",
    "Event",
    "Stream",
    "compiler",
    "get_current_stream",
    "get_elapsed_time",
    "is_available",
    "runtime",
]
