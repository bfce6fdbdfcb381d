"""Applies an optimizer to all parameters: elementwise ones in blocks of the flat buffer, the others by parameter."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from fcframe.arrays import Array
from fcframe.components import Optimizer, Parameter, Step
from fcframe.errors import ContractError
from fcframe.kernels import NUMPY, Kernels, wrong_update_result
from fcframe.parameters import Group, Views, groups

BLOCK = 2**18
"""Bytes of an array in a block: what an update reads and writes then stays in a core's cache."""
SMALL_BLOCK = 2**16
"""The same for an optimizer that makes arrays of its own: so none of them is larger than this."""

Block = tuple[Array, Array, dict[str, Array]]
"""Parameters, their gradients, and their slots."""


class Updates:
    """An optimizer with its slots, bound to the parameters and gradients that it works on.

    Args:
        optimizer: The update rule.
        parameters: What the arrays are: frozen ones are left alone, and a learning-rate factor is multiplied in.
        params: The arrays of all parameters; changed in place.
        grads: The gradients of the trainable ones.
        kernels: May know a faster way to apply an elementwise optimizer.
        block: Numbers in a block; by default as many as a core's cache holds.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        parameters: Mapping[str, Parameter],
        params: Views,
        grads: Views,
        kernels: Kernels = NUMPY,
        block: int | None = None,
    ) -> None:
        self._update, self._provider = optimizer.update, kernels.name
        shapes = {name: view.shape for name, view in grads.items()}
        self.slots = {
            name: Views(shapes, params.flat.dtype, place, grads.order)
            for place, name in enumerate(optimizer.slots(), start=2)
        }
        # What is updated alike: (learning-rate factor, weight decay, a faster way or None, blocks).
        self._parts: list[tuple[float, bool, Callable[[Step], bool] | None, list[Block]]] = []
        if optimizer.per_tensor:
            for name in grads:
                slots = {slot: views[name] for slot, views in self.slots.items()}
                parameter = parameters[name]
                block_of_one = params[name], grads[name], slots
                self._parts.append((parameter.learning_rate, parameter.decay, None, [block_of_one]))
            return
        size = block or (BLOCK if optimizer.scratch else SMALL_BLOCK) // params.flat.itemsize
        scratch = {name: np.zeros(min(size, len(grads.flat)), grads.flat.dtype) for name in optimizer.scratch}
        for group in groups(parameters, by_decay=optimizer.uses_decay):
            whole = self._arrays(group, params, grads)
            faster = kernels.updates(optimizer.update, *whole)
            self._parts.append((group.learning_rate, group.decay, faster, list(_blocks(*whole, scratch, size))))

    def _arrays(self, group: Group, params: Views, grads: Views) -> Block:
        part = slice(group.start, group.stop)
        slots = {name: views.flat[part] for name, views in self.slots.items()}
        return params.flat[part], grads.flat[part], slots

    def __call__(self, number: int, learning_rate: float) -> None:
        """Makes one update of everything; `number` counts from 1.

        Raises:
            ContractError: The optimizer returned something, or the kernels did not say whether they made the step.
        """
        for factor, decay, faster, blocks in self._parts:
            step = Step(number, learning_rate * factor, decay)
            if faster is not None:
                done = faster(step)
                if done is True:
                    continue
                if done is not False:  # whether to make the step is not known, and twice would be wrong
                    raise ContractError(f"kernels {self._provider!r}: {wrong_update_result(done, number)}")
            for w, dw, slots in blocks:
                if self._update(w, dw, slots, step) is not None:
                    raise ContractError("an optimizer changes w in place; its update returned something instead")


def _blocks(
    w: Array, dw: Array, slots: Mapping[str, Array], scratch: Mapping[str, Array], size: int
) -> Iterator[Block]:
    """Each block with its gradients, its slots, and the scratch arrays, which all blocks share."""
    for start in range(0, len(w), size):
        part = slice(start, start + size)
        own = {name: array[part] for name, array in slots.items()}
        yield w[part], dw[part], own | {name: array[: len(w[part])] for name, array in scratch.items()}
