"""A network: layers with their parameters, and the passes over them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from fcframe.chain import Chain
from fcframe.components import Integers, Parameter, Params, Regularizer, Shape
from fcframe.context import Array, Context, ReusingContext
from fcframe.errors import ContractError, DataError
from fcframe.kernels import NUMPY, Kernels
from fcframe.parameters import Views, started
from fcframe.spec.models import NetworkSpec

MAX_SHOWN = 6
"""How many layers the repr of a network names."""


class Network:
    """Layers with their parameters. `fcframe.build` makes one from a spec.

    Attributes:
        params: Parameter name → array view, "affine1.W". All lie in one flat buffer, `params.flat`; assigning an
            item copies the values in.
        parameters: The declaration of each: its shape, start, decay, and whether it is trained.
        state: The same for running statistics: "batchnorm1.mean".

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
        start, chance = np.random.SeedSequence(seed).spawn(2)
        self.spec = spec
        self.chain = chain
        self.dtype = dtype
        self.kernels = kernels
        self.parameters = parameters
        self.output_shape: Shape = chain.output_shape(spec.input)
        self.domain = chain.input_domain(spec.input)
        self.input_dtype: np.dtype[Any] = np.dtype(np.intp) if isinstance(self.domain, Integers) else dtype
        rng = np.random.default_rng(start)
        self.params = started(parameters, dtype, rng)
        self.state = started(state, dtype, rng)
        self._rng = np.random.default_rng(chance)

    @property
    def trainable(self) -> tuple[str, ...]:
        """The names of the parameters that are updated."""
        return tuple(name for name, parameter in self.parameters.items() if parameter.trainable)

    @property
    def penalized(self) -> tuple[tuple[str, Regularizer], ...]:
        """The names of the weights that a regularizer acts on, each with its regularizer."""
        found = (
            (name, parameter.regularizer or self.spec.regularizer)
            for name, parameter in self.parameters.items()
            if parameter.decay and parameter.trainable
        )
        return tuple((name, regularizer) for name, regularizer in found if regularizer is not None)

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.spec.input))
        names = self.chain.names if len(self.chain.names) <= MAX_SHOWN else (*self.chain.names[: MAX_SHOWN - 1], "…")
        return f"Network({shape} → {' → '.join(names)}; {self.params.flat.size:,} parameters, {self.dtype})"

    def scores(self, X: Any) -> Array:
        """The evaluation forward pass: nothing is drawn, and running statistics are used but not changed.

        Args:
            X: (N, *input_shape); cast to the network's dtype.

        Returns:
            (N, *output_shape).

        Raises:
            DataError: X does not have the input's shape or values.
        """
        x = self._examples(X)
        if len(x) == 0:
            return np.zeros((0, *self.output_shape), self.dtype)
        out, _ = self.chain.forward(x, self.params, self.evaluation_context())
        return out.copy() if np.may_share_memory(out, x) else out  # a layer may return its argument

    def loss(
        self, X: Any, y: Any, *, rng: "np.random.Generator | None" = None, weights: Any = None
    ) -> tuple[float, dict[str, Array]]:
        """The training pass: the loss over a minibatch, penalties included, and all gradients.

        Args:
            X: (N, *input_shape); cast to the network's dtype.
            y: N targets, as the loss takes them.
            rng: The source of randomness for stochastic layers; the network's own generator, by default.
            weights: (N,), how much each example counts; all the same, by default.

        Returns:
            The loss, and the gradient of each trainable parameter under the parameter's name. The arrays are the
            caller's.

        Raises:
            DataError: X does not have the input's shape or values, y is not what the loss takes, or the loss takes no
                weights.
        """
        X, y = self._examples(X), np.asarray(y)
        if y.ndim == 0:
            raise DataError("y holds one value, expected one target for each example")
        if len(y) != len(X):
            raise DataError(f"X has {len(X)} rows and y has {len(y)}; they must have the same number")
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
        """A context for `chain.forward` in evaluation; with reuse, the arrays are overwritten by the next pass."""
        state = MappingProxyType({name: _read_only(view) for name, view in self.state.items()})
        if reuse:
            return ReusingContext(training=False, state=state, dtype=self.dtype, kernels=self.kernels)
        return Context(training=False, state=state, dtype=self.dtype, kernels=self.kernels)

    def _examples(self, values: Any) -> Array:
        try:
            # no copy of what has the dtype already; integers are checked before they are cast
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


def as_integers(name: str, X: Array, domain: Integers) -> Array:
    """Numbers as the integers of a domain.

    Raises:
        DataError: One is no integer, or outside of the domain; names the row and the value.

    >>> as_integers("X", np.array([[0.0, 2.0]]), Integers(0, 3))
    array([[0, 2]])
    """
    if X.dtype.kind not in "iufb":
        raise DataError(f"{name} is {X.dtype}, expected {domain}")
    with np.errstate(invalid="ignore"):
        wrong = ~((domain.low <= X) & (domain.high > X) & (np.floor(X) == X))
    if wrong.any():
        place = tuple(int(index) for index in np.argwhere(wrong)[0])
        raise DataError(
            f"{name}{list(place)} is {X[place]}, expected {domain} ({int(wrong.sum())} of {X.size} values are wrong)"
        )
    integers: Array = X.astype(np.intp)
    return integers


def _read_only(view: Array) -> Array:
    view = view.view()
    view.flags.writeable = False
    return view


class TrainingPass:
    """Forward, loss, backward and regularizers of one minibatch, into one flat gradient buffer.

    Args:
        network: Its parameters are read, and its running state is replaced.
        rng: The source of randomness for stochastic layers.
        reuse: Whether all arrays are made once and written over by the next pass, as the solver wants it.

    Attributes:
        grads: The gradients of the trainable parameters, in the order of the parameters' buffer.
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
        # A layer computes the gradients of its frozen parameters too; they are written here, and ignored.
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
        """The loss; the gradients are in `grads`.

        Raises:
            ContractError: A layer did not return the gradient of each of its parameters, in the parameter's shape.
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
                if grads.get(name) is not view:  # not all were written into their places
                    self._place(grads)
                    break
            if len(grads) > len(views):
                self._refuse_unknown(grads)
        else:  # no empty minibatch reaches a layer
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

    def _place(self, grads: Params) -> None:
        for name, view in self._views.items():
            if name not in grads:
                raise ContractError(f"{name}: backward returned no gradient of this parameter")
            if grads[name] is not view:
                try:
                    self.grads[name] = grads[name]
                except ValueError as error:
                    raise ContractError(f"the gradient of {error}") from error
