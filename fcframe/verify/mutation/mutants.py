"""An author's method → its mutants: copies in memory, each with one small change in the syntax tree.

A rule takes a node of the tree and gives what may stand in its place. Neither the class nor its file is touched.
"""

import ast
import copy
import inspect
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, TypeAlias

import numpy as np

from fcframe.components import Component
from fcframe.errors import ContractError

METHODS = ("forward", "backward", "value_and_grad")
"""Where a component computes its value and its gradient."""

Edit: TypeAlias = tuple[str, ast.AST, ast.AST]
"""What is done, in words; the node; and what stands in its place."""

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
_ALIKE: tuple[tuple[Any, Any], ...] = (
    (np.add, np.subtract), (np.multiply, np.divide), (np.matmul, np.multiply), (np.sum, np.mean), (np.max, np.min),
    (np.maximum, np.minimum), (np.argmax, np.argmin), (np.exp, np.log), (np.expm1, np.exp), (np.log1p, np.log),
    (np.sqrt, np.square), (np.sin, np.cos), (np.tanh, np.arctan), (np.var, np.std), (np.any, np.all),
    (np.greater, np.greater_equal), (np.greater, np.less), (np.less, np.less_equal), (np.equal, np.not_equal),
    (np.logical_and, np.logical_or), (np.zeros_like, np.ones_like), (np.cumsum, np.cumprod), (np.floor, np.ceil),
)  # fmt: skip
"""Functions that take the same arguments: each is tried in the other's place."""
_NAMES: dict[str, list[str]] = {}
for _first, _second in _ALIKE:
    _NAMES.setdefault(_first.__name__, []).append(_second.__name__)
    _NAMES.setdefault(_second.__name__, []).append(_first.__name__)


@dataclass(frozen=True)
class Change:
    """One mutant of one method."""

    operator: str
    """What was done: "`+` → `-`"."""
    method: str
    file: str
    line: int
    original: str
    """The statement as it stands."""
    changed: str
    """The statement as the mutant has it; empty where it is left out."""
    function: FunctionType
    """The method with the change."""
    probe: FunctionType
    """The method with an exception where the change is: shows whether anything gets there."""


def changes(component: type[Component]) -> list[Change]:
    """All mutants of a component's own value and gradient, in the order of their lines.

    Raises:
        ContractError: The text of a method cannot be read.
    """
    found: dict[tuple[str, str], Change] = {}
    for name, function in own_methods(component).items():
        tree = _tree(function)
        nodes = [node for statement in tree.body for node in ast.walk(statement)]
        statements = {id(node): owner for owner in nodes if isinstance(owner, ast.stmt) for node in ast.walk(owner)}
        scope = _Scope(component, tree, nodes)
        known = {ast.unparse(tree)}
        for rule in _RULES:
            for node in nodes:
                for operator, old, new in rule(node, scope):
                    mutated, text = _replaced(tree, old, new), statements[id(old)]
                    if ast.unparse(mutated) in known:
                        continue
                    known.add(ast.unparse(mutated))
                    changed = "" if isinstance(new, ast.Pass) else _head(_replaced(text, old, new))
                    raising = ast.parse("1 // 0", mode="eval").body
                    probe = _replaced(tree, old, ast.Expr(raising) if isinstance(old, ast.stmt) else raising)
                    found[name, ast.unparse(mutated)] = Change(
                        operator, name, Path(function.__code__.co_filename).name, getattr(old, "lineno", text.lineno),
                        _head(text), changed, _compiled(function, component, mutated),
                        _compiled(function, component, probe),
                    )  # fmt: skip
    return sorted(found.values(), key=lambda change: change.line)


def own_methods(component: type[Component]) -> dict[str, FunctionType]:
    """The methods of METHODS that the author wrote, and the author's helpers that these call on self, by name."""
    contract = {name for owner in component.__mro__ if not _is_own(owner) for name in vars(owner)} - set(METHODS)
    own = {
        name: value
        for owner in reversed(component.__mro__)
        if _is_own(owner)
        for name, value in vars(owner).items()
        if isinstance(value, FunctionType) and name not in contract
    }
    found = {name: own[name] for name in METHODS if name in own}
    waiting = list(found.values())
    while waiting:
        for node in ast.walk(_tree(waiting.pop())):
            name = node.attr if isinstance(node, ast.Attribute) and _is_name(node.value, "self") else ""
            if name in own and name not in found:
                found[name] = own[name]
                waiting.append(own[name])
    return found


