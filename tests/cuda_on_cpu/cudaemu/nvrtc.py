"""NVRTC by way of ctypes, without CuPy and without a driver: source -> PTX or CUBIN."""

from __future__ import annotations

import ctypes
import functools
import sysconfig
from collections.abc import Iterator
from pathlib import Path

# What cupy.RawModule adds by itself (compiler._compile_using_nvrtc and its callers), the first one
# unless a standard is given.
STANDARD = "--std=c++17"  # CuPy 14; 13 has c++11
CUPY_OPTIONS = ("-ftz=true", "--device-as-default-execution-space")


class NvrtcError(RuntimeError):
    """A source does not compile; the message is NVRTC's log."""


def package_directories() -> Iterator[Path]:
    """Where the wheels of NVIDIA put their files, wherever those are installed."""
    import sys

    places = dict.fromkeys([sysconfig.get_paths()["purelib"], *sys.path])
    for place in map(Path, places):
        for name in ("cu13", "cuda_nvrtc", "cuda_runtime"):
            if (place / "nvidia" / name).is_dir():
                yield place / "nvidia" / name


@functools.cache
def library() -> ctypes.CDLL:
    """libnvrtc; ImportError where it is not installed."""
    found = [p for d in package_directories() for p in sorted(d.glob("lib/libnvrtc.so.1?"))]
    if not found:
        raise ImportError("no libnvrtc; install nvidia-cuda-nvrtc-cu12")
    # NVRTC opens its builtins by their bare name: they have to be there already.
    for builtins in found[0].parent.glob("libnvrtc-builtins.so.*"):
        ctypes.CDLL(str(builtins))
    return ctypes.CDLL(str(found[0]))


@functools.cache
def include_directory() -> Path:
    """The CUDA headers; ImportError where they are not installed."""
    for directory in package_directories():
        if (directory / "include" / "cuda_fp16.h").exists():
            return directory / "include"
    raise ImportError("no CUDA headers; install nvidia-cuda-runtime-cu12")


def version() -> tuple[int, int]:
    """Of NVRTC, for example (12, 9)."""
    major, minor = ctypes.c_int(), ctypes.c_int()
    library().nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    return major.value, minor.value


@functools.lru_cache(maxsize=512)
def compile(source: str, options: tuple[str, ...], arch: str) -> bytes:
    """`arch` "sm_90" gives a CUBIN, "compute_90" gives PTX, with CuPy's own options added."""
    nvrtc, program = library(), ctypes.c_void_p()
    standard = () if any("-std" in option for option in options) else (STANDARD,)
    # CuPy's own come last: they win.
    given = [f"-I{include_directory()}", *options, *standard, *CUPY_OPTIONS, f"-arch={arch}"]
    encoded = (ctypes.c_char_p * len(given))(*[option.encode() for option in given])
    arguments = (source.encode(), b"kernel.cu", 0, None, None)
    _check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), *arguments))
    try:
        if nvrtc.nvrtcCompileProgram(program, len(given), encoded):
            raise NvrtcError(_text(program, "ProgramLog").decode())
        return _text(program, "CUBIN" if arch.startswith("sm_") else "PTX")
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _check(code: int) -> None:
    if code:
        raise NvrtcError(f"error {code}")


def _text(program: ctypes.c_void_p, what: str) -> bytes:
    size = ctypes.c_size_t()
    _check(getattr(library(), f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
    text = ctypes.create_string_buffer(size.value)
    _check(getattr(library(), f"nvrtcGet{what}")(program, text))
    return text.raw if what == "CUBIN" else text.raw.rstrip(b"\0")
