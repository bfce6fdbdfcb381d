"""A network: layers with their parameters, and the passes over them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from fcframe.chain import Chain
from fcframe.components import Parameter, Params, Shape
from fcframe.context import Array, Context, ReusingContext
from fcframe.errors import ContractError, DataError
from fcframe.kernels import NUMPY, Kernels
from fcframe.parameters import Views, started
from fcframe.spec.models import NetworkSpec


class Network:
    """Layers with their parameters. `fcframe.build` makes one from a spec.

    Attributes:
        params: Parameter name → array view, "affine1.W". All lie in one flat buffer, `params.flat`; assigning an
            item copies the values in.
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
        self.output_shape: Shape = chain.output_shape(spec.input)
        rng = np.random.default_rng(start)
        self.params = started(parameters, dtype, rng)
        self.state = started(state, dtype, rng)
        self.decaying = tuple(name for name, parameter in parameters.items() if parameter.decay)
        self._rng = np.random.default_rng(chance)

    def scores(self, X: Any) -> Array:
        """The evaluation forward pass: no chance, running statistics used and left alone.

        Args:
            X: (N, *input_shape); cast to the network's dtype.

        Returns:
            (N, *output_shape).

        Raises:
            DataError: X does not have the input's shape.
        """
        x, _ = self.chain.forward(self._examples(X), self.params, self.evaluation_context())
        return x

    def loss(self, X: Any, y: Any, *, rng: "np.random.Generator | None" = None) -> tuple[float, dict[str, Array]]:
        """The training pass: the loss over a minibatch, regularization included, and all gradients.

        Args:
            X: (N, *input_shape); cast to the network's dtype.
            y: N labels, as the loss takes them.
            rng: Draws what layers leave to chance; the network's own generator, by default.

        Returns:
            The loss, and the gradient of each parameter under the parameter's name. The arrays are the caller's.

        Raises:
            DataError: X does not have the input's shape, or y is not what the loss takes.
        """
        X, y = self._examples(X), np.asarray(y)
        if y.ndim == 0:
            raise DataError("y holds one value, expected a row of labels")
        if len(y) != len(X):
            raise DataError(f"X has {len(X)} rows and y has {len(y)}; they must be as many")
        try:
            self.spec.loss.check_labels(y, self.output_shape)
        except ValueError as error:
            raise DataError(f"y: {error}") from error
        training = TrainingPass(self, self._rng if rng is None else rng, reuse=False)
        return training(X, y), dict(training.grads)

    def evaluation_context(self, *, reuse: bool = False) -> Context:
        """A context for `chain.forward` in evaluation; with reuse, the arrays are overwritten by the next pass."""
        state = MappingProxyType({name: _read_only(view) for name, view in self.state.items()})
        if reuse:
            return ReusingContext(training=False, state=state, dtype=self.dtype, kernels=self.kernels)
        return Context(training=False, state=state, dtype=self.dtype, kernels=self.kernels)

    def _examples(self, values: Any) -> Array:
        try:
            X: Array = np.asarray(values, dtype=self.dtype)  # no copy where it is that already
        except (TypeError, ValueError) as error:
            raise DataError(f"X cannot be read as {self.dtype}: {error}") from error
        if X.shape[1:] != self.spec.input or X.ndim == 0:
            raise DataError(f"the network takes examples of shape {self.spec.input}, got X of shape {X.shape}")
        return X


def _read_only(view: Array) -> Array:
    view = view.view()
    view.flags.writeable = False
    return view


class TrainingPass:
    """Forward, loss, backward and regularizer of one minibatch, into one flat gradient buffer.

    Args:
        network: Whose parameters are read, and whose running state is replaced.
        rng: Draws what layers leave to chance.
        reuse: Whether all arrays are made once and written over by the next pass, as the solver wants it.
    """

    def __init__(self, network: Network, rng: "np.random.Generator", *, reuse: bool) -> None:
        self._network = network
        self._chain = network.chain
        self._params: Params = dict(network.params)
        self._loss = network.spec.loss
        self._regularizer = network.spec.regularizer
        self.grads = Views({name: view.shape for name, view in network.params.items()}, network.dtype, 1)
        self._views = dict(self.grads)
        context: dict[str, Any] = {"rng": rng, "state": network.state, "params": self._params}
        common: dict[str, Any] = {"dtype": network.dtype, "kernels": network.kernels}
        context |= {"needs_input_grad": False} | common
        self._ctx = ReusingContext(grads=self._views, **context) if reuse else Context(**context)
        self._loss_ctx, self._penalty_ctx = ((ReusingContext if reuse else Context)(**common) for _ in range(2))

    def __call__(self, X: Array, y: Array) -> float:
        """The loss; the gradients are in `grads`.

        Raises:
            ContractError: A layer did not return the gradient of each of its parameters, in the parameter's shape.
        """
        scores, caches = self._chain.forward(X, self._params, self._ctx)
        loss, dscores = self._loss.value_and_grad(scores, y, self._loss_ctx)
        _, grads = self._chain.backward(dscores, caches, self._ctx)
        views = self._views
        for name, view in views.items():
            if grads.get(name) is not view:  # not all were written into their places
                self._place(grads)
                break
        if len(grads) > len(views):
            unknown = ", ".join(sorted(grads.keys() - views.keys()))
            raise ContractError(f"backward returned gradients of what is no parameter: {unknown}")
        if self._regularizer is not None:
            for name in self._network.decaying:
                penalty, dw = self._regularizer.value_and_grad(self._params[name], self._penalty_ctx)
                views[name] += dw
                loss += penalty
        return float(loss)

    def _place(self, grads: Params) -> None:
        for name, view in self._views.items():
            if name not in grads:
                raise ContractError(f"{name}: backward returned no gradient of this parameter")
            if grads[name] is not view:
                try:
                    self.grads[name] = grads[name]
                except ValueError as error:
                    raise ContractError(f"the gradient of {error}") from error
