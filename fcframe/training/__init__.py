"""Spec → run: the solver, what it measures, and what a run leaves on disk."""

from fcframe.training.experiment import train
from fcframe.training.history import Evaluation, History
from fcframe.training.run import Run

__all__ = ["Evaluation", "History", "Run", "train"]
