"""Spec → run: the solver, what it measures, and what a run leaves on disk."""

from fcframe.training.experiment import train
from fcframe.training.run import Run

__all__ = ["Run", "train"]
