"""Checks that the methods of a component can be called as the framework calls them."""

import inspect
from collections.abc import Collection
from functools import cached_property
from types import FunctionType
from typing import Any


def misfit(name: str, value: Any, inherited: Any, owner: str) -> str:
    """Why an attribute cannot stand for the method or property that it overrides; empty if it can.

    Args:
        name: The name of the attribute.
        value: The attribute as it is in the class's `__dict__`.
        inherited: The attribute of the framework's class that it overrides.
        owner: The name of the framework's class.
    """
    if _take_the_same(value, inherited):
        return ""
    if isinstance(inherited, (property, cached_property)):
        if callable(value) or isinstance(value, (staticmethod, classmethod)):
            return f"has a method {name}{_place(value)}, but {owner}.{name} is read as an attribute: make it a property"
        return ""
    signature, called = _signature(value), _signature(inherited)
    if called is None:
        return ""
    if isinstance(value, (property, cached_property)):
        return f"has a property {name}{_place(value)}, but it is called: write a method {owner}.{name}{_text(called)}"
    if signature is None or _accepts_calls(signature, called):
        return ""
    return (
        f"has {name}{_text(signature)}{_place(value)}, which cannot be called like {owner}.{name}: "
        f"write {name}{_text(called)}"
    )


def misfit_of_init(value: Any, required: Collection[str], fields: Collection[str]) -> str:
    """Why a class's own `__init__` cannot be called with the fields as keywords; empty if it can."""
    signature = _signature(value)
    if signature is None or all(_binds(signature, (None,), dict.fromkeys(names)) for names in (required, fields)):
        return ""
    return (
        f"has __init__{_text(signature)}{_place(value)}, which cannot be called with the fields of the class "
        f"({', '.join(fields)}): declare each argument as a field, and remove __init__"
    )


def _take_the_same(first: Any, second: Any) -> bool:
    """Whether two plain functions take the same number of positional arguments, and nothing else.

    That is nearly always so, and spares `inspect.signature`, which is slow.
    """
    if not (isinstance(first, FunctionType) and isinstance(second, FunctionType)):
        return False
    optional = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
    codes = first.__code__, second.__code__
    if any(code.co_kwonlyargcount or code.co_flags & optional for code in codes):
        return False
    return codes[0].co_argcount == codes[1].co_argcount and first.__defaults__ is second.__defaults__ is None


def _signature(value: Any) -> inspect.Signature | None:
    """The signature of a function in a class, with the argument for the object; None if it is not known."""
    function = getattr(value, "__func__", value)
    if not callable(function) or isinstance(function, type):
        return None
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    parameters = list(signature.parameters.values())
    if isinstance(value, staticmethod) or not hasattr(type(function), "__get__"):
        parameters.insert(0, inspect.Parameter("_object", inspect.Parameter.POSITIONAL_ONLY))
    bare = (parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters)
    try:
        return inspect.Signature(list(bare))
    except ValueError:
        return None


def _accepts_calls(signature: inspect.Signature, called: inspect.Signature) -> bool:
    """Whether a function takes the calls of another one: with its required arguments, and with all arguments."""
    for required in (True, False):
        chosen = [
            parameter
            for parameter in called.parameters.values()
            if not required or parameter.default is parameter.empty
        ]
        positional = [one.name for one in chosen if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
        keywords = [one.name for one in chosen if one.kind is one.KEYWORD_ONLY]
        if not _binds(signature, positional, dict.fromkeys(keywords)):
            return False
    return True


def _binds(signature: inspect.Signature, positional: Collection[Any], keywords: dict[str, None]) -> bool:
    try:
        signature.bind(*positional, **keywords)
    except TypeError:
        return False
    return True


def _text(signature: inspect.Signature) -> str:
    """The signature for a message, without the argument that stands for the object of a static method."""
    parameters = [parameter for name, parameter in signature.parameters.items() if name != "_object"]
    return str(inspect.Signature(parameters))


def _place(value: Any) -> str:
    """The file and line of a function or a property, in parentheses; empty if it is not known."""
    for attribute in ("__func__", "fget", "func"):
        value = getattr(value, attribute, None) or value
    code = getattr(value, "__code__", None)
    return f" ({code.co_filename}:{code.co_firstlineno})" if code else ""
