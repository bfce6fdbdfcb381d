"""The hooks: how a plugin announces its components, and what it may watch while a network is trained.

A plugin is a module named by an entry point of the group `fcframe`. It writes a function with a hook's name and
any of the hook's arguments, and marks it with `@fcframe.hookimpl`. Hooks that nobody implements cost nothing.
"""

from collections.abc import Sequence

import pluggy

from fcframe.components import Component
from fcframe.events import Evaluation, FlatArrays, Training
from fcframe.kernels import Kernels

GROUP = "fcframe"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def fcframe_register() -> Sequence[type[Component] | str]:  # type: ignore[empty-body]
    """Announces components.

    Called once, when the registry is made. Returns classes, of any kind (the kind is known from the base class), or
    references "kind type = module:Class", whose modules are imported when the component is needed. An exception
    quarantines the plugin, and what is wrong with one component quarantines that component: the others work, and
    `fcframe list` shows what went wrong.

        @fcframe.hookimpl
        def fcframe_register():
            return [Swish, "layer mish = my_package.mish:Mish"]
    """


@hookspec
def fcframe_kernels() -> Sequence[type[Kernels]]:  # type: ignore[empty-body]
    """Announces providers of kernels, the operations that take most of a training step.

    Called once, when the registry is made. Returns classes that derive from `fcframe.Kernels`. None is loaded by
    being announced: an instance is made when it is to be used, and imports what it stands on then. An exception in
    this hook quarantines the plugin; one in the class's `__init__` only makes these kernels not usable.

        @fcframe.hookimpl
        def fcframe_kernels():
            return [Rapid]
    """


@hookspec
def fcframe_training_start(training: Training) -> None:
    """Called once, before the first update, when data and network are ready.

    Returns nothing. As for all hooks from here on, an exception switches the plugin's hooks off for this training,
    which goes on.

        @fcframe.hookimpl
        def fcframe_training_start(training):
            print(training.steps, "updates to do")
    """


@hookspec
def fcframe_gradients(training: Training, gradients: FlatArrays) -> None:
    """Called in every step, between the backward pass and the update.

    Returns nothing. The gradients may be changed in place: `gradients["affine1.W"]` is that of one parameter, and
    `gradients.flat` holds all of them.

        @fcframe.hookimpl
        def fcframe_gradients(gradients):
            gradients.flat.clip(-1, 1, out=gradients.flat)
    """


@hookspec
def fcframe_step_end(training: Training) -> None:
    """Called after every update; `training.step` counts them from 1 and `training.loss` is the minibatch's loss.

    Returns nothing. The arrays that the training shows are reused by the next step: copy what is to be kept.

        @fcframe.hookimpl
        def fcframe_step_end(training):
            if training.loss > 10:
                training.stop(f"the loss is {training.loss} at step {training.step}")
    """


@hookspec
def fcframe_evaluation(training: Training, evaluation: Evaluation) -> None:
    """Called after each evaluation: the first comes after the first update, the others at ends of epochs.

    Returns nothing.

        @fcframe.hookimpl
        def fcframe_evaluation(training, evaluation):
            print(evaluation.epoch, evaluation.results["val_loss"])
    """


@hookspec
def fcframe_epoch_end(training: Training) -> None:
    """Called at the end of every epoch, after its evaluation if there is one; `training.epoch` counts from 1.

    Returns nothing.

        @fcframe.hookimpl
        def fcframe_epoch_end(training):
            print("epoch", training.epoch, "of", training.epochs)
    """


@hookspec
def fcframe_updates_end(training: Training) -> None:
    """Called once, after the last update: the best parameters are back in the network, the test comes next.

    Returns nothing. The parameters may be changed in place, for example averaged.

        @fcframe.hookimpl
        def fcframe_updates_end(training):
            print(training.network.params.flat.size, "parameters")
    """


@hookspec
def fcframe_training_end(training: Training, run: object) -> None:
    """Called once, when the test examples have been scored and the run's folder has been written.

    Returns nothing. `run` is what `fcframe.train` returns.

        @fcframe.hookimpl
        def fcframe_training_end(run):
            print(run.test)
    """
