"""The two documents a user writes: a network spec, and an experiment spec that trains one."""

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt

from fcframe.components import (
    AnyDataset,
    AnyLoss,
    AnyMetric,
    AnyObserver,
    AnyOptimizer,
    AnyRegularizer,
    AnySchedule,
    Layers,
)
from fcframe.strict import StrictModel

FORMAT: Literal[2] = 2
"""The format that this version reads and writes; `fcframe.spec.migrate` converts earlier formats."""


class Document(StrictModel):
    """The fields that both documents have."""

    schema_address: Annotated[str | None, AfterValidator(lambda _: None), Field(alias="$schema", exclude=True)] = None
    """Path or URL of the JSON Schema with which an editor completes and checks this file. fcframe ignores it."""
    format: Literal[2] = FORMAT
    """Version of the spec format. Specs of an earlier format are converted when they are loaded."""


class NetworkSpec(Document):
    """The layers of a network, its loss, and the shape of one input example.

    >>> spec = NetworkSpec.model_validate({"input": [64], "layers": [{"type": "affine", "units": 10}],
    ...                                    "loss": {"type": "softmax"}})
    >>> spec.layers[0].units
    10
    """

    input: Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=32)]
    """Shape of one example, without the batch axis: [3072], or [3, 32, 32]."""
    layers: Layers
    """Layers from input to output. The output of the last layer is the scores."""
    loss: AnyLoss
    """Loss function that training minimizes."""
    regularizer: AnyRegularizer | None = None
    """Penalty on the weights, added to the loss. A layer can have its own instead."""
    dtype: Literal["float32", "float64"] = "float32"
    """Floating-point type of the parameters and of all computations."""


class EvaluationSpec(StrictModel):
    """How the network is evaluated during training, and which parameters are kept."""

    metric: AnyMetric | None = None
    """Metric to report beside the loss. Default: the metric that belongs to the loss."""
    train_sample: PositiveInt | None = 1000
    """Number of random training examples to evaluate on. Use null to evaluate on the whole training set."""
    every: PositiveInt = 1
    """Number of epochs between two evaluations. The last epoch is always evaluated."""
    batch_size: PositiveInt = 500
    """Number of examples scored at a time. Changes memory use, not results."""
    keep_best: bool = True
    """Whether to restore the parameters with the best validation result at the end of training."""


class TrainingSpec(StrictModel):
    """How a network is trained."""

    optimizer: AnyOptimizer
    """Algorithm that updates the parameters from their gradients."""
    schedule: AnySchedule | None = None
    """How the learning rate changes during training. Default: it stays constant."""
    epochs: PositiveInt
    """Number of passes over the training set."""
    batch_size: PositiveInt = 100
    """Number of examples in a minibatch (N)."""
    sampling: Literal["without_replacement", "with_replacement"] = "without_replacement"
    """How minibatches are drawn: a new shuffle of the training set each epoch, or independently at random."""
    seed: NonNegativeInt = 0
    """Seed for initialization, minibatch order and stochastic layers."""
    evaluation: EvaluationSpec = EvaluationSpec()
    """When and on what the network is evaluated."""
    observers: tuple[AnyObserver, ...] = ()
    """Actions beside training, such as early stopping or gradient clipping."""


class ExperimentSpec(Document):
    """A network, the data it is trained on, and how it is trained."""

    name: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)] | None = None
    """Name of the folder that the run is saved in. Default: the spec's file name."""
    network: NetworkSpec
    """The network to train."""
    data: AnyDataset | None = None
    """Dataset to train on. Leave it out only when data is passed from Python: fcframe.train(spec, data=(X, y))."""
    training: TrainingSpec
    """How the network is trained."""


Spec: TypeAlias = NetworkSpec | ExperimentSpec
EXPERIMENT_KEYS = ("network", "data", "training")
"""A document with one of these keys is read as an experiment spec, any other as a network spec."""
