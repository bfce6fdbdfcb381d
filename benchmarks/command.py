"""The command: what is measured, with whom, and where it goes."""

import argparse
import json
import signal
import sys
from math import isfinite
from pathlib import Path
from typing import Any

from benchmarks import against, check, documents, machine, report
from benchmarks.contenders import CONTENDERS
from benchmarks.goals import judged
from benchmarks.noise import LostError, NoisyError
from benchmarks.parts import PARTS, Options
from benchmarks.worker import AbsentError
from benchmarks.workloads import WORKLOADS

NOISY = 3
"""The exit code where the machine is too noisy."""
AGAINST = "time the training steps of this checkout and of the one in the folder PATH; exit code 1: this one is slower"


def main() -> int:
    """Measures, prints, writes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # workers are ended on every way out
    try:
        return run(parsed())
    except LostError as error:
        say(f"{error}; nothing is written")
        return 2


def run(arguments: argparse.Namespace) -> int:
    """The exit code."""
    if arguments.check:
        return check.main(arguments.rounds or 25, say)
    if arguments.against:
        return against.main(
            arguments.against, arguments.networks or list(WORKLOADS), arguments.contenders or ["fcframe"],
            arguments.rounds or 40, force=arguments.force, say=say,
            quietest=documents.quietest(machine.description(), machine.versions()),
        )  # fmt: skip
    if arguments.document:
        documents.write(documents.read())
        return 0
    everything = not (arguments.only or arguments.networks or arguments.contenders or arguments.quick)
    options = Options(
        arguments.networks or list(WORKLOADS), arguments.contenders or list(CONTENDERS),
        arguments.rounds or (5 if arguments.quick else 40), arguments.quick, arguments.force, say,
        documents.quietest(machine.description(), machine.versions()), [],
    )  # fmt: skip
    results: dict[str, Any] = {"machine": machine.description(), "versions": machine.versions()}
    try:
        for name in arguments.only or PARTS:
            try:
                results[name] = PARTS[name](options)
            except AbsentError as error:
                say(f"{name}: left out: {error}")
    except NoisyError as error:
        say(f"too noisy to report; nothing is written. {error}. --force prints it all the same")
        return NOISY
    if not results.keys() & PARTS.keys():
        say("nothing was measured, and nothing is written")
        return 2
    if quietest := [seconds for seconds in (options.quietest, *options.heard) if isfinite(seconds)]:
        results["reference_seconds"] = min(quietest)
    if arguments.force and (everything or arguments.write):
        say("--force: nothing is written")  # what is on file was measured in quiet
    elif everything or arguments.write:
        documents.write(documents.merged({} if everything else documents.read(), results))
    results["goals"] = [goal for goal in judged(results) if everything or goal["held"] is not None]
    print(json.dumps(results, indent=1) if arguments.json else shown(results))
    return 0


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python benchmarks/run.py",
        description="Measures fcframe beside its peers. A run of everything writes benchmarks/results.json, the tables "
        "in README.md and docs/speed.md; exit code 3: the machine is too noisy.",
    )
    parser.add_argument("--only", type=_names(*PARTS), help=f"parts, by comma: {', '.join(PARTS)}")
    parser.add_argument("--networks", type=_names(*WORKLOADS), help=f"by comma: {', '.join(WORKLOADS)}")
    parser.add_argument("--contenders", type=_names(*CONTENDERS), help=f"by comma: {', '.join(CONTENDERS)}")
    parser.add_argument("--rounds", type=_count, help="undisturbed rounds of each measurement; 40, or 5 with --quick")
    parser.add_argument("--quick", action="store_true", help="few rounds, and nothing is written")
    parser.add_argument("--write", action="store_true", help="put the parts measured in the place of those on file")
    parser.add_argument("--force", action="store_true", help="print what a noisy machine gives too, and write nothing")
    parser.add_argument("--json", action="store_true", help="print the figures instead of tables")
    parser.add_argument(
        "--document", action="store_true", help="measure nothing; write the tables again, from the file"
    )
    parser.add_argument("--against", type=_checkout, metavar="PATH", help=AGAINST)
    parser.add_argument("--check", action="store_true", help="for CI: fails where fcframe is slow beside plain NumPy")
    return parser.parse_args()


def _checkout(text: str) -> Path:
    path = Path(text).expanduser().resolve()
    if not (path / "benchmarks" / "workers" / "framework.py").is_file():
        raise argparse.ArgumentTypeError(f"{path} is no checkout of fcframe with its benchmarks")
    return path


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text)):
        raise argparse.ArgumentTypeError(f"a whole number from 1 on, got {text[:40]!r}")
    return int(text)


def _names(*known: str) -> Any:
    def read(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"no {name!r}; there are {', '.join(known)}")
        return names

    return read


def shown(results: dict[str, Any]) -> str:
    """All tables but the README's, which repeats one."""
    return "\n\n".join(text for name, text in report.tables(results).items() if name != "summary")


def say(line: str) -> None:
    """Progress, beside what is printed."""
    print(line, file=sys.stderr, flush=True)
