"""Checks for providers of kernels: results agree with NumPy's within rounding, and only `out` is written.

Also the checks for layers that run with kernels of a provider.
"""

from collections.abc import Callable, Mapping
from math import prod
from reprlib import repr as short

import numpy as np

from fcframe import threads as pools
from fcframe.arrays import Array
from fcframe.components import Step
from fcframe.errors import PluginError
from fcframe.kernels import NUMPY, wrong_update_result
from fcframe.providers import are_versions, call_safely, limit_threads
from fcframe.verify.fixtures.kernels import AXES, KernelFixture, UpdateFixture
from fcframe.verify.fixtures.layer import LayerFixture
from fcframe.verify.report import CheckFailure, NotApplicable, source_location

MAX_UPDATE_ERROR = 200
"""The allowed difference in an update, in units of eps times the largest number."""
MIN_LARGE_SIZE = 2**14
"""The number of elements that the input and output of a layer have in a large minibatch."""
LAYER_TOLERANCE = 1e-9
"""The allowed difference in a layer in float64, relative to the largest number."""


def it_can_be_made(fixture: KernelFixture) -> None:
    """The provider can be created, and `versions` names the versions of its libraries, which each run records."""
    versions, raised = call_safely(fixture.kernels.versions)
    if raised:
        raise CheckFailure(f"`versions` raised {raised}", "look at versions")
    if not are_versions(versions):
        raise CheckFailure(
            f"`versions` returned {short(versions)}, expected a mapping of distributions to versions, both strings",
            "look at versions",
        )


def it_keeps_to_the_thread_limit(fixture: KernelFixture) -> None:
    """`limited` limits the threads for a training, and restores their number at the end."""
    before = pools.count()
    for count in (1, pools.available()):
        try:
            with limit_threads(fixture.kernels, count):
                pass
        except PluginError as error:
            raise CheckFailure(str(error), "look at limited") from error
        if pools.count() != before:
            reason = f"after limited({count}) there are {pools.count()} threads, before there were {before}"
            raise CheckFailure(reason, "restore the number of threads at the end; look at limited")


def it_multiplies_matrices(fixture: KernelFixture) -> None:
    """`matmul` computes the product of a forward, and both products of a backward, with transposed matrices."""
    N, D, M = fixture.shape
    products = {
        "x @ W": (fixture.matrix(N, D, "x"), fixture.matrix(D, M, "W")),
        "x.T @ dout": (fixture.matrix(N, D, "x").T, fixture.matrix(N, M, "dout")),
        "dout @ W.T": (fixture.matrix(N, M, "dout"), fixture.matrix(D, M, "W").T),
    }
    for shown, (a, b) in products.items():
        out = fixture.empty(len(a), b.shape[1])
        expected, bound = _product(a, b, fixture.eps)
        _check_kernel(
            fixture, f"matmul, {shown}", fixture.kernels.matmul, {"a": a, "b": b}, {"out": out}, [expected], bound
        )


def it_multiplies_and_adds_the_bias(fixture: KernelFixture) -> None:
    """`affine` computes out = x @ W + b."""
    N, D, M = fixture.shape
    given = {"x": fixture.matrix(N, D, "x"), "W": fixture.matrix(D, M, "W"), "b": fixture.matrix(1, M, "b")[0]}
    expected, bound = _product(given["x"], given["W"], fixture.eps)
    with np.errstate(all="ignore"):
        expected, bound = expected + given["b"], bound + 2 * fixture.eps * np.abs(given["b"])
    _check_kernel(
        fixture, "affine, x @ W + b", fixture.kernels.affine, given, {"out": fixture.empty(N, M)}, [expected], bound
    )


def it_rectifies(fixture: KernelFixture) -> None:
    """`rectify` computes out = max(x, 0) and mask = x > 0."""
    for axes in AXES:
        x = fixture.batch(axes, "x")
        results = {"out": fixture.empty(*x.shape), "mask": fixture.empty(*x.shape, dtype=bool)}
        expected = [np.maximum(x, x.dtype.type(0)), x > 0]
        _check_kernel(fixture, f"rectify{_axes_text(axes)}", fixture.kernels.rectify, {"x": x}, results, expected, 0)


