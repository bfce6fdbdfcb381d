"""Checks whether a class can be used as a component, or as a provider of kernels."""

import inspect
import warnings
from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import PydanticJsonSchemaWarning

from fcframe.components import KINDS, Component, Example, Rejected
from fcframe.errors import PluginError
from fcframe.kernels import NUMPY, Kernels
from fcframe.plugins.signatures import misfit, misfit_of_init
from fcframe.strict import unreadable
from fcframe.wording import shown

_CORE = __name__.partition(".")[0]


def check_type(component: type[Component]) -> None:
    """Refuses a class without a valid class attribute `type`.

    Raises:
        PluginError: The attribute is missing, empty, or declared as a field.
    """
    if "type" in component.model_fields:
        raise PluginError(
            f"{component.__qualname__}: the field 'type' shadows the component's name in JSON: "
            'write it without an annotation, type = "…", or rename the field'
        )
    if not isinstance(getattr(component, "type", None), str) or not component.type:
        raise PluginError(f'{component.__qualname__} has no type: set its name in JSON, type = "…"')


def check(component: Any) -> None:
    """Refuses an object that cannot be used as a component.

    Raises:
        PluginError: It is not a class, not of any kind, incomplete, or it redefines names of the framework.
    """
    if not (inspect.isclass(component) and issubclass(component, KINDS)):
        kinds = ", ".join(kind.__name__ for kind in KINDS)
        raise PluginError(f"{component!r} is not a component: it must be a class that derives from one of {kinds}")
    check_type(component)
    name = component.__qualname__
    if not component.type.isidentifier():
        raise PluginError(f"{name}: type {component.type!r} is not an identifier, which names of parameters need")
    shadows = list(_shadows(component))
    if shadows:
        raise PluginError(f"{name} ({component.type!r}) {'; '.join(shadows)}")
    attributes = {name for name in component.__class_vars__ if not hasattr(component, name)}
    missing = sorted(attributes.union(getattr(component, "__abstractmethods__", ())))
    if missing:
        raise PluginError(f"{name} ({component.kind} {component.type!r}) lacks {', '.join(missing)}")
    if getattr(component, "label", None) == "loss":
        raise PluginError(
            f"{name} ({component.kind} {component.type!r}) has the label 'loss', which is reserved for the loss"
        )


def _shadows(component: type[Component]) -> Iterator[str]:
    """The fields and attributes of a class that redefine a name of the framework with another meaning."""
    ours: list[Any] = [base for base in component.__mro__ if base.__module__.partition(".")[0] == _CORE]
    before = component.__mro__[: component.__mro__.index(ours[-1])]
    theirs = [base for base in before if base not in ours]
    names = {name: base for base in reversed(ours) for name in (*vars(base), *vars(base).get("__annotations__", ()))}
    for name, field in component.model_fields.items():
        inherited = ours[0].model_fields.get(name)
        if inherited is not None and inherited.annotation != field.annotation:
            yield f"has a field {name!r} of another type than the field of {names[name].__name__}: rename it"
        elif inherited is None and name in names:
            yield f"has a field {name!r}, which shadows {names[name].__name__}.{name}: rename it"
    own = {name: value for base in reversed(theirs) for name, value in vars(base).items()}
    if "__init__" in own:
        fields = {field.alias or name: field.is_required() for name, field in component.model_fields.items()}
        required = [name for name, is_required in fields.items() if is_required]
        if problem := misfit_of_init(own["__init__"], required, fields):
            yield problem
    for name, value in own.items():
        if name in names and not name.startswith("__") and name != "_abc_impl":
            yield from _attribute_shadows(component, ours[0], names[name], name, value)


