"""Kernels on MKL's matrix products and on compiled loops: what the extra `fast` brings."""

from fcframe import hookimpl
from fcframe_fast.provider import Fast


@hookimpl
def fcframe_kernels():
    """Announces the kernels."""
    return [Fast]
