"""Applies an optimizer to all parameters: elementwise ones in blocks of the flat buffer, the others by parameter."""

from collections.abc import Mapping

import numpy as np

from fcframe.components import Optimizer
from fcframe.context import Array
from fcframe.errors import ContractError
from fcframe.parameters import Views

BLOCK = 32_768
"""Numbers in a block: what an update reads, writes and makes on the way then stays in a core's cache."""


class Updates:
    """An optimizer with its slots, bound to the parameters and gradients that it works on."""

    def __init__(self, optimizer: Optimizer, params: Views, grads: Views, block: int = BLOCK) -> None:
        self._update = optimizer.update
        self.slots = {
            name: Views({key: view.shape for key, view in params.items()}, params.flat.dtype, place)
            for place, name in enumerate(optimizer.slots(), start=2)
        }
        self._pieces: list[tuple[Array, Array, Mapping[str, Array]]] = []
        if optimizer.per_tensor:
            for key in params:
                own = {name: views[key] for name, views in self.slots.items()}
                self._pieces.append((params[key], grads[key], own))
        else:
            for start in range(0, len(params.flat), block):
                part = np.s_[start : start + block]
                own = {name: views.flat[part] for name, views in self.slots.items()}
                self._pieces.append((params.flat[part], grads.flat[part], own))

    def __call__(self, step: int, learning_rate: float) -> None:
        """Makes one update of everything; `step` counts from 1."""
        for w, dw, slots in self._pieces:
            if self._update(w, dw, slots, step, learning_rate) is not None:
                raise ContractError("an optimizer changes w in place; its update returned something instead")
