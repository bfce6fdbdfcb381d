"""The bundled components, registered like those of any other plugin: by an entry point and one hook.

A component's module is imported when the component is first used. `from fcframe_standard import Affine` works too.
"""

from importlib import import_module
from typing import Any

from fcframe import hookimpl

REFERENCES = """
layer affine = fcframe_standard.layers.affine:Affine
layer relu = fcframe_standard.layers.relu:ReLU
layer batchnorm = fcframe_standard.layers.batchnorm:BatchNorm
layer dropout = fcframe_standard.layers.dropout:Dropout
layer softmax = fcframe_standard.layers.softmax:Softmax
layer embedding = fcframe_standard.layers.embedding:Embedding
layer sequential = fcframe_standard.layers.sequential:Sequential
layer residual = fcframe_standard.layers.residual:Residual

loss softmax = fcframe_standard.losses.softmax:SoftmaxLoss
loss mse = fcframe_standard.losses.mse:MSE

optimizer sgd = fcframe_standard.optimizers.sgd:SGD
optimizer adam = fcframe_standard.optimizers.adam:Adam
optimizer adamw = fcframe_standard.optimizers.adamw:AdamW
optimizer muon = fcframe_standard.optimizers.muon:Muon

schedule exponential = fcframe_standard.schedules.exponential:Exponential
schedule cosine = fcframe_standard.schedules.cosine:Cosine
schedule reduce_on_plateau = fcframe_standard.schedules.reduce_on_plateau:ReduceOnPlateau

initializer normal = fcframe_standard.initializers.normal:Normal
initializer zeros = fcframe_standard.initializers.zeros:Zeros
initializer ones = fcframe_standard.initializers.ones:Ones
initializer xavier = fcframe_standard.initializers.xavier:Xavier
initializer he = fcframe_standard.initializers.he:He

regularizer l2 = fcframe_standard.regularizers.l2:L2

metric accuracy = fcframe_standard.metrics.accuracy:Accuracy
metric r2 = fcframe_standard.metrics.r2:R2

observer early_stopping = fcframe_standard.observers.early_stopping:EarlyStopping
observer clip_gradients = fcframe_standard.observers.clip_gradients:ClipGradients

dataset digits = fcframe_standard.datasets.digits:Digits
dataset cifar10 = fcframe_standard.datasets.cifar10:CIFAR10
dataset npz = fcframe_standard.datasets.npz:NPZ
dataset csv = fcframe_standard.datasets.csv_file:CSV
"""
"""One line per component: kind type = module:Class."""
_LINES = [line for line in REFERENCES.splitlines() if line]
_MODULES = {name: module for line in _LINES for module, _, name in [line.partition(" = ")[2].partition(":")]}
__all__ = sorted(_MODULES)


@hookimpl
def fcframe_register() -> list[str]:
    """The references of all bundled components."""
    return _LINES


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