def _is_own(owner: type) -> bool:
    """Whether a class is an author's, and not the framework's."""
    framework = __name__.partition(".")[0]
    return issubclass(owner, Component) and owner.__module__.partition(".")[0] != framework


class _Scope:
    """What a rule must know besides the node."""

    def __init__(self, component: type[Component], tree: ast.FunctionDef, nodes: list[ast.AST]) -> None:
        self.defaults = {
            name: field.default
            for name, field in component.model_fields.items()
            if isinstance(field.default, (bool, int, float))
        }
        self.keys = sorted({str(key.value) for node in nodes for key in _keys(node)})
        self.gives_gradients = tree.name in METHODS[1:]
        self.upstream = tree.args.args[1].arg if tree.name == METHODS[1] and len(tree.args.args) > 1 else ""


def _operators(node: ast.AST, _scope: _Scope) -> Iterator[Edit]:
    if isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp)):
        for other in _OPERATORS.get(type(node.op), ()):
            yield f"`{_SIGNS[type(node.op)]}` → `{_SIGNS[other]}`", node, _with(node, op=other())
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            for other in _OPERATORS[type(operator)]:
                ops = [*node.ops[:index], other(), *node.ops[index + 1 :]]
                yield f"`{_SIGNS[type(operator)]}` → `{_SIGNS[other]}`", node, _with(node, ops=ops)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        yield f"`{'-' if isinstance(node.op, ast.USub) else 'not'}` dropped", node, node.operand


def _sign(node: ast.AST, _scope: _Scope) -> Iterator[Edit]:
    if isinstance(node, (ast.Assign, ast.AugAssign)) and isinstance(node.value, ast.BinOp):
        yield "sign changed", node.value, ast.UnaryOp(ast.USub(), node.value)


def _conditions(node: ast.AST, scope: _Scope) -> Iterator[Edit]:
    if isinstance(node, (ast.If, ast.IfExp)) and not isinstance(node.test, (ast.Compare, ast.UnaryOp)):
        yield "condition negated", node.test, ast.UnaryOp(ast.Not(), node.test)
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Name):
        if node.attr in ("training", "needs_input_grad") and node.value.id != "self":
            for value in (True, False):
                yield f"`{ast.unparse(node)}` → `{value}`", node, ast.Constant(value)
        if node.value.id == "self" and node.attr in scope.defaults:
            default = scope.defaults[node.attr]
            yield f"`{ast.unparse(node)}` → its default `{default!r}`", node, ast.Constant(default)


def _constants(node: ast.AST, _scope: _Scope) -> Iterator[Edit]:
    if not isinstance(node, ast.Constant):
        return
    others: list[Any] = []
    if isinstance(node.value, bool):
        others = [not node.value]
    elif isinstance(node.value, (int, float)):
        others = [1 - node.value, node.value + 1, 2 * node.value, node.value / 2 if node.value % 2 else node.value - 1]
        others = others[:2] if node.value in (0, 1) else others[1:]
    kind: Any = type(node.value)
    for kept in map(kind, others):
        yield f"`{node.value!r}` → `{kept!r}`", node, ast.Constant(kept)


def _calls(node: ast.AST, scope: _Scope) -> Iterator[Edit]:
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        if node.attr == "T":
            yield "`.T` dropped", node, node.value
        if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "ctx")):
            for other in _NAMES.get(node.attr, ()):
                yield f"`{node.attr}` → `{other}`", node, _with(node, attr=other)
    if isinstance(node, ast.Call):
        for index, keyword in enumerate(node.keywords):
            fewer = [*node.keywords[:index], *node.keywords[index + 1 :]]
            yield f"`{ast.unparse(keyword)}` dropped", node, _with(node, keywords=fewer)
        if isinstance(node.func, ast.Attribute) and _is_name(node.func.value, "np") and len(node.args) == 1:
            yield f"`{ast.unparse(node.func)}(…)` dropped", node, node.args[0]
    for key in _keys(node):
        if len(scope.keys) > 1:
            name = scope.keys[(scope.keys.index(str(key.value)) + 1) % len(scope.keys)]
            yield f"`{key.value!r}` → `{name!r}`", key, ast.Constant(name)


