"""Applies an optimizer to all parameters: elementwise ones in blocks of the flat buffer, the others by parameter."""

from collections.abc import Iterator, Mapping

import numpy as np

from fcframe.arrays import Array
from fcframe.components import Optimizer
from fcframe.errors import ContractError
from fcframe.kernels import NUMPY, Kernels, unsaid
from fcframe.parameters import Views

BLOCK = 2**18
"""Bytes of an array in a block: what an update reads and writes on the way then stays in a core's cache."""
SMALL_BLOCK = 2**16
"""The same for an optimizer that makes arrays of its own: so none of them is larger than this."""


class Updates:
    """An optimizer with its slots, bound to the parameters and gradients that it works on.

    Args:
        optimizer: What is applied.
        params: Changed in place.
        grads: As many.
        kernels: May know a faster way to apply an elementwise optimizer.
        block: Numbers in a block; what fits a core's cache, by default.
    """

    def __init__(
        self, optimizer: Optimizer, params: Views, grads: Views, kernels: Kernels = NUMPY, block: int | None = None
    ) -> None:
        self._update, self._provider = optimizer.update, kernels.name
        shapes = {key: view.shape for key, view in params.items()}
        self.slots = {
            name: Views(shapes, params.flat.dtype, place) for place, name in enumerate(optimizer.slots(), start=2)
        }
        self._everything = None
        if optimizer.per_tensor:
            self._pieces = [
                (params[key], grads[key], {name: views[key] for name, views in self.slots.items()}) for key in params
            ]
        else:
            slots = {name: views.flat for name, views in self.slots.items()}
            self._everything = kernels.updates(optimizer.update, params.flat, grads.flat, slots)
            size = block or (BLOCK if optimizer.scratch else SMALL_BLOCK) // params.flat.itemsize
            self._pieces = list(_blocks(params.flat, grads.flat, slots, optimizer.scratch, size))

    def __call__(self, step: int, learning_rate: float) -> None:
        """Makes one update of everything; `step` counts from 1.

        Raises:
            ContractError: The optimizer returned something, or the kernels did not say whether they made the step.
        """
        if self._everything is not None:
            done = self._everything(step, learning_rate)
            if done is True:
                return
            if done is not False:  # whether to make the step is not known, and twice would be wrong
                raise ContractError(f"kernels {self._provider!r}: {unsaid(done, step)}")
        for w, dw, slots in self._pieces:
            if self._update(w, dw, slots, step, learning_rate) is not None:
                raise ContractError("an optimizer changes w in place; its update returned something instead")


def _blocks(
    w: Array, dw: Array, slots: Mapping[str, Array], scratch: tuple[str, ...], size: int
) -> Iterator[tuple[Array, Array, dict[str, Array]]]:
    """Each block with its gradients, its slots, and the scratch arrays, which all blocks share."""
    shared = {name: np.zeros(min(size, len(w)), w.dtype) for name in scratch}
    for start in range(0, len(w), size):
        part = slice(start, start + size)
        own = {name: array[part] for name, array in slots.items()}
        yield w[part], dw[part], own | {name: array[: len(w[part])] for name, array in shared.items()}
