"""Signals that end a training: SIGTERM and SIGHUP are answered as Ctrl-C is, with a clean-up and a message."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from fcframe.errors import FcframeError

SIGNALLED = 128
"""What a shell adds to a signal's number to make an exit code of it."""
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
SAME_WISH = 1.0
"""Seconds in which further signals are taken for the same one: a service manager or a terminal that closes sends two,
and the second must not interrupt the clean-up."""


class Interrupt(KeyboardInterrupt):
    """A signal came, as Ctrl-C comes."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__()


class InterruptedCommandError(FcframeError):
    """Start the command again."""

    def __init__(self, message: str, number: int) -> None:
        self.exit_code = SIGNALLED + number
        super().__init__(message)


def number_of(error: KeyboardInterrupt) -> int:
    """The signal behind an interrupt; without one, Ctrl-C's."""
    return error.number if isinstance(error, Interrupt) else int(signal.SIGINT)


class Interrupts:
    """What the signals of a block do.

    Attributes:
        postponed: Set it where the block is nearly done: the first signal then waits until the block's end.
        received: The number of the signal that was postponed.
    """

    def __init__(self) -> None:
        self.postponed = False
        self.received: int | None = None
        self._last = -SAME_WISH

    def __call__(self, number: int, _frame: FrameType | None = None) -> None:
        """The handler."""
        now = time.monotonic()
        same, self._last = now < self._last + SAME_WISH, now
        if same:
            return
        if self.postponed and self.received is None:
            self.received = number
            return
        raise Interrupt(number)


@contextmanager
def answered() -> Iterator[Interrupts]:
    """The signals that end a process interrupt the block instead; the handlers that were there before are put back.

    A signal that is ignored, as SIGHUP is under nohup, stays ignored.
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
