"""How facts are printed for a person."""

import os
from collections.abc import Iterable, Sequence
from typing import Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fcframe.cli import streams
from fcframe.terminal import as_text, on_a_terminal

WIDE = 10_000
"""Columns of an output that is no terminal: nothing is folded or left out for a program that reads it."""
READABLE = 36
"""Columns of the last column of a table, which is prose, below which other columns are left out instead."""
GAP = 2
"""Columns between two columns."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leaves it to `main`; rich would exit."""
        raise BrokenPipeError


def console() -> Console:
    """Standard output: as wide as the terminal, as COLUMNS says, or as the text where it goes elsewhere."""
    stream = streams.stdout()
    width = None if on_a_terminal(stream) or os.environ.get("COLUMNS", "").isdecimal() else WIDE
    return _Console(file=stream, highlight=False, markup=False, emoji=False, width=width)


def print_text(out: Console, text: str, style: str | None = None, indent: int = 0) -> None:
    """Prints text that somebody else may have written, its control characters as text."""
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
        out: Where to.
        columns: The headers.
        rows: A text for each column.
        right: The columns of numbers.
        spare: The columns that are left out, first to last, while the output is too narrow for all.
        prose: Whether the last column is text that may be folded.
        bold: The numbers of rows that are set off.
        alarming: The numbers of rows that tell of a failure.
    """
    cells = [[as_text(cell) for cell in row] for row in rows]
    widths = {
        name: max(len(line) for cell in [name, *(row[index] for row in cells)] for line in cell.split("\n"))
        for index, name in enumerate(columns)
    }
    if prose:
        widths[columns[-1]] = min(widths[columns[-1]], READABLE)
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
