"""``cupy.cuda.compiler``."""

from __future__ import annotations


class CompileException(Exception):
    """A source does not compile; its text is NVRTC's log."""

    def __init__(self, message: str, source: str, name: str, options: tuple[str, ...]) -> None:
        super().__init__(message)
        self.source, self.name, self.options = source, name, options

    def get_message(self) -> str:
        return str(self.args[0])
