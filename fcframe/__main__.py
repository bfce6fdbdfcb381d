"""`python -m fcframe` is the command line."""

from fcframe.cli import main

main()
