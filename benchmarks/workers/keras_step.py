"""Keras on JAX: `train_on_batch` of a compiled model."""

import keras
import numpy as np

from benchmarks.worker import Ready
from benchmarks.workers.batches import turns
from benchmarks.workloads import Workload


def step(workload: Workload) -> Ready:
    """Its own jit; the metrics are off."""
    *hidden, last = workload.sizes[1:]
    dense = [keras.layers.Dense(units, activation="relu") for units in hidden]
    model = keras.Sequential([keras.Input((workload.sizes[0],)), *dense, keras.layers.Dense(last)])
    kind = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}[workload.optimizer]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=kind(workload.rate), loss=loss, jit_compile=True)
    for layer, (W, b) in zip([*dense, model.layers[-1]], workload.weights(), strict=True):
        layer.set_weights([W, np.array(b)])
    return Ready(turns(workload, model.train_on_batch))
