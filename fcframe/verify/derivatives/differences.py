"""Changes of Σ dout · out of a layer when an element of x or of a parameter is moved: input to finite differences."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from fcframe.context import Array
from fcframe.verify.derivatives.extrapolation import Difference
from fcframe.verify.fixtures.layer import LayerFixture

CHUNK = 2**14
"""The largest number of elements in one batch of moved examples; such an array fits into the processor's cache."""
ROUNDING = 8 * np.finfo(np.float64).eps
"""A bound of the rounding error of an output, relative to its size."""


def difference(fixture: LayerFixture, name: str, douts: Sequence[Array]) -> Difference:
    """Measures the changes of the k functions f = Σ dout · out + penalty, one for each dout.

    Backward computes the gradient of f, so finite differences of f check backward.

    Args:
        fixture: The layer and its arrays.
        name: What is moved: "dx" for elements of x, "dW" for elements of the parameter W.
        douts: k arrays of the shape of out.
    """
    weights: Array = np.stack(douts).reshape(len(douts), len(fixture.x), -1)  # (k, N, outputs of an example)
    if name == "dx" and fixture.rows_independent:
        return _in_batches(fixture, weights)
    weights = weights.reshape(len(douts), -1)
    if fixture.adds_loss:  # `outputs` appends the penalty to the flat output; its weight is 1
        weights = np.hstack([weights, np.ones((len(douts), 1))])
    array, outputs = array_of(fixture, name), fixture.outputs
    moved = array.copy()
    if name == "dx":
        return _one_by_one(array, moved, weights, lambda: outputs(moved, fixture.params))
    params = {**fixture.params, name.removeprefix("d"): moved}
    return _one_by_one(array, moved, weights, lambda: outputs(fixture.x, params))


def array_of(fixture: LayerFixture, name: str) -> Array:
    """The array with respect to which the gradient of this name is taken: x for "dx", the parameter W for "dW"."""
    return fixture.x if name == "dx" else fixture.params[name.removeprefix("d")]


def _one_by_one(array: Array, moved: Array, weights: Array, outputs: Callable[[], Array]) -> Difference:
    """Moves elements in the copy `moved` that `outputs` reads, and evaluates the whole minibatch each time.

    Takes elements of shape (m,), each moved alone, or (m, g), g moved together.
    """
    flat = moved.reshape(-1)
    base = _without_warnings(outputs).reshape(-1).copy()

    def change(elements: Array, offsets: Array) -> tuple[Array, Array]:
        changes = np.empty((2, len(weights), len(elements)))
        size = max(1, CHUNK // max(1, base.size))
        for start in range(0, len(elements), size):
            part = slice(start, start + size)
            outs = np.empty((len(elements[part]), base.size))
            indices, values = elements[part], array.reshape(-1)[elements[part]] + offsets[part]
            single = elements.ndim == 1  # then indexing with Python's numbers is faster than with NumPy's
            moves = zip(indices.tolist(), values.tolist(), outs) if single else zip(indices, values, outs)  # noqa: B905
            with np.errstate(all="ignore"):  # a moved element may overflow where the case itself does not
                for index, value, out in moves:
                    moved[...] = array  # the whole array, because the layer may have written into it
                    flat[index] = value
                    out[:] = outputs().reshape(-1)
            changes[:, :, part] = _weighted_changes(lambda weights, outs: weights @ outs.T, weights, outs, base)
        return changes[0], changes[1]

    return change


def _in_batches(fixture: LayerFixture, weights: Array) -> Difference:
    """Moves elements of x, many at a time, where the output of an example depends on this example alone.

    Each moved element gets its own copy of its example, and all copies are evaluated as one minibatch.
    """
    x, width = fixture.x, int(np.prod(fixture.case.input_shape))
    base = _without_warnings(lambda: fixture.outputs(x.copy(), fixture.params)).reshape(len(x), -1).copy()

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
            changes[:, :, part] = _weighted_changes(
                partial(np.einsum, "kmi,mi->km"), weights[:, rows[part]], outs, base[rows[part]]
            )
        return changes[0], changes[1]

    return change


def _weighted_changes(
    weighted_sum: Callable[[Array, Array], Array], weights: Array, outs: Array, base: Array
) -> tuple[Array, Array]:
    """The changes of Σ dout · out, (k, m), and bounds of their rounding errors."""
    # change = Σ dout · (out(x + h) − out(x));  |rounding error| ≤ ε Σ |dout| · (|out(x + h)| + |out(x)|).
    with np.errstate(all="ignore"):
        changes = weighted_sum(weights, outs - base)
        return changes, ROUNDING * weighted_sum(np.abs(weights), np.abs(outs) + np.abs(base))


def _without_warnings(function: Callable[[], Array]) -> Array:
    """The function's result, without warnings of overflow and the like; the verdict reports numbers not finite."""
    with np.errstate(all="ignore"):
        return function()
