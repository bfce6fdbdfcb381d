"""New examples that are handed in as arrays."""

import numpy as np


def given(source, shape=None):
    """X (N, …) of real numbers and y (N, …), or None, from an array, a pair (X, y), or a mapping with "X" and "y".

    Args:
        source: What `Dataset.read` was handed.
        shape: The shape of one example; flat examples of as many numbers get it. None takes any shape.

    Raises:
        ValueError: It holds no such examples.
    """
    y = None
    if hasattr(source, "keys"):
        names = {str(name).lower(): name for name in source.keys()}  # noqa: SIM118 - as a mapping has them
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
            raise ValueError(f"source: X has {len(X)} rows, and y has shape {y.shape}; they must be as many")
    return X, y


def _shaped(X, shape):
    """Flat examples in their shape."""
    if X.ndim == 2 and X.shape[1] == np.prod(shape):
        return X.reshape(-1, *shape)
    hint = ""
    if X.shape == shape:
        hint = "; a single example is X[None]"
    elif sorted(X.shape[1:]) == sorted(shape):
        hint = "; its axes stand in another order: see numpy.transpose"
    raise ValueError(f"source: an example of X has shape {X.shape[1:]}, expected {shape}{hint}")


def labelled(y, classes):
    """Labels as integers: they are integers from 0 already, or names of classes.

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
        raise ValueError(f"source: y must hold integers from 0 to {len(classes) - 1}, one a row, or names of classes")
    return y.astype(np.intp)
