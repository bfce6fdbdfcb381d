"""Runs the command line for `python -m fcframe`."""

from fcframe.cli import main

main()
