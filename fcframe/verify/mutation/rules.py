"""The rules of mutation: which small changes are tried in the syntax tree of a method.

A rule takes a node of the tree and yields edits: a description, a node, and the node that replaces it.
"""

import ast
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from fcframe.components import Component

METHODS = ("forward", "backward", "value_and_grad")
"""The methods that compute a component's value and gradient."""

Edit: TypeAlias = tuple[str, ast.AST, ast.AST]
"""A description, the node, and the node that replaces it."""

_OPERATORS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.MatMult: (ast.Mult,),
    ast.Pow: (ast.Mult,), ast.FloorDiv: (ast.Mult,), ast.Mod: (ast.Mult,), ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,), ast.And: (ast.Or,), ast.Or: (ast.And,), ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE), ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
_SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**", ast.FloorDiv: "//",
    ast.Mod: "%", ast.BitAnd: "&", ast.BitOr: "|", ast.And: "and", ast.Or: "or", ast.Gt: ">", ast.GtE: ">=",
    ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not", ast.In: "in",
    ast.NotIn: "not in",
}  # fmt: skip
_SIMILAR: tuple[tuple[Any, Any], ...] = (
    (np.add, np.subtract), (np.multiply, np.divide), (np.matmul, np.multiply), (np.sum, np.mean), (np.max, np.min),
    (np.maximum, np.minimum), (np.argmax, np.argmin), (np.exp, np.log), (np.expm1, np.exp), (np.log1p, np.log),
    (np.sqrt, np.square), (np.sin, np.cos), (np.tanh, np.arctan), (np.var, np.std), (np.any, np.all),
    (np.greater, np.greater_equal), (np.greater, np.less), (np.less, np.less_equal), (np.equal, np.not_equal),
    (np.logical_and, np.logical_or), (np.zeros_like, np.ones_like), (np.cumsum, np.cumprod), (np.floor, np.ceil),
)  # fmt: skip
"""Pairs of functions with the same arguments; each is replaced by the other."""
_NAMES: dict[str, list[str]] = {}
for _first, _second in _SIMILAR:
    _NAMES.setdefault(_first.__name__, []).append(_second.__name__)
    _NAMES.setdefault(_second.__name__, []).append(_first.__name__)


class Scope:
    """What a rule needs besides the node: default values of fields, names of arrays, and the method's role."""

    def __init__(self, component: type[Component], tree: ast.FunctionDef, nodes: list[ast.AST]) -> None:
        self.defaults = {
            name: field.default
            for name, field in component.model_fields.items()
            if isinstance(field.default, (bool, int, float))
        }
        self.keys = sorted({str(key.value) for node in nodes for key in _keys(node)})
        self.gives_gradients = tree.name in METHODS[1:]
        self.upstream = tree.args.args[1].arg if tree.name == METHODS[1] and len(tree.args.args) > 1 else ""


def _operators(node: ast.AST, _scope: Scope) -> Iterator[Edit]:
    """Replaces an operator by a similar one, or drops a unary one."""
    if isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp)):
        for other in _OPERATORS.get(type(node.op), ()):
            yield f"`{_SIGNS[type(node.op)]}` → `{_SIGNS[other]}`", node, replaced_fields(node, op=other())
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            for other in _OPERATORS[type(operator)]:
                ops = [*node.ops[:index], other(), *node.ops[index + 1 :]]
                yield f"`{_SIGNS[type(operator)]}` → `{_SIGNS[other]}`", node, replaced_fields(node, ops=ops)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        yield f"`{'-' if isinstance(node.op, ast.USub) else 'not'}` dropped", node, node.operand


def _sign(node: ast.AST, _scope: Scope) -> Iterator[Edit]:
    """Changes the sign of an assigned expression."""
    if isinstance(node, (ast.Assign, ast.AugAssign)) and isinstance(node.value, ast.BinOp):
        yield "sign changed", node.value, ast.UnaryOp(ast.USub(), node.value)


def _conditions(node: ast.AST, scope: Scope) -> Iterator[Edit]:
    """Negates a condition, fixes a flag of ctx, or replaces a field of the spec by its default."""
    if isinstance(node, (ast.If, ast.IfExp)) and not isinstance(node.test, (ast.Compare, ast.UnaryOp)):
        yield "condition negated", node.test, ast.UnaryOp(ast.Not(), node.test)
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Name):
        if node.attr in ("training", "needs_input_grad") and node.value.id != "self":
            for value in (True, False):
                yield f"`{ast.unparse(node)}` → `{value}`", node, ast.Constant(value)
        if node.value.id == "self" and node.attr in scope.defaults:
            default = scope.defaults[node.attr]
            yield f"`{ast.unparse(node)}` → its default `{default!r}`", node, ast.Constant(default)


