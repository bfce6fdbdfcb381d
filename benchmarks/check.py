"""The run for CI: fcframe, with NumPy alone, must be faster than the plain NumPy text of the same network."""

from collections.abc import Callable

from benchmarks.contenders import CONTENDERS
from benchmarks.rounds import measure
from benchmarks.worker import AbsentError
from benchmarks.workloads import WORKLOADS

LIMITS = {"W1": 0.8, "W2": 0.9}
"""The most that fcframe / plain may be."""
ATTEMPTS = 3


def main(rounds: int, say: Callable[[str], None]) -> int:
    """The exit code: 1 where a ratio is worse than its limit, or a contender failed."""
    return max(judged(name, limit, rounds, say) for name, limit in LIMITS.items())


def judged(name: str, limit: float, rounds: int, say: Callable[[str], None]) -> int:
    """One workload; a machine that stays noisy proves nothing, and fails nobody."""
    workload = WORKLOADS[name]
    chosen = {one: CONTENDERS[one] for one in ("products", "plain", "fcframe")}
    for _ in range(ATTEMPTS):
        try:
            times = measure(chosen, "step", name, rounds, workload.steps * workload.epochs, say=say)
        except AbsentError as error:
            say(f"{workload.title}: {error}")
            return 1
        if times.crashed or times.absent:
            return 1
        if not times.noise.too_noisy:
            break
        say(f"{workload.title}: too noisy: {times.noise}")
    else:
        say(f"{workload.title}: NOT CHECKED: this machine was too noisy {ATTEMPTS} times")
        return 0
    facts = times.summary(("fcframe",))
    took, ratios = facts["microseconds"], facts["ratios"]["fcframe"]
    verdict = "held" if ratios["plain"] <= limit else "TOO SLOW"
    say(
        f"{workload.title}: fcframe {took['fcframe']['median']:.1f} µs, plain {took['plain']['median']:.1f} µs, "
        f"products {took['products']['median']:.1f} µs; median of paired ratios {ratios['plain']:.2f}, "
        f"at most {limit}: {verdict}"
    )
    return int(ratios["plain"] > limit)