def it_multiplies_by_numbers_and_by_masks(fixture: KernelFixture) -> None:
    """`multiply` computes the elementwise product of two arrays of numbers, or of numbers and a mask."""
    for axes in AXES:
        a, b = fixture.batch(axes, "a"), fixture.batch(axes, "b")
        for shown, factor in (("numbers", b), ("a mask", b > 0)):
            with np.errstate(all="ignore"):
                expected = a * factor
            given, out = {"a": a, "b": factor}, {"out": fixture.empty(*a.shape)}
            _check_kernel(
                fixture, f"multiply by {shown}{_axes_text(axes)}", fixture.kernels.multiply, given, out, [expected], 0
            )


def it_sums_rows(fixture: KernelFixture) -> None:
    """`sum_rows` computes the sum over the rows, the gradient of a bias."""
    N, _, M = fixture.shape
    d = fixture.matrix(N, M, "d")
    expected, bound = _product(np.ones((1, N), d.dtype), d, fixture.eps)
    _check_kernel(
        fixture, "sum_rows", fixture.kernels.sum_rows, {"d": d}, {"out": fixture.empty(M)}, [expected[0]], bound[0]
    )


def an_update_gives_what_the_optimizers_own_code_gives(fixture: UpdateFixture) -> None:
    """`updates` changes w and the slots as the optimizer's `update` does, and nothing else.

    A step for which the function returns False is left to the optimizer's own code.
    """
    w, dw = fixture.drawn(0), fixture.drawn(1)
    slots = {name: np.zeros_like(w) for name in fixture.slots}
    own_w, own_slots = w.copy(), {name: np.zeros_like(w) for name in fixture.slots}
    faster = fixture.kernels.updates(fixture.update, w, dw, slots)
    if faster is None:
        raise NotApplicable("it leaves this update to the optimizer's own code")
    if w.tobytes() != own_w.tobytes() or any(slot.any() for slot in slots.values()):
        raise CheckFailure(f"{fixture}: updates changed the arrays before the first step", _look(fixture))
    for number, rate in enumerate((0.1, 0.05, 0.05, 0.0), 1):
        step = Step(number, rate)
        gradients = fixture.drawn(number)
        dw[...] = gradients
        with np.errstate(all="ignore"):
            done = faster(step)
            if done is False:
                fixture.update(w, gradients.copy(), slots, step)
            fixture.update(own_w, gradients.copy(), own_slots, step)
        if not isinstance(done, bool):
            raise CheckFailure(f"{fixture}: {wrong_update_result(done, number)}", _look(fixture))
        if dw.tobytes() != gradients.tobytes():
            raise CheckFailure(f"{fixture}: updates changed dw in step {number}", _look(fixture))
        for name, result, expected in (("w", w, own_w), *((name, slots[name], own_slots[name]) for name in slots)):
            finite = expected[np.isfinite(expected)]
            largest = float(np.abs(finite).max(initial=0)) + 1
            _compare(
                f"{fixture}: updates, {name} after step {number}", result, expected,
                MAX_UPDATE_ERROR * float(np.finfo(fixture.dtype).eps) * largest, _look(fixture),
            )  # fmt: skip


