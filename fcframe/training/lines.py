"""The line that shows an evaluation, in plain output and above the bar alike."""

from fcframe.events import Evaluation
from fcframe.training.solver import Solver


def evaluation_line(training: Solver, evaluation: Evaluation) -> str:
    """`(Epoch 0 / 30) train acc: 0.181000; val_acc: 0.166000`, or the losses where there is no metric."""
    label = training.metric.label if training.metric else "loss"
    figures = [f"train {label}: {evaluation.results[f'train_{label}']:f}"]
    if f"val_{label}" in evaluation.results:
        figures.append(f"val_{label}: {evaluation.results[f'val_{label}']:f}")
    return f"(Epoch {evaluation.epoch} / {training.epochs}) {'; '.join(figures)}"
