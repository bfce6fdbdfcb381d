"""The contract of a dataset, and the arrays that it gives."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias

import numpy as np
from pydantic import NonNegativeInt

from fcframe.components.base import Component, Shape
from fcframe.components.fields import AnyOf
from fcframe.context import Array


@dataclass(frozen=True)
class Data:
    """Six arrays: X (N, *input_shape) and y (N, …) for training, validation and test.

    Raises:
        ValueError: X and y of a split differ in length, the training split is empty, or the example shapes differ.
    """

    X_train: Array
    y_train: Array
    X_val: Array
    y_val: Array
    X_test: Array
    y_test: Array
    classes: tuple[str, ...] = ()
    """What the labels 0, 1, … are called, where the data says."""
    fitted: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for split, (X, y) in self.splits().items():
            if len(X) != len(y):
                raise ValueError(f"X_{split} has {len(X)} rows and y_{split} has {len(y)}; they must be as many")
            if X.shape[1:] != self.input_shape:
                raise ValueError(f"an example of X_{split} has shape {X.shape[1:]}, one of X_train {self.input_shape}")
        if len(self.X_train) == 0:
            raise ValueError("there is no training example")

    @property
    def input_shape(self) -> Shape:
        """The shape of one example."""
        return tuple(self.X_train.shape[1:])

    def splits(self) -> dict[str, tuple[Array, Array]]:
        """(X, y) under "train", "val" and "test"; validation and test may have no row."""
        return {
            "train": (self.X_train, self.y_train),
            "val": (self.X_val, self.y_val),
            "test": (self.X_test, self.y_test),
        }


class Dataset(Component):
    """Where examples come from.

    >>> import numpy as np
    >>> class Line(Dataset):
    ...     type = "line"
    ...     def load(self, dtype, rng):
    ...         X = rng.normal(size=(30, 1)).astype(dtype)
    ...         return Data(X[:10], X[:10], X[10:20], X[10:20], X[20:], X[20:])
    >>> Line().load(np.dtype("float32"), np.random.default_rng(0)).input_shape
    (1,)
    """

    kind = "dataset"
    plural = "datasets"

    seed: NonNegativeInt = 0
    """Draws what the dataset leaves to chance, its split say. Not the training's seed: that leaves the data alone."""

    @abstractmethod
    def load(self, dtype: np.dtype[Any], rng: "np.random.Generator") -> Data:
        """Reads the examples; nothing that comes from outside is executed or unpickled.

        Args:
            dtype: What X is made in, so that the data is held once; y keeps integer labels, or has this dtype.
            rng: The only source of randomness, made from `seed`.

        Raises:
            OSError: A file cannot be read.
            ValueError: What was read is not what the dataset promises; the message names file and line.
        """


AnyDataset: TypeAlias = Annotated[Dataset, AnyOf(Dataset)]
