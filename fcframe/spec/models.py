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

FORMAT: Literal[1] = 1
"""The format that this version writes; a later one migrates what carries an earlier number."""


class Document(StrictModel):
    """What both documents start with."""

    schema_address: Annotated[str | None, AfterValidator(lambda _: None), Field(alias="$schema", exclude=True)] = None
    """Where an editor finds the JSON Schema that completes and checks this file; nothing else reads it."""
    format: Literal[1] = FORMAT
    """The format's number."""


class NetworkSpec(Document):
    """Layers, the loss they are trained on, and the shape of one input example.

    >>> spec = NetworkSpec.model_validate({"input": [64], "layers": [{"type": "affine", "units": 10}],
    ...                                    "loss": {"type": "softmax"}})
    >>> spec.layers[0].units
    10
    """

    input: Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=32)]
    """Shape of one example, without the batch axis: [3072], or [3, 32, 32]."""
    layers: Layers
    """The layers, input to output; the last one's output is the scores."""
    loss: AnyLoss
    """What training makes small."""
    regularizer: AnyRegularizer | None = None
    """A penalty on the weights, added to the loss."""
    dtype: Literal["float32", "float64"] = "float32"
    """What parameters and all computations are made in."""


class EvaluationSpec(StrictModel):
    """What is measured while a network is trained, and what is kept of it."""

    metric: AnyMetric | None = None
    """What is measured beside the loss; without it, the metric that the loss names."""
    train_sample: PositiveInt | None = 1000
    """How many training examples are drawn to be measured on; null measures on all of them."""
    every: PositiveInt = 1
    """Epochs between two evaluations; the last epoch always has one."""
    batch_size: PositiveInt = 500
    """How many examples are scored at a time."""
    keep_best: bool = True
    """Whether the parameters that were best on the validation examples are put back at the end."""


class TrainingSpec(StrictModel):
    """How a network is trained."""

    optimizer: AnyOptimizer
    """The update rule."""
    schedule: AnySchedule | None = None
    """How the learning rate changes; without it, it stays."""
    epochs: PositiveInt
    """How many times as many examples as the training split has are drawn."""
    batch_size: PositiveInt = 100
    """N: how many examples one update sees."""
    sampling: Literal["without_replacement", "with_replacement"] = "without_replacement"
    """Whether an epoch shows every training example once, or draws each minibatch from all of them."""
    seed: NonNegativeInt = 0
    """Draws the parameters' start, the minibatches and what layers leave to chance."""
    evaluation: EvaluationSpec = EvaluationSpec()
    """What is measured, and when."""
    observers: tuple[AnyObserver, ...] = ()
    """What is done beside training, such as early stopping or gradient clipping."""


class ExperimentSpec(Document):
    """A network, the data it learns from, and how."""

    name: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)] | None = None
    """What the run's folder is called; without it, as the spec's file."""
    network: NetworkSpec
    """The network."""
    data: AnyDataset | None = None
    """Where examples come from."""
    training: TrainingSpec
    """How it learns."""


Spec: TypeAlias = NetworkSpec | ExperimentSpec
EXPERIMENT_KEYS = ("network", "data", "training")
"""A document with one of these keys is read as an experiment spec, any other as a network spec."""
