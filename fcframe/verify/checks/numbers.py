"""Checks that a loss, a penalty or a metric is one real number."""

from typing import Any

import numpy as np

from fcframe.verify.report import CheckFailure


def require_number(what: str, value: Any, where: str) -> None:
    """Checks that a value is one real number of Python or NumPy.

    Raises:
        CheckFailure: It is something else, for example an array with one element.
    """
    is_real = isinstance(value, (int, float, np.number)) or (isinstance(value, np.ndarray) and value.ndim == 0)
    if isinstance(value, bool) or not is_real or np.iscomplexobj(value):
        shape = f" of shape {value.shape}" if isinstance(value, np.ndarray) else ""
        raise CheckFailure(f"{what} is a {type(value).__name__}{shape}, expected one real number", where)
