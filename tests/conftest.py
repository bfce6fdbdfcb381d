"""Settings for all tests."""

import signal


def pytest_configure() -> None:
    """Restores Ctrl-C: a job in the background ignores it, and so would every program that a test starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
