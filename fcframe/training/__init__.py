"""Training: the solver, evaluations, observers, progress output, and the files of a run."""

from fcframe.training.experiment import train
from fcframe.training.run import Run

__all__ = ["Run", "train"]
