"""Times how long commands take to start, beside the import of what they stand on.

Each command runs in a fresh process, all of them once a round in a shuffled order. A command's ratio is the median
over the rounds of its time over that of `import numpy, pydantic` in the same round. Bytecode is written before.

Run `python benchmarks/startup.py` (`--json` for the numbers, `--rounds N` for more of them). Read the ratios: the
milliseconds are this machine's, at this moment.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = "from fcframe.cli import main; main()"  # what the script `fcframe` does
BASE = "import numpy, pydantic"
COMMANDS = {
    BASE: ["-c", BASE],
    "import fcframe": ["-c", "import fcframe"],
    "fcframe --help": ["-c", PROGRAM, "--help"],
    "fcframe check specs/cifar10_two_layer.json": ["-c", PROGRAM, "check", "specs/cifar10_two_layer.json"],
}


def measure(rounds: int) -> list[dict[str, Any]]:
    """For each command its name, the median of its seconds, and the median of its ratios to the base."""
    for arguments in COMMANDS.values():
        seconds_of(arguments)
    taken: list[dict[str, float]] = []
    for _ in range(rounds):
        order = random.sample(list(COMMANDS), len(COMMANDS))
        taken.append({name: seconds_of(COMMANDS[name]) for name in order})
    return [
        {
            "name": name,
            "seconds": statistics.median(times[name] for times in taken),
            "ratio": statistics.median(times[name] / times[BASE] for times in taken),
        }
        for name in COMMANDS
    ]


def seconds_of(arguments: list[str]) -> float:
    """How long Python takes with these arguments, from its start to its end."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Measures, and prints a line a command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    options = parser.parse_args()
    rows = measure(options.rounds)
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(f"{row['seconds'] * 1000:7.0f} ms {row['ratio']:6.2f}  {row['name']}")


if __name__ == "__main__":
    main()
