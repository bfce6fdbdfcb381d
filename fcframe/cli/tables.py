"""How facts are printed for a person."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leaves it to `main`; rich would exit."""
        raise BrokenPipeError


def console() -> Console:
    """Standard output: as wide as the terminal, or as the text where it goes to a file."""
    out = _Console(highlight=False, markup=False)
    return out if out.is_terminal else _Console(highlight=False, markup=False, width=10_000, color_system=None)


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """A table with these columns, numbers to the right."""
    found = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        found.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return found
