"""Shows the progress of a training: a bar on a terminal, or lines in the format of the course CS231n."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, TypeAlias

from fcframe.errors import OutputError
from fcframe.events import Evaluation
from fcframe.terminal import as_text, on_a_terminal
from fcframe.training.lines import evaluation_line
from fcframe.training.solver import Solver
from fcframe.wording import shown

Progress: TypeAlias = bool | Callable[[str], Any] | None
"""Type of the argument `progress` of `fcframe.train`: whether to show it, or a function to call with each line."""


def check_progress(progress: Any) -> None:
    """Refuses an argument `progress` of `train` that is not of the type `Progress`.

    Raises:
        OutputError: It is not.
    """
    if progress is not None and not isinstance(progress, bool) and not callable(progress):
        raise OutputError(f"progress: expected True, False or a function of a line, got {shown(progress)}")


@contextmanager
def progress_observer(progress: Progress) -> Iterator[list[Any]]:
    """Context manager that yields a list of at most one observer, which shows the progress of a training."""
    if callable(progress):
        yield [PlainOutput(progress)]
    elif not progress:
        yield []
    elif on_a_terminal(sys.stdout):
        from fcframe.training.bar import bar_on  # rich is slow to import

        with bar_on(SafeStream(sys.stdout)) as observers:
            yield observers
    else:
        yield [PlainOutput(SafeStream(sys.stdout).line)]


class SafeStream:
    """A stream that never raises when it is written to. After the first error, all output is discarded.

    A training must not end because its progress cannot be shown, for example when a disk is full or a pipe is closed.

    Attributes:
        failure: The first error, or None.

    >>> import io
    >>> closed = io.StringIO(); closed.close()
    >>> stream = SafeStream(closed)
    >>> stream.line("loss: 0.5")
    >>> str(stream.failure)
    'I/O operation on closed file'
    """

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream
        self.failure: OSError | ValueError | None = None

    def line(self, text: str) -> None:
        """Writes a line, with control characters escaped, and flushes the stream."""
        self.write(f"{as_text(text)}\n")
        self.flush()

    def write(self, text: str) -> int:
        """Writes text, or discards it after an error."""
        return self._tried(lambda stream: stream.write(text)) or len(text)

    def flush(self) -> None:
        """Flushes the stream."""
        self._tried(lambda stream: stream.flush())

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return on_a_terminal(self._stream)

    def fileno(self) -> int:
        """The descriptor of the underlying file."""
        if self._stream is None:
            raise OSError("this stream has no file")
        return self._stream.fileno()

    @property
    def encoding(self) -> str:
        """The encoding of the underlying stream."""
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
    """Prints the loss every `print_every` steps, and each evaluation.

    Args:
        write: Called with each line.
        print_every: Number of steps between two lines with the loss.
    """

    def __init__(self, write: Callable[[str], Any], print_every: int = 100) -> None:
        self._write = write
        self._every = print_every

    def step_end(self, training: Solver) -> None:
        """Prints the loss, after the first step and then every `print_every` steps."""
        if (training.step - 1) % self._every == 0:
            self._write(f"(Iteration {training.step} / {training.steps}) loss: {training.loss:f}")

    def evaluation(self, training: Solver, evaluation: Evaluation) -> None:
        """Prints the metric on training and validation examples."""
        self._write(evaluation_line(training, evaluation))