def _statements(node: ast.AST, _scope: _Scope) -> Iterator[Edit]:
    calls = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    assigns = isinstance(node, ast.Assign) and not any(_is_plain(target) for target in node.targets)
    if calls or assigns or isinstance(node, ast.AugAssign):
        yield "statement dropped", node, ast.Pass()


def _returned(node: ast.AST, scope: _Scope) -> Iterator[Edit]:
    if not (scope.gives_gradients and isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple)):
        return
    parts = [value for part in node.value.elts for value in (part.values if isinstance(part, ast.Dict) else [part])]
    for part in parts:
        if isinstance(part, ast.Constant):
            continue
        yield "returned zero instead", part, ast.BinOp(part, ast.Mult(), ast.Constant(0))
        yield "sign changed", part, ast.UnaryOp(ast.USub(), part)
        if scope.upstream and not _is_name(part, scope.upstream):
            yield f"returned `{scope.upstream}` instead", part, ast.Name(scope.upstream, ast.Load())


_RULES = (_operators, _sign, _conditions, _constants, _calls, _statements, _returned)


def _keys(node: ast.AST) -> Iterator[ast.Constant]:
    """The texts by which a subscript, a dict or `ctx.grad` names an array."""
    found: list[ast.expr | None] = []
    if isinstance(node, ast.Subscript):
        found = [node.slice]
    if isinstance(node, ast.Dict):
        found = list(node.keys)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "grad":
        found = list(node.args)
    yield from (key for key in found if isinstance(key, ast.Constant) and isinstance(key.value, str))


def _with(node: ast.AST, **fields: Any) -> ast.AST:
    """The node with other fields."""
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_plain(target: ast.AST) -> bool:
    return isinstance(target, (ast.Name, ast.Tuple))


def _head(statement: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(statement)).partition("\n")[0]


def _replaced(tree: Any, old: ast.AST, new: ast.AST) -> Any:
    """A copy of the tree with another node in one place."""
    memo: dict[int, Any] = {}
    made = copy.deepcopy(tree, memo)
    place = memo[id(old)]

    class Replacer(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return ast.copy_location(copy.deepcopy(new), old) if node is place else self.generic_visit(node)

    return ast.fix_missing_locations(Replacer().visit(made))


def _tree(function: FunctionType) -> ast.FunctionDef:
    """A function's own node in the syntax tree of its file, so that its lines are the file's."""
    first = function.__code__.co_firstlineno
    try:
        lines, _ = inspect.findsource(function)
        nodes = ast.walk(ast.parse("".join(lines)))
    except (OSError, SyntaxError):
        nodes = iter(())
    named = (node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == function.__name__)
    for node in named:
        if first in (node.lineno, *(decorator.lineno for decorator in node.decorator_list)):
            return node
    place = f"{function.__code__.co_filename}:{first}"
    raise ContractError(f"the text of {function.__qualname__} cannot be read at {place}")


def _compiled(function: FunctionType, component: type, tree: ast.FunctionDef) -> FunctionType:
    """The function with another body, and with the globals, the closure and the defaults that it has."""
    bare: Any = _with(tree, decorator_list=[])
    free = set(function.__code__.co_freevars) - {"__class__"}
    around = ast.parse(f"def outer({', '.join(free)}):\n class inner: pass")
    outer: Any = around.body[0]
    outer.body[0].name, outer.body[0].body = component.__name__, [ast.copy_location(bare, tree)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of `1 is 2`, say
        code = _code(compile(around, function.__code__.co_filename, "exec", dont_inherit=True), tree.name)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    closure = tuple(cells[name] for name in code.co_freevars)
    made = FunctionType(code, function.__globals__, function.__name__, function.__defaults__, closure)
    made.__kwdefaults__, made.__qualname__ = function.__kwdefaults__, function.__qualname__
    return made


def _code(code: CodeType, name: str) -> CodeType:
    """The method's code inside that of the class around it, two levels down."""
    (outer,) = (part for part in code.co_consts if isinstance(part, CodeType))
    (inner,) = (part for part in outer.co_consts if isinstance(part, CodeType))
    return next(part for part in inner.co_consts if isinstance(part, CodeType) and part.co_name == name)
