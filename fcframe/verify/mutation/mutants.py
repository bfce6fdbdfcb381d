"""Makes the mutants of a component's methods: copies in memory, each with one small change in the syntax tree.

Neither the class nor its file is changed.
"""

import ast
import copy
import inspect
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from fcframe.components import Component
from fcframe.errors import ContractError
from fcframe.verify.mutation.report import Change
from fcframe.verify.mutation.rules import METHODS, RULES, Scope, is_name, replaced_fields


@dataclass(frozen=True)
class ChangedMethod(Change):
    """One mutant of one method."""

    function: FunctionType
    """The method with the change."""
    probe: FunctionType
    """The method with an exception in place of the change, to test whether that code is ever run."""


def changes(component: type[Component]) -> list[ChangedMethod]:
    """All mutants of the methods that compute a component's value and gradient, in the order of their lines.

    Raises:
        ContractError: The source of a method cannot be read.
    """
    mutants: dict[tuple[str, str], ChangedMethod] = {}
    for name, function in own_methods(component).items():
        tree = _tree(function)
        nodes = [node for statement in tree.body for node in ast.walk(statement)]
        statements = {id(node): owner for owner in nodes if isinstance(owner, ast.stmt) for node in ast.walk(owner)}
        scope = Scope(component, tree, nodes)
        known = {ast.unparse(tree)}
        for rule in RULES:
            for node in nodes:
                for operator, old, new in rule(node, scope):
                    mutated, statement = _replaced(tree, old, new), statements[id(old)]
                    if ast.unparse(mutated) in known:
                        continue
                    known.add(ast.unparse(mutated))
                    changed = "" if isinstance(new, ast.Pass) else _head(_replaced(statement, old, new))
                    raising = ast.parse("1 // 0", mode="eval").body
                    probe = _replaced(tree, old, ast.Expr(raising) if isinstance(old, ast.stmt) else raising)
                    mutants[name, ast.unparse(mutated)] = ChangedMethod(
                        operator, name, Path(function.__code__.co_filename).name,
                        getattr(old, "lineno", statement.lineno),
                        _head(statement), changed, _compiled(function, component, mutated),
                        _compiled(function, component, probe),
                    )  # fmt: skip
    return sorted(mutants.values(), key=lambda change: change.line)


def own_methods(component: type[Component]) -> dict[str, FunctionType]:
    """The author's methods among METHODS, and the author's other methods that these call on self, by name."""
    contract = {name for owner in component.__mro__ if not _is_own(owner) for name in vars(owner)} - set(METHODS)
    own = {
        name: value
        for owner in reversed(component.__mro__)
        if _is_own(owner)
        for name, value in vars(owner).items()
        if isinstance(value, FunctionType) and name not in contract
    }
    methods = {name: own[name] for name in METHODS if name in own}
    unvisited = list(methods.values())
    while unvisited:
        for node in ast.walk(_tree(unvisited.pop())):
            name = node.attr if isinstance(node, ast.Attribute) and is_name(node.value, "self") else ""
            if name in own and name not in methods:
                methods[name] = own[name]
                unvisited.append(own[name])
    return methods


def _is_own(owner: type) -> bool:
    """Whether a class is a component outside the framework's own package."""
    framework = __name__.partition(".")[0]
    return issubclass(owner, Component) and owner.__module__.partition(".")[0] != framework


def _head(statement: ast.AST) -> str:
    """The first line of a statement's source."""
    return ast.unparse(ast.fix_missing_locations(statement)).partition("\n")[0]


def _replaced(tree: Any, old: ast.AST, new: ast.AST) -> Any:
    """A copy of the tree in which one node is replaced."""
    memo: dict[int, Any] = {}
    copied = copy.deepcopy(tree, memo)
    target = memo[id(old)]

    class Replacer(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return ast.copy_location(copy.deepcopy(new), old) if node is target else self.generic_visit(node)

    return ast.fix_missing_locations(Replacer().visit(copied))


def _tree(function: FunctionType) -> ast.FunctionDef:
    """The node of a function in the syntax tree of its file, with the line numbers of the file."""
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
    location = f"{function.__code__.co_filename}:{first}"
    raise ContractError(f"the source of {function.__qualname__} cannot be read at {location}")


def _compiled(function: FunctionType, component: type, tree: ast.FunctionDef) -> FunctionType:
    """The function with another body, but the same globals, closure and defaults.

    The body is compiled inside a class inside a function, so that `super()` and closure variables work.
    """
    bare: Any = replaced_fields(tree, decorator_list=[])
    free = set(function.__code__.co_freevars) - {"__class__"}
    around = ast.parse(f"def outer({', '.join(free)}):\n class inner: pass")
    outer: Any = around.body[0]
    outer.body[0].name, outer.body[0].body = component.__name__, [ast.copy_location(bare, tree)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # for example of `1 is 2`
        code = _code(compile(around, function.__code__.co_filename, "exec", dont_inherit=True), tree.name)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    closure = tuple(cells[name] for name in code.co_freevars)
    made = FunctionType(code, function.__globals__, function.__name__, function.__defaults__, closure)
    made.__kwdefaults__, made.__qualname__ = function.__kwdefaults__, function.__qualname__
    return made


def _code(code: CodeType, name: str) -> CodeType:
    """The code of the method inside the compiled module: in the class in the outer function."""
    (outer,) = (part for part in code.co_consts if isinstance(part, CodeType))
    (inner,) = (part for part in outer.co_consts if isinstance(part, CodeType))
    return next(part for part in inner.co_consts if isinstance(part, CodeType) and part.co_name == name)
