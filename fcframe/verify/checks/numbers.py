"""What counts as one number where a component returns a loss, a penalty or a metric."""

from typing import Any

import numpy as np

from fcframe.verify.report import CheckFailure


def need_number(what: str, value: Any, where: str) -> None:
    """Refuses what is not one real number, of Python's or of NumPy's.

    Raises:
        CheckFailure: It is something else, an array of one element included.
    """
    is_real = isinstance(value, (int, float, np.number)) or (isinstance(value, np.ndarray) and value.ndim == 0)
    if isinstance(value, bool) or not is_real or np.iscomplexobj(value):
        shape = f" of shape {value.shape}" if isinstance(value, np.ndarray) else ""
        raise CheckFailure(f"{what} is a {type(value).__name__}{shape}, expected one real number", where)
