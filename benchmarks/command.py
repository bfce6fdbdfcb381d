"""The command: what is measured, with whom, and where it goes."""

import argparse
import json
import signal
import sys
from typing import Any

from benchmarks import report
from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.rounds import NoisyError, measure
from benchmarks.workloads import WORKLOADS

NOISY = 3
"""The exit code where the machine is too noisy."""


def main() -> int:
    """Measures, prints, writes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # workers are ended on every way out
    arguments = parsed()
    try:
        results = {"step": step(arguments)}
    except NoisyError as error:
        print(f"too noisy to report: {error}. --force reports all the same", file=sys.stderr)
        return NOISY
    print(json.dumps(results, indent=1) if arguments.json else "\n\n".join(report.tables(results).values()))
    return 0


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measures fcframe beside its peers.")
    parser.add_argument("--only", type=_names("step"), default=["step"], help="parts, by comma")
    parser.add_argument("--networks", type=_names(*WORKLOADS), default=list(WORKLOADS), help="by comma")
    parser.add_argument("--contenders", type=_names(*CONTENDERS), default=list(CONTENDERS), help="by comma")
    parser.add_argument("--rounds", type=int, default=40, help="undisturbed rounds of each measurement")
    parser.add_argument("--force", action="store_true", help="report on a noisy machine, and say so in every table")
    parser.add_argument("--json", action="store_true", help="print the figures instead of tables")
    return parser.parse_args()


def _names(*known: str) -> Any:
    def read(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"no {name!r}; there are {', '.join(known)}")
        return names

    return read


def step(arguments: argparse.Namespace) -> dict[str, Any]:
    """One training step of each workload."""
    found = {}
    for name in arguments.networks:
        workload, chosen = WORKLOADS[name], {one: CONTENDERS[one] for one in arguments.contenders}
        times = measure(chosen, "step", name, arguments.rounds, workload.steps * workload.epochs, say=say)
        say(f"{workload.title}: {times.noise}")
        if times.noise.too_noisy and not arguments.force:
            raise NoisyError(f"{workload.title}: {times.noise}")
        found[name] = {"title": workload.title, **times.summary(OURS)}
    return found


def say(line: str) -> None:
    """Progress, beside what is printed."""
    print(line, file=sys.stderr, flush=True)
