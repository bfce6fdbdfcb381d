"""fcframe as a user runs it: the solver's own epoch, from a JSON spec, with its hooks, on data in memory."""

import json
import os
from importlib.util import find_spec

import numpy as np

import fcframe
from benchmarks.worker import AbsentError, Ready
from benchmarks.workloads import Workload
from fcframe.training.solver import Solver


def step(workload: Workload) -> Ready:
    """Whole epochs; a turn is a whole number of them."""
    epoch = solver(workload).train_epoch

    def turn(steps: int) -> None:
        for _ in range(-(-steps // workload.steps)):
            epoch()

    return Ready(turn, note=kernels())


def solver(workload: Workload) -> Solver:
    """What `fcframe train` makes of the spec, with numbers of our own."""
    spec = fcframe.load_spec(json.dumps(workload.spec()))
    X, y = workload.data()
    none = np.zeros((0, workload.sizes[0]), np.float32)
    data = fcframe.Data(X, y, none, y[:0], none, y[:0])
    kernels()
    return Solver(fcframe.build(spec), data, spec.training, fcframe.registry().hooks())


def kernels() -> str:
    """Which kernels were asked for.

    Raises:
        AbsentError: They are not there.
    """
    asked = os.environ.get("FCFRAME_KERNELS", "")
    if asked == "fast" and find_spec("fcframe_fast") is None:
        raise AbsentError("the extra `fast` is not installed")
    return asked
