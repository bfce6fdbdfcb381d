"""The name of a configuration in case names, and a random generator for each configuration."""

import zlib
from enum import Enum
from typing import Any

import numpy as np

from fcframe.components import Component


def changed_fields(component: Component) -> list[str]:
    """The fields that are not at their defaults, as in case names, for example "beta=2.3"; equal in all processes."""
    shown = component.model_dump(exclude_defaults=True)
    return [f"{name}={_short(value)}" for name, value in shown.items() if name != "type"]


def _short(value: Any) -> str:
    """A field's value as a short text."""
    if isinstance(value, dict) and "type" in value:
        fields = ",".join(f"{name}={_short(item)}" for name, item in value.items() if name != "type")
        return f"{value['type']}({fields})" if fields else str(value["type"])
    if isinstance(value, dict):
        return f"{{{','.join(f'{_short(name)}:{_short(item)}' for name, item in value.items())}}}"
    if isinstance(value, (set, frozenset)):  # their order changes from process to process
        return "+".join(sorted(map(_short, value)))
    if isinstance(value, (list, tuple)):
        return "+".join(map(_short, value))
    return str(value.value if isinstance(value, Enum) else value)


def configuration_name(component: Component) -> str:
    """The fields that are not at their defaults, separated by commas, or "defaults"."""
    return ",".join(changed_fields(component)) or "defaults"


def generator_for(component: Component, seed: int) -> np.random.Generator:
    """A random generator that depends on the component's type, its configuration and the seed."""
    return np.random.default_rng([seed, zlib.crc32(f"{component.type} {configuration_name(component)}".encode())])
