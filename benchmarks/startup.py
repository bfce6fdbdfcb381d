"""Times how long commands take to start, beside the import of what they stand on.

Each command runs in a fresh process, all of them once a round in a shuffled order. A command's ratio is the median
over the rounds of its time over that of `import numpy, pydantic` in the same round. Bytecode is written before. Read
the ratios: the milliseconds are this machine's, at this moment.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from benchmarks.noise import Noise, reference
from benchmarks.rounds import timed

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = "from fcframe.cli import main; main()"  # what the script `fcframe` does
BASE = "import numpy, pydantic"
COMMANDS = {
    BASE: ["-c", BASE],
    "import fcframe": ["-c", "import fcframe"],
    "fcframe --help": ["-c", PROGRAM, "--help"],
    "fcframe check specs/cifar10_two_layer.json": ["-c", PROGRAM, "check", "specs/cifar10_two_layer.json"],
}


@dataclass(frozen=True)
class Command:
    """Arguments of Python, whose turn is a process."""

    arguments: list[str]

    def turn(self) -> float:
        """How long Python takes with them, from its start to its end."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        start = time.perf_counter()
        subprocess.run([sys.executable, *self.arguments], cwd=ROOT, env=environment, capture_output=True, check=True)
        return time.perf_counter() - start


def measure(
    rounds: int, quietest: float = inf, say: Callable[[str], None] = print
) -> tuple[list[dict[str, Any]], Noise]:
    """For each command its name, the median of its seconds, and the median of its ratios to the base."""
    commands = {name: Command(arguments) for name, arguments in COMMANDS.items()}
    for command in commands.values():
        command.turn()
    with reference(quietest) as beside:
        counted, noise = timed(commands, beside, rounds, {}, say)
    rows = [
        {
            "name": name,
            "seconds": statistics.median(turns[name].seconds for turns in counted),
            "ratio": statistics.median(turns[name].seconds / turns[BASE].seconds for turns in counted),
        }
        for name in commands
    ]
    return rows, noise
