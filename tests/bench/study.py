"""What is measured beside the cases: a table with a sentence of what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table


@dataclass(frozen=True)
class Study:
    """One table; `rows` are numbers or texts, as the JSON file has them."""

    name: str
    title: str
    text: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]

    @property
    def cells(self) -> list[list[str]]:
        """The rows as texts.

        >>> Study("a", "A", "", ("x", "y"), [("one", 1.234), (2, None)]).cells
        [['one', '1.23'], ['2', '-']]
        """
        return [[cell(value) for value in row] for row in self.rows]

    def table(self) -> Table:
        table = Table(title=self.title, caption=self.text, caption_justify="left")
        for k, head in enumerate(self.heads):
            table.add_column(head, justify="right" if k else "left")
        for row in self.cells:
            table.add_row(*row)
        return table

    def markdown(self) -> list[str]:
        rule = ["---", *["---:"] * (len(self.heads) - 1)]
        lines = ["", f"**{self.title}.** {self.text}", ""]
        return lines + ["| " + " | ".join(row) + " |" for row in (self.heads, rule, *self.cells)]


def counted(threads: int) -> str:
    """
    >>> counted(1), counted(2)
    ('1 thread', '2 threads')
    """
    return f"{threads} thread{'s' if threads > 1 else ''}"


def cell(value: Any) -> str:
    """A number with three significant digits.

    >>> [cell(v) for v in (0.01234, 1.0, 123.4, 4096, "text", None)]
    ['0.0123', '1', '123', '4096', 'text', '-']
    """
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
