"""The hooks that a plugin can implement: to register components, and to follow a training.

A plugin is a module named by an entry point of the group `fcframe`. It implements a hook by a function with the hook's
name, decorated with `@fcframe.hookimpl`; the function may leave out arguments that it does not use.
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
    """Registers components.

    Called once, when the registry is built. Returns classes of any kind (the base class tells the kind), or references
    "kind type = module:Class", whose modules are imported only when the component is used. If the hook raises, the
    plugin is quarantined; if one component is invalid, only this component is. `fcframe list` shows the reasons.

        @fcframe.hookimpl
        def fcframe_register():
            return [Swish, "layer mish = my_package.mish:Mish"]
    """


@hookspec
def fcframe_kernels() -> Sequence[type[Kernels]]:  # type: ignore[empty-body]
    """Registers kernels: faster versions of the operations that take most of a training step.

    Called once, when the registry is built. Returns classes that derive from `fcframe.Kernels`. A class is instantiated
    only when it is used; it should import its libraries in `__init__`. If the hook raises, the plugin is quarantined;
    if `__init__` raises, only these kernels cannot be used.

        @fcframe.hookimpl
        def fcframe_kernels():
            return [Rapid]
    """


@hookspec
def fcframe_training_start(training: Training) -> None:
    """Called once, before the first update, when data and network are ready.

    Returns nothing. If this hook or one of those below raises, all hooks of the plugin are switched off for the rest of
    the training, which continues.

        @fcframe.hookimpl
        def fcframe_training_start(training):
            print(training.steps, "updates to do")
    """


@hookspec
def fcframe_gradients(training: Training, gradients: FlatArrays) -> None:
    """Called in every step, between the backward pass and the update.

    Returns nothing. The gradients may be changed in place: `gradients["affine1.W"]` is the gradient of one parameter,
    and `gradients.flat` contains all of them.

        @fcframe.hookimpl
        def fcframe_gradients(gradients):
            gradients.flat.clip(-1, 1, out=gradients.flat)
    """


@hookspec
def fcframe_step_end(training: Training) -> None:
    """Called after every update; `training.step` counts them from 1 and `training.loss` is the minibatch's loss.

    Returns nothing. The next step overwrites the training's arrays: copy an array to keep it.

        @fcframe.hookimpl
        def fcframe_step_end(training):
            if training.loss > 10:
                training.stop(f"the loss is {training.loss} at step {training.step}")
    """


@hookspec
def fcframe_evaluation(training: Training, evaluation: Evaluation) -> None:
    """Called after each evaluation: after the first update, and at the end of epochs.

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
    """Called once, after the last update, when the best parameters are restored; before the test set is evaluated.

    Returns nothing. The parameters may be changed in place, for example averaged.

        @fcframe.hookimpl
        def fcframe_updates_end(training):
            print(training.network.params.flat.size, "parameters")
    """


@hookspec
def fcframe_training_end(training: Training, run: object) -> None:
    """Called once, when the test set has been evaluated and the run's folder has been written.

    Returns nothing. `run` is the object that `fcframe.train` returns.

        @fcframe.hookimpl
        def fcframe_training_end(run):
            print(run.test)
    """