def a_large_minibatch_gives_what_numpys_kernels_give(fixture: LayerFixture) -> None:
    """The layer gives the same results with these kernels as with NumPy's on a large minibatch.

    Providers leave small arrays to NumPy, so the other cases do not test a provider's own code.
    """
    sizes = [prod(shape) for shape in (fixture.case.input_shape, fixture.layer.output_shape(fixture.case.input_shape))]
    N = max(fixture.case.N, -(-MIN_LARGE_SIZE // max(1, min(sizes))))
    run, own = fixture.at(N=N), fixture.at(N=N, kernels=NUMPY)
    results, expected = ({"out": case.forward().out.copy()} | case.gradients(case.douts[0]) for case in (run, own))
    for name, value in expected.items():
        largest = float(np.abs(value[np.isfinite(value)]).max(initial=0))
        _compare(
            f"with {N} examples, {name} with kernels {fixture.case.kernels.name!r}", results[name], value,
            LAYER_TOLERANCE * largest, f"look at the kernels: `fcframe gradcheck {fixture.case.kernels.name}`",
        )  # fmt: skip


def _axes_text(axes: int) -> str:
    return "" if axes == 2 else f", with {axes} {'axis' if axes == 1 else 'axes'},"


def _check_kernel(
    fixture: KernelFixture,
    what: str,
    kernel: Callable[..., Array],
    given: Mapping[str, Array],
    results: Mapping[str, Array],
    expected: list[Array],
    bound: Array | float,
) -> None:
    """Calls a kernel, and checks what it returns, that its results are right, and that its inputs are unchanged."""
    what = f"{what} of {fixture}"
    look = f"look at {kernel.__name__}"
    before = {name: array.tobytes() for name, array in given.items()}
    with np.errstate(all="ignore"):
        returned = kernel(*given.values(), **results)
    if returned is not results["out"]:
        raise CheckFailure(f"{what}: it did not return out", look)
    for name, array in given.items():
        if array.tobytes() != before[name]:
            raise CheckFailure(f"{what}: it changed {name}", look)
    for (name, result), value in zip(results.items(), expected, strict=True):
        _compare(f"{what}: {name}", result, value, bound, look)


def _compare(what: str, result: Array, expected: Array, bound: Array | float, look: str) -> None:
    """Raises CheckFailure if elements differ by more than the bound, or not the same ones are NaN or infinite."""
    with np.errstate(all="ignore"):
        error = np.abs(result.astype(np.float64) - expected.astype(np.float64))
        special = ~np.isfinite(expected)
        equal = np.where(np.isnan(expected), np.isnan(result), result == expected)
        wrong = np.where(special | ~np.isfinite(result), ~equal, error > bound)
    if not wrong.any():
        return
    unwritten = int((result == 1e30).sum())  # the fixture fills outputs with this number
    more = f", of which {unwritten} were not written" if unwritten else ""
    finite = error[wrong & np.isfinite(error)]
    largest = f"largest difference {finite.max():.3g}" if finite.size else "NaN or infinity is in other elements"
    index = tuple(int(position) for position in np.argwhere(wrong)[0])
    raise CheckFailure(
        f"{what}: {int(wrong.sum())} of {wrong.size} numbers differ from NumPy's{more}; {largest}; "
        f"first at {list(index)}: {result[index]:.8g}, with NumPy {expected[index]:.8g}",
        look,
    )


def _product(a: Array, b: Array, eps: float) -> tuple[Array, Array]:
    """The product in float64, with NaN and infinity where NumPy's has them, and a bound of the rounding error.

    The error of an inner product of K terms is at most about K eps Σ |aᵢ bᵢ|; two more units allow for a sum with b.
    """
    with np.errstate(all="ignore"):
        exact = np.where(np.isfinite(a), a, 0).astype(np.float64) @ np.where(np.isfinite(b), b, 0).astype(np.float64)
        bound = np.abs(np.where(np.isfinite(a), a, 0)) @ np.abs(np.where(np.isfinite(b), b, 0))
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            own = NUMPY.matmul(a, b, out=np.empty(exact.shape, a.dtype))
            exact = np.where(np.isfinite(own), exact, own)
    return exact, (a.shape[1] + 2) * eps * bound


def _look(fixture: UpdateFixture) -> str:
    return f"look at updates, and at what it does with the code at {source_location(fixture.update)}"


CHECKS = (
    it_can_be_made,
    it_keeps_to_the_thread_limit,
    it_multiplies_matrices,
    it_multiplies_and_adds_the_bias,
    it_rectifies,
    it_multiplies_by_numbers_and_by_masks,
    it_sums_rows,
)
LAYERS = (a_large_minibatch_gives_what_numpys_kernels_give,)
UPDATES = (an_update_gives_what_the_optimizers_own_code_gives,)
