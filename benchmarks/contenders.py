"""Who is measured: the file that runs a contender, the environment it runs in, and what it is called."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Contender:
    """One of those that are measured side by side."""

    title: str
    module: str
    """A file of benchmarks/workers/."""
    environment: dict[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    """Distributions without which it is left out; their versions stand in the results."""
    root: Path = Path(__file__).resolve().parents[1]
    """The checkout in which it runs: this one, or another one that is compared with it."""


COMMAND = {"OPENBLAS_THREAD_TIMEOUT": "20"}
"""What the command `fcframe` sets before NumPy is there."""
MKL = {"MKL_THREADING_LAYER": "GNU"}
CONTENDERS = {
    "products": Contender("matrix products alone, NumPy", "products", packages=("numpy",)),
    "products-mkl": Contender("matrix products alone, MKL", "products_mkl", MKL, packages=("mkl",)),
    "plain": Contender("plain NumPy text", "plain", packages=("numpy",)),
    "hand": Contender("NumPy text written for speed", "hand", packages=("numpy",)),
    "fcframe": Contender("fcframe", "framework", COMMAND | {"FCFRAME_KERNELS": "numpy"}, packages=("fcframe",)),
    "fcframe-fast": Contender("fcframe with `fast`", "framework", COMMAND | {"FCFRAME_KERNELS": "fast"},
                              packages=("fcframe",)),
    "jax": Contender("JAX, the whole step in one jit", "jax_step", {"JAX_PLATFORMS": "cpu"}, packages=("jax",)),
    "torch": Contender("torch, eager", "torch_eager", packages=("torch",)),
    "torch-compiled": Contender("torch, compiled", "torch_compiled", packages=("torch",)),
    "keras": Contender("Keras on JAX", "keras_step", {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
                       packages=("keras", "jax")),
    "sklearn": Contender("scikit-learn", "sklearn_step", packages=("scikit-learn",)),
    "thinc": Contender("thinc", "thinc_step", packages=("thinc",)),
}  # fmt: skip
OURS = ("fcframe", "fcframe-fast")
REFERENCE = Contender("reference", "reference", packages=("numpy",))
"""The same work in every round: how fast it is done says how noisy the machine is."""
GRADIENT_CHECKS = {
    "fcframe": Contender("fcframe's gradient checks", "gradcheck_fcframe", packages=("fcframe",)),
    "torch": Contender("torch.autograd.gradcheck, slow mode", "gradcheck_torch", packages=("torch",)),
}
