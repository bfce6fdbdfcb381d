"""Runs the installed `fcframe`, as a shell does."""

import contextlib
import json
import os
import pty
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(sys.executable).with_name("fcframe")
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("FCFRAME_", "PYTHON", "COLUMNS"))
}


@dataclass(frozen=True)
class Finished:
    """What a command left: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def fcframe(*arguments, cwd, text="", **environment):
    """Runs a command with this text on its standard input."""
    command = [SCRIPT, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=cwd, input=text, env=ENVIRONMENT | environment, capture_output=True, encoding="utf-8", timeout=60
    )
    assert "Traceback" not in done.stderr
    return Finished(done.returncode, done.stdout, done.stderr)


def started(*arguments, cwd, **options):
    """Starts a command, and goes on."""
    return subprocess.Popen(
        [SCRIPT, *map(str, arguments)],
        cwd=cwd,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **{"stdout": subprocess.PIPE} | options,
    )


class Terminal:
    """A terminal for a command to write to; what it shows is read on and on, so that the command never waits."""

    def __init__(self):
        self._here, self.there = pty.openpty()
        self._shown = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        with contextlib.suppress(OSError):  # nobody writes any more
            while content := os.read(self._here, 4096):
                self._shown += content

    def shows(self, text, seconds=60):
        """Waits until it shows this text."""
        end = time.monotonic() + seconds
        while text.encode() not in self._shown and time.monotonic() < end:
            time.sleep(0.01)
        return text.encode() in self._shown

    def close(self):
        self._reader.join()
        os.close(self._here)


def tree(folder):
    """Everything in a folder: the files with their bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def experiment(**changes):
    """A small experiment on the bundled digits; a change names its place, `training__epochs=3`."""
    document = {
        "network": {"input": [64], "layers": [{"type": "affine", "units": 10}], "loss": {"type": "softmax"}},
        "data": {"type": "digits"},
        "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 2},
    }
    for place, value in changes.items():
        *outer, last = place.split("__")
        inside = document
        for step in outer:
            inside = inside[step]
        inside[last] = value
    return document


def write(path, document):
    """Writes a document as JSON, and gives back the path."""
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
