"""The bundled components. They come in by the road that every plugin takes: an entry point and one hook."""

import fcframe
from fcframe_standard.datasets.cifar10 import CIFAR10
from fcframe_standard.datasets.csv_file import CSV
from fcframe_standard.datasets.digits import Digits
from fcframe_standard.datasets.npz import NPZ
from fcframe_standard.initializers.he import He
from fcframe_standard.initializers.normal import Normal
from fcframe_standard.initializers.ones import Ones
from fcframe_standard.initializers.xavier import Xavier
from fcframe_standard.initializers.zeros import Zeros
from fcframe_standard.layers.affine import Affine
from fcframe_standard.layers.batchnorm import BatchNorm
from fcframe_standard.layers.dropout import Dropout
from fcframe_standard.layers.embedding import Embedding
from fcframe_standard.layers.relu import ReLU
from fcframe_standard.layers.residual import Residual
from fcframe_standard.layers.sequential import Sequential
from fcframe_standard.layers.softmax import Softmax
from fcframe_standard.losses.mse import MSE
from fcframe_standard.losses.softmax import SoftmaxLoss
from fcframe_standard.metrics.accuracy import Accuracy
from fcframe_standard.metrics.r2 import R2
from fcframe_standard.observers.clip_gradients import ClipGradients
from fcframe_standard.observers.early_stopping import EarlyStopping
from fcframe_standard.optimizers.adam import Adam
from fcframe_standard.optimizers.adamw import AdamW
from fcframe_standard.optimizers.muon import Muon
from fcframe_standard.optimizers.sgd import SGD
from fcframe_standard.regularizers.l2 import L2
from fcframe_standard.schedules.cosine import Cosine
from fcframe_standard.schedules.exponential import Exponential
from fcframe_standard.schedules.reduce_on_plateau import ReduceOnPlateau


@fcframe.hookimpl
def fcframe_register():
    """Announces them all."""
    return [
        Affine, ReLU, BatchNorm, Dropout, Softmax, Embedding, Sequential, Residual,
        SoftmaxLoss, MSE,
        SGD, Adam, AdamW, Muon,
        Exponential, Cosine, ReduceOnPlateau,
        Normal, Zeros, Ones, Xavier, He,
        L2,
        Accuracy, R2,
        EarlyStopping, ClipGradients,
        Digits, CIFAR10, NPZ, CSV,
    ]  # fmt: skip
