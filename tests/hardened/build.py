"""Run in a copy of the tree: build its extensions in place, and the canary with their flags."""

import runpy
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

JOBS = "2"


def main() -> None:
    sys.argv = ["setup.py", "build_ext", "--inplace", "--parallel", JOBS]
    ours = runpy.run_path("setup.py")
    canary = Extension(
        "canary",
        ["tests/hardened/canary.pyx"],
        extra_compile_args=ours["COMMON"],
        extra_link_args=ours["LINK"],
    )
    setup(
        packages=[],
        ext_modules=cythonize([canary], compiler_directives=ours["DIRECTIVES"]),
        script_args=["build_ext", "--inplace"],
    )


# Looking for doctests imports every module: that must not build anything.
if __name__ == "__main__":
    main()
