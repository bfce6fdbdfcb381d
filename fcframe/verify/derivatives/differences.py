"""How much a layer's output changes where one element of x or of a parameter is moved."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from fcframe.context import Array
from fcframe.verify.derivatives.extrapolation import Difference
from fcframe.verify.fixtures.layer import LayerFixture

CHUNK = 2**14
"""Numbers in one large batch of moved examples; few enough to stay near the processor."""
ROUNDING = 8 * np.finfo(np.float64).eps
"""What rounding does to an output, relative to its size."""


def difference(fixture: LayerFixture, name: str, douts: Sequence[Array]) -> Difference:
    """How Σ dout · out + penalty changes, for each dout, with elements of x ("dx") or of a parameter ("dW")."""
    weights: Array = np.stack(douts).reshape(len(douts), len(fixture.x), -1)
    if name == "dx" and fixture.rows_independent:
        return _in_batches(fixture, weights)
    weights = weights.reshape(len(douts), -1)
    if fixture.adds_loss:  # the penalty stands behind the outputs, and counts once
        weights = np.hstack([weights, np.ones((len(douts), 1))])
    array, outputs = array_of(fixture, name), fixture.outputs
    moved = array.copy()
    if name == "dx":
        return _one_by_one(array, moved, weights, lambda: outputs(moved, fixture.params))
    params = {**fixture.params, name.removeprefix("d"): moved}
    return _one_by_one(array, moved, weights, lambda: outputs(fixture.x, params))


def array_of(fixture: LayerFixture, name: str) -> Array:
    """Where the gradient of this name is taken: x, or a parameter."""
    return fixture.x if name == "dx" else fixture.params[name.removeprefix("d")]


def _one_by_one(array: Array, moved: Array, weights: Array, outputs: Callable[[], Array]) -> Difference:
    """Moves one element at a time, or some, in the copy that `outputs` sees, and evaluates the whole minibatch."""
    flat = moved.reshape(-1)
    base = _silently(outputs).reshape(-1).copy()

    def change(elements: Array, offsets: Array) -> tuple[Array, Array]:
        changes = np.empty((2, len(weights), len(elements)))
        size = max(1, CHUNK // max(1, base.size))
        for start in range(0, len(elements), size):
            part = slice(start, start + size)
            outs = np.empty((len(elements[part]), base.size))
            places, values = elements[part], array.reshape(-1)[elements[part]] + offsets[part]
            alone = elements.ndim == 1  # then numbers of Python's are faster than NumPy's
            moves = zip(places.tolist(), values.tolist(), outs) if alone else zip(places, values, outs)  # noqa: B905
            with np.errstate(all="ignore"):  # at a moved x there may be overflows that the case itself does not have
                for place, value, out in moves:
                    moved[...] = array  # whole: the layer may have written into it
                    flat[place] = value
                    out[:] = outputs().reshape(-1)
            changes[:, :, part] = _dotted(lambda weights, outs: weights @ outs.T, weights, outs, base)
        return changes[0], changes[1]

    return change


def _in_batches(fixture: LayerFixture, weights: Array) -> Difference:
    """Moves one element in each of many copies of an example, and evaluates these as one minibatch."""
    x, width = fixture.x, int(np.prod(fixture.case.input_shape))
    base = _silently(lambda: fixture.outputs(x.copy(), fixture.params)).reshape(len(x), -1).copy()

    def change(elements: Array, offsets: Array) -> tuple[Array, Array]:
        changes = np.empty((2, len(weights), len(elements)))
        rows, columns = elements // width, elements % width
        size = max(1, CHUNK // max(1, width, base.shape[1]))
        for start in range(0, len(elements), size):
            part = slice(start, start + size)
            moved = x[rows[part]]
            moved.reshape(len(moved), width)[np.arange(len(moved)), columns[part]] += offsets[part]
            with np.errstate(all="ignore"):
                outs = fixture.outputs(moved, fixture.params).reshape(len(moved), -1)
            changes[:, :, part] = _dotted(
                partial(np.einsum, "kmi,mi->km"), weights[:, rows[part]], outs, base[rows[part]]
            )
        return changes[0], changes[1]

    return change


def _dotted(sum_: Callable[[Array, Array], Array], weights: Array, outs: Array, base: Array) -> tuple[Array, Array]:
    """What each dout sees of a change, and how large the rounding errors in it may be."""
    with np.errstate(all="ignore"):
        return sum_(weights, outs - base), ROUNDING * sum_(np.abs(weights), np.abs(outs) + np.abs(base))


def _silently(function: Callable[[], Array]) -> Array:
    """At a moved x there may be overflows that the case itself does not have; the verdict says what they mean."""
    with np.errstate(all="ignore"):
        return function()
