"""How a training is shown while it runs: lines as in the course, or a bar on a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, TypeAlias

from fcframe.events import Evaluation
from fcframe.terminal import as_text, on_a_terminal
from fcframe.training.lines import evaluation_line
from fcframe.training.solver import Solver

Progress: TypeAlias = bool | Callable[[str], Any] | None
"""What `fcframe.train` takes: whether to show how it goes, or a function that is called with each line."""


@contextmanager
def shown(progress: Progress) -> Iterator[list[Any]]:
    """The observers, none or one, that show a training while the block runs."""
    if callable(progress):
        yield [PlainOutput(progress)]
    elif not progress:
        yield []
    elif on_a_terminal(sys.stdout):
        from fcframe.training.bar import bar_on  # only where it is seen

        with bar_on(Lasting(sys.stdout)) as observers:
            yield observers
    else:
        yield [PlainOutput(Lasting(sys.stdout).line)]


class Lasting:
    """A stream that no failure ends: once a text cannot be written, all that follow are dropped.

    A training must not end because its progress cannot be shown: the disk of a log is full, or the reader has gone.

    Attributes:
        failure: What went wrong, if something did.

    >>> import io
    >>> closed = io.StringIO(); closed.close()
    >>> lasting = Lasting(closed)
    >>> lasting.line("loss: 0.5")
    >>> str(lasting.failure)
    'I/O operation on closed file'
    """

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream
        self.failure: OSError | ValueError | None = None

    def line(self, text: str) -> None:
        """Writes a line, its control characters as text, and shows it at once."""
        self.write(f"{as_text(text)}\n")
        self.flush()

    def write(self, text: str) -> int:
        """Writes text, or drops it."""
        return self._tried(lambda stream: stream.write(text)) or len(text)

    def flush(self) -> None:
        """Passes on what was written."""
        self._tried(lambda stream: stream.flush())

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return on_a_terminal(self._stream)

    def fileno(self) -> int:
        """The descriptor of the file beneath."""
        if self._stream is None:
            raise OSError("this stream has no file")
        return self._stream.fileno()

    @property
    def encoding(self) -> str:
        """How characters become bytes."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def _tried(self, action: Callable[[IO[str]], Any]) -> Any:
        if self._stream is None or self.failure is not None:
            return None
        try:
            return action(self._stream)
        except (OSError, ValueError) as error:  # ValueError: the stream was closed
            self.failure = error
            return None


class PlainOutput:
    """Writes a line every `print_every` iterations, and one for each evaluation.

    Args:
        write: Takes a line.
        print_every: Iterations between two loss lines.
    """

    def __init__(self, write: Callable[[str], Any], print_every: int = 100) -> None:
        self._write = write
        self._every = print_every

    def step_end(self, training: Solver) -> None:
        """The loss, after the first iteration and every `print_every` ones from there."""
        if (training.step - 1) % self._every == 0:
            self._write(f"(Iteration {training.step} / {training.steps}) loss: {training.loss:f}")

    def evaluation(self, training: Solver, evaluation: Evaluation) -> None:
        """The metric on training and validation examples."""
        self._write(evaluation_line(training, evaluation))
