"""A network: its layers, its parameters, and the forward and backward passes."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from fcframe.chain import Chain
from fcframe.components import Integers, Parameter, Params, Regularizer, Shape
from fcframe.context import Array, Context, ReusingContext
from fcframe.errors import ContractError, DataError
from fcframe.kernels import NUMPY, Kernels
from fcframe.parameters import Views, initialized
from fcframe.spec.models import NetworkSpec
from fcframe.wording import plural

MAX_SHOWN = 6
"""Layers that the repr of a network shows."""


class Network:
    """A network with its parameters. `fcframe.build` creates one from a spec.

    Attributes:
        params: The parameters by name: `params["affine1.W"]`. They are views of one flat array, `params.flat`;
            assigning an item copies the values.
        parameters: The declaration of each parameter: shape, initializer, weight decay, and whether it is trained.
        state: The running statistics by name, as for `params`: `state["batchnorm1.mean"]`.

    >>> import fcframe
    >>> network = fcframe.build(fcframe.load_spec({"input": [4], "loss": {"type": "softmax"},
    ...     "layers": [{"type": "affine", "units": 5}, {"type": "relu"}, {"type": "affine", "units": 3}]}))
    >>> network.scores(np.zeros((2, 4))).shape
    (2, 3)
    >>> loss, grads = network.loss(np.zeros((2, 4)), np.array([0, 2]))
    >>> sorted(grads) == sorted(network.params)
    True
    """

    def __init__(
        self,
        spec: NetworkSpec,
        chain: Chain,
        parameters: Mapping[str, Parameter],
        state: Mapping[str, Parameter],
        dtype: np.dtype[Any],
        seed: int,
        kernels: Kernels = NUMPY,
    ) -> None:
        initialization, stochastic = np.random.SeedSequence(seed).spawn(2)
        self.spec = spec
        self.chain = chain
        self.dtype = dtype
        self.kernels = kernels
        self.parameters = parameters
        self.output_shape: Shape = chain.output_shape(spec.input)
        self.domain = chain.input_domain(spec.input)
        self.input_dtype: np.dtype[Any] = np.dtype(np.intp) if isinstance(self.domain, Integers) else dtype
        rng = np.random.default_rng(initialization)
        self.params = initialized(parameters, dtype, rng)
        self.state = initialized(state, dtype, rng)
        self._rng = np.random.default_rng(stochastic)

    @property
    def trainable(self) -> tuple[str, ...]:
        """The names of the parameters that are updated."""
        return tuple(name for name, parameter in self.parameters.items() if parameter.trainable)

    @property
    def penalized(self) -> tuple[tuple[str, Regularizer], ...]:
        """The names of the weights that have a regularizer, each with its regularizer."""
        candidates = (
            (name, parameter.regularizer or self.spec.regularizer)
            for name, parameter in self.parameters.items()
            if parameter.decay and parameter.trainable
        )
        return tuple((name, regularizer) for name, regularizer in candidates if regularizer is not None)

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.spec.input))
        names = self.chain.names if len(self.chain.names) <= MAX_SHOWN else (*self.chain.names[: MAX_SHOWN - 1], "…")
        return f"Network({shape} → {' → '.join(names)}; {self.params.flat.size:,} parameters, {self.dtype})"

    def scores(self, X: Any) -> Array:
        """Computes the scores of examples in evaluation mode: without randomness, and without changing the state.

        Args:
            X: Examples (N, *input_shape); cast to the network's dtype.

        Returns:
            The scores (N, *output_shape).

        Raises:
            DataError: X has a wrong shape, or values that the network does not take.
        """
        x = self._examples(X)
        if len(x) == 0:
            return np.zeros((0, *self.output_shape), self.dtype)
        out, _ = self.chain.forward(x, self.params, self.evaluation_context())
        return out.copy() if np.may_share_memory(out, x) else out  # a layer may return its argument

    def loss(
        self, X: Any, y: Any, *, rng: "np.random.Generator | None" = None, weights: Any = None
    ) -> tuple[float, dict[str, Array]]:
        """Computes the loss of a minibatch and all gradients in training mode.

        Args:
            X: Examples (N, *input_shape); cast to the network's dtype.
            y: N targets of the kind that the loss takes.
            rng: The source of randomness for stochastic layers. Default: the network's own generator.
            weights: Example weights (N,). Default: all examples have the same weight.

        Returns:
            The loss including penalties, and the gradient of each trainable parameter under the parameter's name. The
            arrays are new; later calls do not change them.

        Raises:
            DataError: X has a wrong shape or wrong values, the loss does not take these targets, or it takes no
                weights.
        """
        X, y = self._examples(X), np.asarray(y)
        if y.ndim == 0:
            raise DataError("y holds one value, expected one target for each example")
        if len(y) != len(X):
            raise DataError(f"X has {plural(len(X), 'row')} and y has {len(y)}; they must have the same number")
        try:
            if len(y):
                self.spec.loss.check_labels(y, self.output_shape)
        except ValueError as error:
            raise DataError(f"y: {error}") from error
        if weights is not None:
            weights = self._weights(weights, len(y))
        training = TrainingPass(self, self._rng if rng is None else rng, reuse=False)
        return training(X, y, weights), dict(training.grads)

    def evaluation_context(self, *, reuse: bool = False) -> Context:
        """A context for `chain.forward` in evaluation mode. With `reuse`, the next pass overwrites the arrays."""
        state = MappingProxyType({name: _read_only(view) for name, view in self.state.items()})
        if reuse:
            return ReusingContext(training=False, state=state, dtype=self.dtype, kernels=self.kernels)
        return Context(training=False, state=state, dtype=self.dtype, kernels=self.kernels)

    def _examples(self, values: Any) -> Array:
        try:
            # An array of the right dtype is not copied. Integers are checked before they are cast.
            X: Array = np.asarray(values) if isinstance(self.domain, Integers) else np.asarray(values, self.dtype)
        except (TypeError, ValueError) as error:
            raise DataError(f"X cannot be read as {self.dtype}: {error}") from error
        if X.shape[1:] != self.spec.input or X.ndim == 0:
            raise DataError(f"the network takes examples of shape {self.spec.input}, got X of shape {X.shape}")
        return as_integers("X", X, self.domain) if isinstance(self.domain, Integers) else X

    def _weights(self, values: Any, N: int) -> Array:
        if not self.spec.loss.takes_weights:
            raise DataError(f"weights: the {self.spec.loss.type} loss takes none")
        weights: Array = np.asarray(values, self.dtype)
        if weights.shape != (N,) or not np.all(weights >= 0) or not 0 < float(weights.sum()) < np.inf:
            raise DataError(f"weights: expected {N} numbers of at least 0, not all 0, got {weights!r}")
        return weights


def as_integers(name: str, X: Array, domain: Integers, where: Callable[..., str] | None = None) -> Array:
    """Casts numbers to the integers of a domain.

    Args:
        name: The name of X in messages.
        X: Numbers.
        domain: The integers that are allowed.
        where: Returns the name of X[i, j, …] in messages, given i, j, …. Default: "X[i, j]".

    Raises:
        DataError: A value is not an integer or is outside the domain. The message has its index.

    >>> as_integers("X", np.array([[0.0, 2.0]]), Integers(0, 3))
    array([[0, 2]])
    """
    if X.dtype.kind not in "iufb":
        raise DataError(f"{name} is {X.dtype}, expected {domain}")
    with np.errstate(invalid="ignore"):
        wrong = ~((domain.low <= X) & (domain.high > X) & (np.floor(X) == X))
    if wrong.any():
        index = tuple(int(position) for position in np.argwhere(wrong)[0])
        place = where(*index) if where else f"{name}{list(index)}"
        raise DataError(f"{place} is {X[index]}, expected {domain} ({int(wrong.sum())} of {X.size} values are wrong)")
    integers: Array = X.astype(np.intp)
    return integers


def _read_only(view: Array) -> Array:
    view = view.view()
    view.flags.writeable = False
    return view


class TrainingPass:
    """Forward pass, loss, backward pass and regularizers of one minibatch.

    Args:
        network: The network; each pass updates its running state.
        rng: The source of randomness for stochastic layers.
        reuse: Whether the next pass overwrites all arrays instead of allocating new ones.

    Attributes:
        grads: The gradients of the trainable parameters, as views of one flat array in the order of the parameters.
    """

    def __init__(self, network: Network, rng: "np.random.Generator", *, reuse: bool) -> None:
        self._chain = network.chain
        self._params: Params = dict(network.params)
        self._loss = network.spec.loss
        shapes = {name: network.params[name].shape for name in network.trainable}
        self.grads = Views(shapes, network.dtype, 1, [name for name in network.params.order if name in shapes])
        self._views = dict(self.grads)
        self._penalized = [
            (regularizer, self._params[name], self._views[name]) for name, regularizer in network.penalized
        ]
        # A layer also computes the gradients of its frozen parameters; they are written here and ignored.
        frozen = {name: np.empty_like(view) for name, view in self._params.items() if name not in shapes}
        self._added: list[float] = []
        common: dict[str, Any] = {"dtype": network.dtype, "kernels": network.kernels}
        context = common | {
            "rng": rng,
            "state": network.state,
            "params": self._params,
            "needs_input_grad": False,
            "added_losses": self._added,
        }
        self._ctx = ReusingContext(grads=self._views | frozen, **context) if reuse else Context(**context)
        self._loss_ctx, self._penalty_ctx = ((ReusingContext if reuse else Context)(**common) for _ in range(2))

    def __call__(self, X: Array, y: Array, weights: Array | None = None) -> float:
        """Computes the loss, and writes the gradients to `grads`.

        Raises:
            ContractError: A layer did not return a gradient for each of its parameters in the parameter's shape.
        """
        added = self._added
        added.clear()
        if len(X):
            scores, caches = self._chain.forward(X, self._params, self._ctx)
            self._loss_ctx.weights = weights
            loss, dscores = self._loss.value_and_grad(scores, y, self._loss_ctx)
            _, grads = self._chain.backward(dscores, caches, self._ctx)
            views = self._views
            for name, view in views.items():
                if grads.get(name) is not view:  # a layer returned an array of its own instead of ctx.grad(name)
                    self._copy_to_views(grads)
                    break
            if len(grads) > len(views):
                self._refuse_unknown(grads)
        else:  # layers require at least one example
            loss = 0.0
            self.grads.flat[...] = 0
        for regularizer, w, view in self._penalized:
            penalty, dw = regularizer.value_and_grad(w, self._penalty_ctx)
            view += dw
            loss += penalty
        return float(loss + sum(added)) if added else float(loss)

    def _refuse_unknown(self, grads: Params) -> None:
        unknown = ", ".join(sorted(grads.keys() - self._params.keys()))
        if unknown:
            raise ContractError(f"backward returned gradients of names that are no parameters: {unknown}")

    def _copy_to_views(self, grads: Params) -> None:
        for name, view in self._views.items():
            if name not in grads:
                raise ContractError(f"{name}: backward returned no gradient of this parameter")
            if grads[name] is not view:
                try:
                    self.grads[name] = grads[name]
                except ValueError as error:
                    raise ContractError(
                        f"{name}: backward returned a gradient of shape {np.shape(grads[name])}, but the parameter has "
                        f"shape {view.shape}; `fcframe gradcheck` helps to find the mistake"
                    ) from error