def _attribute_shadows(
    component: type[Component], base: type[Component], owner: type[Any], name: str, value: Any
) -> Iterator[str]:
    inherited = inspect.getattr_static(base, name, None)
    if name in ("kind", "plural"):
        if getattr(component, name) != getattr(base, name):
            yield f"has {name} = {value!r}, which shadows {base.__name__}.{name} ({inherited!r}): rename it"
    elif _is_method(inherited):
        if not _is_method(value):
            yield f"has {name} = {value!r}, which shadows the method {owner.__name__}.{name}: rename it"
        elif problem := misfit(name, value, inherited, owner.__name__):
            yield problem
    elif name in ("examples", "rejected"):
        expected = Example if name == "examples" else Rejected
        if not (isinstance(value, (list, tuple)) and all(isinstance(item, expected) for item in value)):
            yield f"has {name} = {shown(value)}: expected a tuple of fcframe.{expected.__name__}(…)"
    elif isinstance(inherited, tuple) and not _is_property(value, owner):
        if not (isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)):
            shape = 'a tuple of names, such as ("sq",)'
            yield f"has {name} = {_shown(value)}, expected {shape}"
    elif isinstance(inherited, (bool, int, str)) and not (_is_property(value, owner) or _is_like(value, inherited)):
        yield f"has {name} = {_shown(value)}, expected a value like {owner.__name__}.{name} = {inherited!r}"


def _is_property(value: Any, owner: type[Any]) -> bool:
    """Whether an attribute is computed for each object; attributes of all kinds of components are read of the class."""
    return owner is not Component and hasattr(type(value), "__get__") and not callable(value)


def _is_like(value: Any, inherited: Any) -> bool:
    """Whether a value can replace an inherited one: it has the same type, and is positive if that is."""
    if isinstance(inherited, bool) or not isinstance(inherited, int):
        return isinstance(value, type(inherited))
    return isinstance(value, int) and not isinstance(value, bool) and (value > 0 or inherited <= 0)


def _shown(value: Any) -> str:
    return f"a method (line {value.__code__.co_firstlineno})" if inspect.isfunction(value) else repr(value)


def _is_method(value: Any) -> bool:
    return callable(value) or hasattr(type(value), "__get__")


def check_provider(provider: Any) -> None:
    """Refuses an object that is not a provider of kernels.

    Raises:
        PluginError: It is not a class that derives from `fcframe.Kernels`, or it does not set a new `name`.
    """
    if not (inspect.isclass(provider) and issubclass(provider, Kernels)):
        raise PluginError(
            f"{provider!r} does not provide kernels: it must be a class that derives from fcframe.Kernels"
        )
    if not isinstance(provider.name, str) or not provider.name.isidentifier() or provider.name == NUMPY.name:
        raise PluginError(f'{provider.__qualname__} needs a name of its own, name = "…", got {provider.name!r}')


def complete(component: type[Component]) -> None:
    """Lets pydantic resolve the fields of a class, which it postpones until the class is used.

    Raises:
        PluginError: A field has a type that pydantic cannot read; the message names the field.
    """
    try:
        component.model_rebuild()
    except Exception as error:
        raise PluginError(f"{component.__qualname__}: {unreadable(component, error)}") from error


def check_schema(component: type[Component]) -> None:
    """Checks that a class has a JSON Schema, which listings, schemas and checks need.

    Raises:
        PluginError: A field has a type or a default that JSON does not have; the message names the field.
    """
    complete(component)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PydanticJsonSchemaWarning)  # a default or a choice that would be left out
            component.model_json_schema()
    except PydanticJsonSchemaWarning as warning:
        raise PluginError(f"{component.__qualname__}: {_unwritable(component, warning)}") from None
    except Exception as error:
        raise PluginError(f"{component.__qualname__}: {unreadable(component, error)}") from error


def _unwritable(component: type[Component], warning: Warning) -> str:
    """The message for a field that pydantic leaves out of the JSON Schema; pydantic's if no default is the cause."""
    for name, field in component.model_fields.items():
        default = field.get_default(call_default_factory=False)
        if str(warning).startswith(f"Default value {default} is"):
            return f"field {name!r}: its default {repr(default)[:80]} cannot be written as JSON; use another default"
    return str(warning).partition("\n")[0]
