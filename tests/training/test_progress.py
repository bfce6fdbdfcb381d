"""How a training is shown: lines, or a bar on a terminal; and no failure to show it ends the training."""

import io
import os
import re
import sys

import pytest
from rich.console import Console

import fcframe
from fcframe.training.bar import TrainingBar
from tests.training.toys import experiment


class Screen(io.StringIO):
    """A terminal as far as a program can tell."""

    def isatty(self):
        return True


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


def test_python_code_asks_for_lines_by_progress(capsys):
    fcframe.train(experiment(epochs=2), progress=True)
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\(Iteration 1 / 12\) loss: \d\.\d{6}", lines[0])
    assert len([line for line in lines if line.startswith("(Epoch ")]) == 3
    for quiet in (False, None):
        fcframe.train(experiment(epochs=2), progress=quiet)
    fcframe.train(experiment(epochs=2))
    assert capsys.readouterr() == ("", "")


def test_progress_is_a_bar_on_a_terminal(monkeypatch):
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    fcframe.train(experiment(epochs=2), progress=True)
    assert "12/12" in screen.getvalue()
    assert sys.stdout is screen


def test_progress_may_be_a_function_of_a_line():
    lines = []
    fcframe.train(experiment(epochs=1), progress=lines.append)
    assert [line.partition(" ")[0] for line in lines] == ["(Iteration", "(Epoch", "(Epoch"]


class Broken(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left on device")


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


class HungUp(Broken):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [Broken, HungUp, closed, lambda: None], ids=["full", "hung up", "closed", "none"])
def test_progress_that_cannot_be_shown_ends_no_training(stream, monkeypatch):
    monkeypatch.setattr(sys, "stdout", stream())
    assert len(fcframe.train(experiment(epochs=2), progress=True).history.losses) == 12


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no terminals to make")
def test_a_terminal_that_goes_away_ends_no_training(monkeypatch):
    here, there = os.openpty()
    monkeypatch.setattr(sys, "stdout", os.fdopen(there, "w"))

    class HangUp:
        @fcframe.hookimpl
        def fcframe_step_end(self, training):
            if training.step == 2:
                os.close(here)

    run = fcframe.train(experiment(epochs=2), progress=True, observers=[HangUp()])
    assert len(run.history.losses) == 12
    try:
        sys.stdout.close()
    except OSError:
        return
