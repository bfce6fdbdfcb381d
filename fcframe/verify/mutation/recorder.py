"""Records what a component's methods return while checks run, to compare a mutant with the original."""

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any, TypeAlias

import numpy as np

from fcframe.components import Component
from fcframe.context import Array, Context
from fcframe.verify.mutation.rules import METHODS
from fcframe.verify.report import NotApplicable, Result
from fcframe.verify.running.check import CheckRun
from fcframe.verify.running.sandbox import guarded

Results: TypeAlias = dict[str, Array]
"""The arrays that one call returned, by name: "out", "dx", "dW", "the state mean"."""

MAX_ROUNDING = 32
"""The difference that counts as rounding, in units of eps times the largest number."""


class Recorder:
    """Makes subclasses of a component that record what its methods return."""

    def __init__(self, component: type[Component]) -> None:
        self.component = component
        self._calls: list[Any] = []
        self._whole = False

    def variant(self, changed: Mapping[str, FunctionType]) -> type[Component]:
        """A subclass of the component with some methods replaced."""
        methods: dict[str, Any] = dict(changed)
        for name in METHODS:
            method = methods.get(name) or inspect.getattr_static(self.component, name, None)
            if isinstance(method, FunctionType):
                methods[name] = self._recorded(method)
        about = {name: getattr(self.component, name) for name in ("__module__", "__qualname__", "__doc__")}
        make: Any = type(self.component)
        made: type[Component] = make(self.component.__name__, (self.component,), {**about, **methods})
        return made

    def run(self, item: CheckRun, *, whole: bool = False) -> tuple[Result, list[Any]]:
        """The result of a check, and for each call while it ran a digest of the returned arrays, or all arrays."""
        self._calls, self._whole = [], whole
        return item.run(), self._calls

    def run_all(self, items: Sequence[CheckRun]) -> list[list[Any]] | None:
        """The digests for several checks in one sandbox, which saves time; None if one of the checks does not pass."""
        digests: list[list[Any]] = []
        self._whole = False

        def run() -> None:
            for item in items:
                self._calls = []
                with contextlib.suppress(NotApplicable):
                    item.check(item.make[0]())
                digests.append(self._calls)

        try:
            guarded(run)
        except KeyboardInterrupt:
            raise
        except BaseException:  # the caller runs each check alone to find out which one fails
            return None
        return digests

    def _recorded(self, method: FunctionType) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(component: Component, *args: Any, **named: Any) -> Any:
            result = method(component, *args, **named)
            seen = _results(method.__name__, result, (*args, *named.values())[-1])
            self._calls.append(seen if self._whole else _digest(seen))
            return result

        return call


def differences(first: Results, second: Results) -> Iterator[tuple[str, float]]:
    """The names of the arrays that differ by more than rounding, with the difference; inf if not comparable."""
    for name in {**first, **second}:
        a, b = first.get(name), second.get(name)
        if a is None or b is None or a.shape != b.shape or a.dtype != b.dtype or a.dtype.kind not in "fiub":
            yield name, np.inf
            continue
        unit = MAX_ROUNDING * float(np.finfo(a.dtype).eps) if a.dtype.kind == "f" else 0.0
        with np.errstate(all="ignore"):
            a, b = a.astype(np.float64), b.astype(np.float64)
            same = (a == b) | (np.isnan(a) & np.isnan(b))
            error = np.nan_to_num(np.where(same, 0, np.abs(a - b)), nan=np.inf)
            scale = np.abs(a[np.isfinite(a)]).max(initial=0)
        if error.max(initial=0) > unit * scale:
            yield name, float(error.max())


def is_gradient(name: str) -> bool:
    """Whether a name in `Results` is that of a gradient, not of the value or the state."""
    return name.startswith("d") or name == "gradient"


def _results(method: str, result: Any, ctx: Any) -> Results:
    """The arrays that a call returned, and those in ctx.state; without dx if it was not needed."""
    if not (isinstance(result, tuple) and len(result) == 2):
        return {}
    first, second = result
    if method == METHODS[0]:
        state = ctx.state if isinstance(ctx, Context) else {}
        return {"out": np.array(first), **{f"the state {name}": np.array(state[name]) for name in state}}
    if method == METHODS[1]:
        wanted = ctx.needs_input_grad if isinstance(ctx, Context) else True
        grads = second if isinstance(second, dict) else {}
        results = {"dx": np.array(first)} if wanted else {}
        return results | {f"d{name}": np.array(grads[name]) for name in sorted(grads)}
    return {"value": np.array(first), "gradient": np.array(second)}


def _digest(results: Results) -> int:
    return hash(tuple((name, array.shape, array.dtype.str, array.tobytes()) for name, array in results.items()))
