"""Handles signals that end a training: SIGTERM and SIGHUP are handled like Ctrl-C, with a clean-up and a message."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from fcframe.errors import FcframeError

SIGNAL_EXIT_CODE = 128
"""Exit code after a signal, minus the signal's number; the convention of shells."""
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
REPEAT_INTERVAL = 1.0
"""Seconds after a signal during which further signals are ignored. Service managers, and terminals that are closed,
send two signals; the second must not interrupt the clean-up."""


class Interrupt(KeyboardInterrupt):
    """Raised by the handler of a signal."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__()


class InterruptedCommandError(FcframeError):
    """A signal interrupted the command."""

    def __init__(self, message: str, number: int) -> None:
        self.exit_code = SIGNAL_EXIT_CODE + number
        super().__init__(message)


def signal_number(error: KeyboardInterrupt) -> int:
    """The number of the signal that caused an interrupt; SIGINT for a plain KeyboardInterrupt."""
    return error.number if isinstance(error, Interrupt) else int(signal.SIGINT)


class Interrupts:
    """The signal handler inside `handled_signals`.

    Attributes:
        postponed: If set, the first signal does not interrupt the block; set it when the block is nearly finished.
        received: The number of the signal that did not interrupt the block, or None.
    """

    def __init__(self) -> None:
        self.postponed = False
        self.received: int | None = None
        self._last = -REPEAT_INTERVAL

    def __call__(self, number: int, _frame: FrameType | None = None) -> None:
        """Handles a signal."""
        now = time.monotonic()
        repeated, self._last = now < self._last + REPEAT_INTERVAL, now
        if repeated:
            return
        if self.postponed and self.received is None:
            self.received = number
            return
        raise Interrupt(number)


@contextmanager
def handled_signals() -> Iterator[Interrupts]:
    """Signals raise `Interrupt` in the block instead of ending the process; afterwards, the old handlers are restored.

    Signals that are ignored, such as SIGHUP under nohup, stay ignored.
    """
    interrupts, before = Interrupts(), dict[int, Any]()
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            handler = signal.getsignal(number)
            if handler not in (signal.SIG_IGN, None):
                before[number] = handler
                signal.signal(number, interrupts)
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
