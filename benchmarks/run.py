"""Measures fcframe beside its peers: `python benchmarks/run.py --help`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # so that this folder is the package `benchmarks`
    from benchmarks.command import main

    sys.exit(main())
