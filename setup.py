"""Build of the compiled parts.  What is built is a table; how it is built depends on two switches.

``UPSAMPLER_DEBUG=1``     bounds checks, no optimisation: the kernel tests run once this way
``UPSAMPLER_SANITIZE=1``  address and undefined-behaviour sanitizers (GCC or Clang)
"""

import glob
import os
import platform
import sys

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("UPSAMPLER_DEBUG") == "1"
SANITIZE = os.environ.get("UPSAMPLER_SANITIZE") == "1"
MSVC = sys.platform == "win32"
X86 = platform.machine().lower() in ("x86_64", "amd64")

# Interpolation promises the same bits from every instruction set, so a compiler may not fuse
# multiplications with additions (-ffp-contract=off); fast-math and -march=native are out.
COMMON = ["/O2", "/fp:precise"] if MSVC else ["-O3", "-ffp-contract=off", "-fno-math-errno"]
AVX2 = ["/arch:AVX2"] if MSVC else ["-mavx2", "-mf16c", "-mfma"]
AVX512 = ["/arch:AVX512"] if MSVC else [*AVX2, *(f"-mavx512{x}" for x in ("f", "bw", "dq", "vl"))]
LINK = []
if DEBUG and not MSVC:
    COMMON = ["-O1", "-g", "-ffp-contract=off"]
if SANITIZE:
    COMMON = ["-O1", "-g", "-ffp-contract=off", "-fsanitize=address,undefined"]
    COMMON += ["-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer"]
    LINK = ["-fsanitize=address,undefined"]

# module, source, extra compiler flags, wanted here
EXTENSIONS = [
    ("upsampler.backends._threads", "upsampler/backends/_threads.pyx", [], True),
    ("upsampler.backends._buffers", "upsampler/backends/_buffers.pyx", [], True),
    ("upsampler.backends._cpu_baseline", "upsampler/backends/_cpu_baseline.pyx", [], True),
    ("upsampler.backends._cpu_avx2", "upsampler/backends/_cpu_avx2.pyx", AVX2, X86),
    ("upsampler.backends._cpu_avx512", "upsampler/backends/_cpu_avx512.pyx", AVX512, X86),
    ("upsampler_gui._pack", "gui/_pack.pyx", [], True),
]

HEADERS = sorted(glob.glob("upsampler/backends/*.h"))

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": DEBUG,
    "cdivision": True,
    "freethreading_compatible": True,
}


def extensions():
    for name, source, flags, wanted in EXTENSIONS:
        if wanted and os.path.exists(source):
            yield Extension(
                name,
                [source],
                extra_compile_args=COMMON + flags,
                extra_link_args=LINK,
                include_dirs=[numpy.get_include(), "upsampler/backends"],
                depends=HEADERS,
                define_macros=[
                    ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
                    ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
                ],
            )


setup(
    packages=[
        "upsampler",
        "upsampler.backends",
        "upsampler_gui",
        "upsampler_gui.panels",
        "upsampler_gui.sources",
    ],
    package_dir={"upsampler": "upsampler", "upsampler_gui": "gui"},
    include_package_data=False,  # or the generated C would be shipped
    package_data={
        "upsampler": [
            "py.typed",
            "data/*.png",
            "backends/*.pxi",
            "backends/*.h",
            "backends/cuda/*",
        ],
        "upsampler_gui": ["data/*"],
    },
    ext_modules=cythonize(list(extensions()), compiler_directives=DIRECTIVES, nthreads=2),
)
