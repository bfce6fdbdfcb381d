"""Reads the docstrings of a class's fields, which stand below the annotations in its source code."""

import ast
import inspect
from functools import lru_cache


@lru_cache(maxsize=256)  # the harness asks for the schema of each configuration
def docstrings(cls: type) -> dict[str, str | None]:
    """The docstring of each annotated field of a class; None for a field without one. Empty if there is no source.

    >>> from fcframe.components import Optimizer
    >>> docstrings(Optimizer)["learning_rate"]
    "Step size, before the schedule's factor."
    """
    try:
        lines, start = inspect.findsource(cls)
    except (OSError, TypeError):  # the class was created by a program or typed at a prompt
        return {}
    classes = [node for node in ast.walk(ast.parse("".join(lines))) if isinstance(node, ast.ClassDef)]
    return next((_texts(node) for node in classes if _first_line(node) == start + 1), {})


def _first_line(node: ast.ClassDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _texts(node: ast.ClassDef) -> dict[str, str | None]:
    texts: dict[str, str | None] = {}
    for statement, below in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            text = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else None
            texts[statement.target.id] = inspect.cleandoc(text) if isinstance(text, str) else None
    return texts
