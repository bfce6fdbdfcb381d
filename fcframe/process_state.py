"""State that belongs to the whole process: how each part is read, compared and restored.

Third-party code (a plugin while it is loaded, a component while it is checked) runs between `snapshot` and
`restore_changed`.
"""

import _signal  # type: ignore[import-not-found]  # unlike `signal`, it makes no enum members, which takes long
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from operator import eq
from typing import Any, NamedTuple

import numpy as np

SIGNALS = tuple(
    int(getattr(signal, name))
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGPIPE")
    if hasattr(signal, name)
)
"""The signals whose handlers are part of the state."""


class Part(NamedTuple):
    """One part of the state of the process."""

    read: Callable[[], Any]
    """Returns the present value; None if there is nothing to restore."""
    restore: Callable[[Any], Any]
    same: Callable[[Any, Any], bool] = eq
    """Whether a value (the second argument) counts as unchanged from an earlier one (the first argument)."""


def snapshot(names: Iterable[str]) -> dict[str, Any]:
    """The present values of some parts, by their names in PARTS."""
    return {name: PARTS[name].read() for name in names}


def restore_changed(before: Mapping[str, Any]) -> dict[str, bool]:
    """Restores the parts that have changed since a snapshot.

    Returns:
        The names of the parts that had changed, each with whether it could be restored.
    """
    changed = {}
    for name, value in before.items():
        part = PARTS[name]
        if value is None or part.same(value, part.read()):
            continue
        try:
            part.restore(value)
        except (OSError, ValueError):  # the folder was deleted, or only the main thread may set a signal's handler
            changed[name] = False
        else:
            changed[name] = True
    return changed


def _numpy_random() -> dict[str, Any] | None:
    """The state of NumPy's global random generator in a form that can be compared, if numpy.random is imported."""
    if "numpy.random" not in sys.modules:
        return None
    state: Any = np.random.get_state(legacy=False)  # noqa: NPY002 - a third faster than as a tuple
    return _with_bytes(state)


def _restore_numpy_random(state: Mapping[str, Any]) -> None:
    np.random.set_state(_with_arrays(state))  # noqa: NPY002


def _with_bytes(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state with bytes and a dtype instead of each array: `==` compares these as one value."""
    comparable = dict(state)
    for name, value in state.items():
        if isinstance(value, np.ndarray):
            comparable[name] = value.tobytes(), value.dtype.str
        elif isinstance(value, dict):
            comparable[name] = _with_bytes(value)
    return comparable


def _with_arrays(state: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of _with_bytes."""
    original = dict(state)
    for name, value in state.items():
        if isinstance(value, tuple):
            original[name] = np.frombuffer(*value)
        elif isinstance(value, dict):
            original[name] = _with_arrays(value)
    return original


def _signal_handlers() -> dict[int, Any]:
    if threading.current_thread() is not threading.main_thread():
        return {}  # only the main thread can change handlers, and it may do so at any time
    return {number: _signal.getsignal(number) for number in SIGNALS}


def _restore_signal_handlers(handlers: Mapping[int, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None and _signal.getsignal(number) is not handler:  # None: not set from Python
            signal.signal(number, handler)


def _folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - a text is compared faster, and pathlib may not be imported yet
    except OSError:  # the folder was deleted, and os.chdir("") cannot restore it
        return ""


def _environment() -> dict[Any, Any]:
    return dict(vars(os.environ)["_data"])  # as it is stored: decoding takes a tenth of the time of a check


def _restore_environment(variables: Mapping[Any, Any]) -> None:
    environ: Any = os.environ
    os.environ.clear()
    os.environ.update({environ.decodekey(name): environ.decodevalue(value) for name, value in variables.items()})


def _nothing_lost(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> bool:
    """Whether all variables are still there with their values; a library may add some when it is imported."""
    return before.items() <= after.items()


def _warning_filters() -> tuple[Any, ...]:
    return tuple(warnings.filters)


def _restore_warning_filters(before: tuple[Any, ...]) -> None:
    """Restores the filters, and keeps those that were added for particular messages or modules."""
    added = [entry for entry in warnings.filters if entry not in set(before)]
    general = _general_filters(added)
    warnings.filters[:] = [*(entry for entry in added if entry not in general), *before]  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]


def _same_filters(before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    """Whether filters were only added, and only for particular messages or modules, as an import may do."""
    return before == after or (_general_filters(before) == _general_filters(after) and set(before) <= set(after))


def _general_filters(filters: Iterable[Any]) -> list[Any]:
    """The filters that apply to every message of every module."""
    categories = (Warning, RuntimeWarning, UserWarning)
    return [entry for entry in filters if entry[1::2] == (None, None) and entry[2] in categories]


PARTS: Mapping[str, Part] = {
    "NumPy's error state": Part(np.geterr, lambda state: np.seterr(**state)),
    "NumPy's global random state": Part(_numpy_random, _restore_numpy_random),
    "the state of Python's random module": Part(random.getstate, random.setstate),
    "Python's recursion limit": Part(sys.getrecursionlimit, sys.setrecursionlimit),
    "the filters of warnings": Part(_warning_filters, _restore_warning_filters, _same_filters),
    "the current folder": Part(_folder, os.chdir),
    "the environment variables": Part(_environment, _restore_environment, _nothing_lost),
    "the signal handlers": Part(_signal_handlers, _restore_signal_handlers),
}
"""The parts by name, as messages call them."""
