"""Prints text and tables."""

import os
from collections.abc import Iterable, Sequence
from typing import Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fcframe.cli import streams
from fcframe.terminal import as_text, on_a_terminal

NO_TERMINAL_WIDTH = 10_000
"""Width in characters of an output that is not a terminal, so that nothing is wrapped or omitted."""
MIN_PROSE_WIDTH = 36
"""Smallest width in characters of a last column with prose. On narrower terminals, other columns are omitted."""
GAP = 2
"""Spaces between two columns."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raises the error, which `main` handles; rich would end the process."""
        raise BrokenPipeError


def console() -> Console:
    """A console on standard output, with the width of the terminal or of COLUMNS, else without a limit."""
    stream = streams.stdout()
    width = None if on_a_terminal(stream) or os.environ.get("COLUMNS", "").isdecimal() else NO_TERMINAL_WIDTH
    return _Console(file=stream, highlight=False, markup=False, emoji=False, width=width)


def print_text(out: Console, text: str, style: str | None = None, indent: int = 0) -> None:
    """Prints text, with control characters escaped."""
    shown = Text(as_text(text), style=style or "")
    out.print(Padding(shown, (0, 0, 0, indent), expand=False) if indent else shown)


def print_table(
    out: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Sequence[str] = (),
    spare: Sequence[str] = (),
    prose: bool = True,
    bold: Sequence[int] = (),
    alarming: Sequence[int] = (),
) -> None:
    """Prints a table.

    Args:
        out: The console.
        columns: The headers.
        rows: The rows, with a text for each column.
        right: The columns that are right-aligned.
        spare: The columns that may be omitted if the output is too narrow, in this order.
        prose: Whether the last column is text that may be wrapped.
        bold: The indices of rows in bold.
        alarming: The indices of rows in red, for failures.
    """
    cells = [[as_text(cell) for cell in row] for row in rows]
    widths = {
        name: max(len(line) for cell in [name, *(row[index] for row in cells)] for line in cell.split("\n"))
        for index, name in enumerate(columns)
    }
    if prose:
        widths[columns[-1]] = min(widths[columns[-1]], MIN_PROSE_WIDTH)
    kept = list(columns)
    for name in spare:
        if sum(widths[column] + GAP for column in kept) - GAP <= out.width:
            break
        kept.remove(name)
    fits = sum(widths[column] + GAP for column in kept) - GAP <= out.width
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
    for name in kept:
        folds = not fits or (prose and name == columns[-1])
        justify: Literal["right", "left"] = "right" if name in right else "left"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=not folds)
    for number, row in enumerate(cells):
        style = "bold red" if number in alarming else "bold" if number in bold else None
        table.add_row(*(cell for name, cell in zip(columns, row, strict=True) if name in kept), style=style)
    out.print(table)
