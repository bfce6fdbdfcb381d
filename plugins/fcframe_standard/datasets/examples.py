"""New examples that are given as arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fcframe import Array, Shape


def given(source: Any, shape: Shape | None = None) -> tuple[Array, Array | None]:
    """X (N, …) of real numbers and y (N, …), or None, from an array, a pair (X, y), or a mapping with "X" and "y".

    Args:
        source: The argument of `Dataset.read`.
        shape: The shape of one example, which flattened examples are reshaped to. None accepts any shape.

    Raises:
        ValueError: It does not contain such examples.
    """
    y = None
    if hasattr(source, "keys"):
        names = {str(name).lower(): name for name in source.keys()}  # noqa: SIM118 - iterating a DataFrame is not always its keys
        if "x" not in names:
            raise ValueError(f"source: expected the arrays X and, if known, y; got {', '.join(map(repr, names))}")
        source = (source[names["x"]], source[names["y"]]) if "y" in names else source[names["x"]]
    if isinstance(source, tuple) and len(source) == 2:
        source, y = source
    X = np.asarray(source)
    if X.dtype.kind not in "biuf":
        raise ValueError(f"source: X holds {X.dtype}, expected real numbers")
    if X.ndim < 2 and (X.ndim == 0 or shape is not None):
        raise ValueError(f"source: X has shape {X.shape}, expected (N, …); a single example is X[None]")
    if shape is not None and X.shape[1:] != shape:
        X = _shaped(X, shape)
    if X.dtype.kind == "f" and not np.isfinite(X).all():
        raise ValueError(f"source: X[{', '.join(map(str, np.argwhere(~np.isfinite(X))[0]))}] is not a finite number")
    if y is not None:
        y = np.asarray(y)
        if len(y.shape) == 0 or len(y) != len(X):
            raise ValueError(f"source: X has {len(X)} rows, and y has shape {y.shape}; their lengths must be equal")
    return X, y


def _shaped(X: Array, shape: Shape) -> Array:
    """Flattened examples in their shape."""
    if X.ndim == 2 and X.shape[1] == np.prod(shape):
        return X.reshape(-1, *shape)
    hint = ""
    if X.shape == shape:
        hint = "; a single example is X[None]"
    elif sorted(X.shape[1:]) == sorted(shape):
        hint = "; its axes are in a different order: see numpy.transpose"
    raise ValueError(f"source: an example of X has shape {X.shape[1:]}, expected {shape}{hint}")


def labelled(y: Array | None, classes: Sequence[str]) -> Array | None:
    """Labels as integers, given as integers from 0 or as names of classes.

    Raises:
        ValueError: One of them is neither.
    """
    if y is None:
        return None
    if y.dtype.kind in "US":
        known = {name: label for label, name in enumerate(classes)}
        unknown = next((text for text in y if str(text) not in known), None)
        if unknown is not None:
            raise ValueError(f"source: y holds {str(unknown)!r}; the classes are {', '.join(map(repr, classes))}")
        return np.array([known[str(text)] for text in y], np.intp)
    if y.dtype.kind not in "iu" or y.ndim != 1 or (len(y) and not 0 <= y.min() <= y.max() < len(classes)):
        raise ValueError(f"source: y must hold integers from 0 to {len(classes) - 1}, one per row, or names of classes")
    return y.astype(np.intp)
