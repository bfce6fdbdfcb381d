"""The networks that are trained, and the data that they are trained on: the same for every contender."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Labels = NDArray[np.int64]
RATES = {"sgd": 1e-4, "adam": 1e-5}
"""So small that the numbers stay as ordinary as they start: no contender meets denormal numbers, or a dead network."""


@dataclass(frozen=True)
class Workload:
    """A network of affine layers and ReLU with a softmax loss, in float32, and how it is trained."""

    name: str
    sizes: tuple[int, ...]
    """D, the units of each hidden layer, C."""
    batch: int
    optimizer: str
    steps: int
    """Minibatches in an epoch; where it can be, the data is larger than a cache."""
    epochs: int = 1
    """Epochs in a turn, which is then long beside the clock and the first step."""

    @property
    def title(self) -> str:
        """In words."""
        return f"{self.name}: {'-'.join(map(str, self.sizes))}, batch {self.batch}, {self.optimizer.upper()}"

    @property
    def rate(self) -> float:
        """The learning rate."""
        return RATES[self.optimizer]

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shape of each W."""
        return list(zip(self.sizes, self.sizes[1:], strict=False))

    def data(self) -> tuple[Array, Labels]:
        """Random examples, and labels that have nothing to do with them."""
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.batch * self.steps, self.sizes[0]), np.float32)
        return X, rng.integers(self.sizes[-1], size=len(X))

    def weights(self) -> list[tuple[Array, Array]]:
        """W and b of each layer at the start."""
        rng = np.random.default_rng(1)
        return [
            (rng.standard_normal((d, h), np.float32) * np.float32((2 / d) ** 0.5), np.zeros(h, np.float32))
            for d, h in self.shapes
        ]

    def spec(self) -> dict[str, Any]:
        """The experiment, as a user writes it."""
        *hidden, last = self.sizes[1:]
        layers: list[dict[str, Any]] = []
        for units in hidden:
            layers += [{"type": "affine", "units": units}, {"type": "relu"}]
        return {
            "network": {
                "input": [self.sizes[0]],
                "layers": [*layers, {"type": "affine", "units": last}],
                "loss": {"type": "softmax"},
            },
            "data": {"type": "digits"},  # never read: the benchmark brings its own numbers
            "training": {
                "optimizer": {"type": self.optimizer, "learning_rate": self.rate},
                "epochs": 1,
                "batch_size": self.batch,
                "evaluation": {"train_sample": 1},
            },
        }


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("W1", (64, 100, 10), 32, "sgd", steps=64, epochs=32),
        Workload("W2", (3072, 200, 10), 100, "sgd", steps=32),
        Workload("W3", (3072, 100, 100, 100, 100, 10), 100, "adam", steps=32),
        Workload("W4", (3072, 1024, 1024, 1024, 10), 256, "adam", steps=8),
    )
}
