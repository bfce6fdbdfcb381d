"""Several ways to do the same, of which the fastest is measured: a peer is shown at its best."""

import sys
import time
from collections.abc import Callable, Iterable

from benchmarks.worker import Ready

TRIALS = 7


def fastest(ways: Iterable[tuple[str, Callable[[int], None]]], steps: int) -> Ready:
    """Warms each way up, takes its best time, and keeps the fastest; a way that does not work here is passed over."""
    found: dict[str, tuple[float, Callable[[int], None]]] = {}
    for name, turn in ways:
        try:
            turn(2 * steps)  # compiles, where that is the way
            found[name] = min(_seconds(turn, steps) for _ in range(TRIALS)), turn
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
        else:
            print(f"{name}: {found[name][0] / steps * 1e6:.0f} µs", file=sys.stderr)
    best = min(found, key=lambda name: found[name][0])
    return Ready(found[best][1], note=f"{best}; best of {len(found)}")


def _seconds(turn: Callable[[int], None], steps: int) -> float:
    start = time.perf_counter()
    turn(steps)
    return time.perf_counter() - start
