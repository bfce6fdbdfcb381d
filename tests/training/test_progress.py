import io

from rich.console import Console

import fcframe
from fcframe.training.bar import TrainingBar
from tests.training.toys import experiment


def test_a_terminal_shows_a_bar_that_fills_and_a_line_for_each_evaluation():
    screen = io.StringIO()
    progress = TrainingBar(Console(file=screen, force_terminal=True, width=120))
    with progress:
        run = fcframe.train(experiment(epochs=2), observers=[progress])
    shown = screen.getvalue()
    assert "Epoch 2/2" in shown
    assert "12/12" in shown
    assert f"loss {run.history.losses[-1]:.4f}" in shown
    for found in run.history.evaluations:
        figures = f"train acc: {found.results['train_acc']:f}; val_acc: {found.results['val_acc']:f}"
        assert f"(Epoch {found.epoch} / 2) {figures}" in shown
