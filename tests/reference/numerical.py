"""The reference document's two measures, as its notebook uses them."""

import numpy as np


def rel_error(x, y):
    """The largest relative error."""
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


def numerical_gradient(value, array, dout=1.0, h=1e-5):
    """Central differences of sum(value · dout), a function of `array`, which is changed in place and put back."""
    grad = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + h
        above = value()
        array[index] = kept - h
        below = value()
        array[index] = kept
        grad[index] = np.sum((above - below) * dout) / (2 * h)
    return grad
