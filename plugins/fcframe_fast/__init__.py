"""Faster kernels, the extra `fast`: MKL's matrix products and compiled loops."""

from fcframe import Kernels, hookimpl
from fcframe_fast.provider import Fast


@hookimpl
def fcframe_kernels() -> list[type[Kernels]]:
    """Announces the kernels."""
    return [Fast]
