"""The extra `fast`: what its kernels compute is what NumPy's do, within rounding. Skipped where it is not installed."""

import numpy as np
import pytest

import fcframe

FAST = fcframe.registry().kernels["fast"][1]
COUNT = 70_001
"""Parameters: enough for the update in one pass."""

installed = pytest.mark.skipif(bool(FAST.lacks()), reason=f"the extra fast: {FAST.lacks()}")


def drawn(*shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)
