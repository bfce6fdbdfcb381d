"""What the figures were measured on and with; nothing that names the machine or a place on it."""

import os
import platform
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = (
    "fcframe", "numpy", "pydantic", "mkl", "numba", "jax", "torch", "keras", "scikit-learn", "thinc",
)  # fmt: skip
VARIABLES = (
    "FCFRAME_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "XLA_FLAGS",
)  # fmt: skip
"""What changes how fast contenders are, if it is set."""


def description() -> dict[str, Any]:
    """The processor, memory and system."""
    extensions = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    facts: dict[str, Any] = {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "vectors": "AVX-512" if any("AVX512" in name for name in extensions) else ", ".join(extensions[-1:]),
        "system": f"{platform.system()} {platform.machine()}",
    }
    with suppress(OSError, ValueError):
        facts["memory_gb"] = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
    if found := {name: os.environ[name] for name in VARIABLES if name in os.environ}:
        facts["environment"] = found
    return facts


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Of Python, the BLAS of NumPy, and the packages that are installed."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    found = {"python": platform.python_version(), blas["name"]: blas["version"]}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
