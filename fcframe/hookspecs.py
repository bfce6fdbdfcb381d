"""The hooks: how a plugin announces its components, and what it may watch while a network is trained.

A plugin is a module named by an entry point of the group `fcframe`. It writes a function with a hook's name and
any of the hook's arguments, and marks it with `@fcframe.hookimpl`. Hooks that nobody implements cost nothing.
"""

from typing import TYPE_CHECKING

import pluggy

from fcframe.components import Component
from fcframe.kernels import Kernels

if TYPE_CHECKING:
    from fcframe.training.history import Evaluation
    from fcframe.training.run import Run
    from fcframe.training.solver import Solver

GROUP = "fcframe"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def fcframe_register() -> list[type[Component]]:  # type: ignore[empty-body]
    """Announces components.

    Called once, when the registry is made. Returns the classes, of any kind: the kind is known from the base class.
    An exception quarantines the plugin: the others work, and `fcframe list` shows what went wrong.

        @fcframe.hookimpl
        def fcframe_register():
            return [Swish, Mish]
    """


@hookspec
def fcframe_kernels() -> list[type[Kernels]]:  # type: ignore[empty-body]
    """Announces providers of kernels, the operations that take most of a training step.

    Called once, when the registry is made. Returns classes that derive from `fcframe.Kernels`. None is loaded by
    being announced: an instance is made when it is to be used, and imports what it stands on then. An exception in
    this hook quarantines the plugin; one in the class's `__init__` only makes these kernels not usable.

        @fcframe.hookimpl
        def fcframe_kernels():
            return [Rapid]
    """


@hookspec
def fcframe_training_start(solver: "Solver") -> None:
    """Called once, before the first update, when data and network are ready.

    Returns nothing.

        @fcframe.hookimpl
        def fcframe_training_start(solver):
            print(solver.steps, "updates to do")
    """


@hookspec
def fcframe_step_end(solver: "Solver") -> None:
    """Called after every update; `solver.step` counts them from 1 and `solver.loss` is the minibatch's loss.

    Returns nothing. The arrays that the solver shows are reused by the next step: copy what is to be kept.

        @fcframe.hookimpl
        def fcframe_step_end(solver):
            if solver.loss > 10:
                print("step", solver.step, "has loss", solver.loss)
    """


@hookspec
def fcframe_evaluation(solver: "Solver", evaluation: "Evaluation") -> None:
    """Called after each evaluation: the first comes after the first update, the others at ends of epochs.

    Returns nothing.

        @fcframe.hookimpl
        def fcframe_evaluation(solver, evaluation):
            print(evaluation.epoch, evaluation.results["val_loss"])
    """


@hookspec
def fcframe_epoch_end(solver: "Solver") -> None:
    """Called at the end of every epoch, after its evaluation if there is one; `solver.epoch` counts from 1.

    Returns nothing.

        @fcframe.hookimpl
        def fcframe_epoch_end(solver):
            print("epoch", solver.epoch, "of", solver.epochs)
    """


@hookspec
def fcframe_training_end(solver: "Solver", run: "Run") -> None:
    """Called once, when the best parameters are back in the network and the test examples have been scored.

    Returns nothing.

        @fcframe.hookimpl
        def fcframe_training_end(run):
            print(run.test)
    """