def _constants(node: ast.AST, _scope: Scope) -> Iterator[Edit]:
    """Replaces a number or boolean by others of its type."""
    if not isinstance(node, ast.Constant):
        return
    others: list[Any] = []
    if isinstance(node.value, bool):
        others = [not node.value]
    elif isinstance(node.value, (int, float)):
        others = [1 - node.value, node.value + 1, 2 * node.value, node.value / 2 if node.value % 2 else node.value - 1]
        others = others[:2] if node.value in (0, 1) else others[1:]
    kind: Any = type(node.value)
    for other in map(kind, others):
        yield f"`{node.value!r}` → `{other!r}`", node, ast.Constant(other)


def _calls(node: ast.AST, scope: Scope) -> Iterator[Edit]:
    """Replaces or drops a function of NumPy, a keyword argument, `.T`, or the name of an array."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        if node.attr == "T":
            yield "`.T` dropped", node, node.value
        if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "ctx")):
            for other in _NAMES.get(node.attr, ()):
                yield f"`{node.attr}` → `{other}`", node, replaced_fields(node, attr=other)
    if isinstance(node, ast.Call):
        for index, keyword in enumerate(node.keywords):
            fewer = [*node.keywords[:index], *node.keywords[index + 1 :]]
            yield f"`{ast.unparse(keyword)}` dropped", node, replaced_fields(node, keywords=fewer)
        if isinstance(node.func, ast.Attribute) and is_name(node.func.value, "np") and len(node.args) == 1:
            yield f"`{ast.unparse(node.func)}(…)` dropped", node, node.args[0]
    for key in _keys(node):
        if len(scope.keys) > 1:
            name = scope.keys[(scope.keys.index(str(key.value)) + 1) % len(scope.keys)]
            yield f"`{key.value!r}` → `{name!r}`", key, ast.Constant(name)


def _statements(node: ast.AST, _scope: Scope) -> Iterator[Edit]:
    """Drops a statement that changes something in place."""
    calls = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    assigns = isinstance(node, ast.Assign) and not any(_is_plain(target) for target in node.targets)
    if calls or assigns or isinstance(node, ast.AugAssign):
        yield "statement dropped", node, ast.Pass()


def _returned(node: ast.AST, scope: Scope) -> Iterator[Edit]:
    """Replaces a returned gradient by zero, its negative, or dout."""
    if not (scope.gives_gradients and isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple)):
        return
    parts = [value for part in node.value.elts for value in (part.values if isinstance(part, ast.Dict) else [part])]
    for part in parts:
        if isinstance(part, ast.Constant):
            continue
        yield "returned zero instead", part, ast.BinOp(part, ast.Mult(), ast.Constant(0))
        yield "sign changed", part, ast.UnaryOp(ast.USub(), part)
        if scope.upstream and not is_name(part, scope.upstream):
            yield f"returned `{scope.upstream}` instead", part, ast.Name(scope.upstream, ast.Load())


RULES: tuple[Callable[[ast.AST, Scope], Iterator[Edit]], ...] = (
    _operators,
    _sign,
    _conditions,
    _constants,
    _calls,
    _statements,
    _returned,
)


def _keys(node: ast.AST) -> Iterator[ast.Constant]:
    """The string constants by which a subscript, a dict or `ctx.grad` names an array."""
    keys: list[ast.expr | None] = []
    if isinstance(node, ast.Subscript):
        keys = [node.slice]
    if isinstance(node, ast.Dict):
        keys = list(node.keys)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "grad":
        keys = list(node.args)
    yield from (key for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def replaced_fields(node: ast.AST, **fields: Any) -> ast.AST:
    """A copy of the node with other values of some fields."""
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def is_name(node: ast.AST, name: str) -> bool:
    """Whether a node is the variable of that name."""
    return isinstance(node, ast.Name) and node.id == name


def _is_plain(target: ast.AST) -> bool:
    return isinstance(target, (ast.Name, ast.Tuple))
