"""For every provider of kernels, … : it gives what NumPy's kernels give, within rounding, and writes to `out` alone.

And for every layer that runs with others than NumPy's.
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

ROUNDINGS = 200
"""Of an update's result, in rounding errors of the largest number that takes part."""
LARGE = 2**14
"""Numbers in the smaller of a layer's input and output."""
IN_A_LAYER = 1e-9
"""By how much of its largest number a layer's result may differ, all of float64."""


def it_can_be_made(fixture: KernelFixture) -> None:
    """With one thread, and with as many as there are; and it says what it stands on, which every run writes down."""
    versions, raised = call_safely(fixture.kernels.versions)
    if raised:
        raise CheckFailure(f"`versions` raised {raised}", "look at versions")
    if not are_versions(versions):
        raise CheckFailure(
            f"`versions` returned {short(versions)}, which does not map names of distributions to versions, both texts",
            "look at versions",
        )


def it_keeps_to_the_thread_limit(fixture: KernelFixture) -> None:
    """limited: a training holds it to one thread, or to all, and gives all back at the end."""
    before = pools.count()
    for count in (1, pools.available()):
        try:
            with limit_threads(fixture.kernels, count):
                pass
        except PluginError as error:
            raise CheckFailure(str(error), "look at limited") from error
        if pools.count() != before:
            reason = f"after limited({count}) there are {pools.count()} threads, and there were {before} before"
            raise CheckFailure(reason, "give back at the end what was there; look at limited")


def it_multiplies_matrices(fixture: KernelFixture) -> None:
    """matmul: a forward's product, and the two of a backward, whose matrices are transposed."""
    N, D, M = fixture.shape
    products = {
        "x @ W": (fixture.matrix(N, D, "x"), fixture.matrix(D, M, "W")),
        "x.T @ dout": (fixture.matrix(N, D, "x").T, fixture.matrix(N, M, "dout")),
        "dout @ W.T": (fixture.matrix(N, M, "dout"), fixture.matrix(D, M, "W").T),
    }
    for shown, (a, b) in products.items():
        out = fixture.empty(len(a), b.shape[1])
        wanted, bound = _product(a, b, fixture.eps)
        _judge(fixture, f"matmul, {shown}", fixture.kernels.matmul, {"a": a, "b": b}, {"out": out}, [wanted], bound)


def it_multiplies_and_adds_the_bias(fixture: KernelFixture) -> None:
    """affine: out = x @ W + b."""
    N, D, M = fixture.shape
    given = {"x": fixture.matrix(N, D, "x"), "W": fixture.matrix(D, M, "W"), "b": fixture.matrix(1, M, "b")[0]}
    wanted, bound = _product(given["x"], given["W"], fixture.eps)
    with np.errstate(all="ignore"):
        wanted, bound = wanted + given["b"], bound + 2 * fixture.eps * np.abs(given["b"])
    _judge(fixture, "affine, x @ W + b", fixture.kernels.affine, given, {"out": fixture.empty(N, M)}, [wanted], bound)


def it_rectifies(fixture: KernelFixture) -> None:
    """rectify: out = max(x, 0), and the mask of what is greater than 0."""
    for axes in AXES:
        x = fixture.batch(axes, "x")
        results = {"out": fixture.empty(*x.shape), "mask": fixture.empty(*x.shape, dtype=bool)}
        wanted = [np.maximum(x, x.dtype.type(0)), x > 0]
        _judge(fixture, f"rectify{_with(axes)}", fixture.kernels.rectify, {"x": x}, results, wanted, 0)


def it_multiplies_by_numbers_and_by_masks(fixture: KernelFixture) -> None:
    """multiply: elementwise."""
    for axes in AXES:
        a, b = fixture.batch(axes, "a"), fixture.batch(axes, "b")
        for shown, factor in (("numbers", b), ("a mask", b > 0)):
            with np.errstate(all="ignore"):
                wanted = a * factor
            given, out = {"a": a, "b": factor}, {"out": fixture.empty(*a.shape)}
            _judge(fixture, f"multiply by {shown}{_with(axes)}", fixture.kernels.multiply, given, out, [wanted], 0)


def it_sums_rows(fixture: KernelFixture) -> None:
    """sum_rows: the bias's gradient."""
    N, _, M = fixture.shape
    d = fixture.matrix(N, M, "d")
    wanted, bound = _product(np.ones((1, N), d.dtype), d, fixture.eps)
    _judge(fixture, "sum_rows", fixture.kernels.sum_rows, {"d": d}, {"out": fixture.empty(M)}, [wanted[0]], bound[0])


def an_update_gives_what_the_optimizers_own_code_gives(fixture: UpdateFixture) -> None:
    """updates: in every step that it does not leave to NumPy, to w and to the slots, and to nothing else."""
    w, dw = fixture.drawn(0), fixture.drawn(1)
    slots = {name: np.zeros_like(w) for name in fixture.slots}
    own_w, own_slots = w.copy(), {name: np.zeros_like(w) for name in fixture.slots}
    faster = fixture.kernels.updates(fixture.update, w, dw, slots)
    if faster is None:
        raise NotApplicable("it leaves this update to NumPy")
    if w.tobytes() != own_w.tobytes() or any(slot.any() for slot in slots.values()):
        raise CheckFailure(f"{fixture}: updates changed the arrays before a step was asked for", _look(fixture))
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
        for name, found, wanted in (("w", w, own_w), *((name, slots[name], own_slots[name]) for name in slots)):
            finite = wanted[np.isfinite(wanted)]
            largest = float(np.abs(finite).max(initial=0)) + 1
            _compare(
                f"{fixture}: updates, {name} after step {number}", found, wanted,
                ROUNDINGS * float(np.finfo(fixture.dtype).eps) * largest, _look(fixture),
            )  # fmt: skip


def a_large_minibatch_gives_what_numpys_kernels_give(fixture: LayerFixture) -> None:
    """A provider hands small arrays to NumPy, so the other cases are too small to meet what it does itself."""
    sizes = [prod(shape) for shape in (fixture.case.input_shape, fixture.layer.output_shape(fixture.case.input_shape))]
    N = max(fixture.case.N, -(-LARGE // max(1, min(sizes))))
    run, own = fixture.at(N=N), fixture.at(N=N, kernels=NUMPY)
    found, wanted = ({"out": one.forward().out.copy()} | one.gradients(one.douts[0]) for one in (run, own))
    for name, value in wanted.items():
        largest = float(np.abs(value[np.isfinite(value)]).max(initial=0))
        _compare(
            f"with {N} examples, {name} with kernels {fixture.case.kernels.name!r}", found[name], value,
            IN_A_LAYER * largest, f"look at the kernels: `fcframe gradcheck {fixture.case.kernels.name}`",
        )  # fmt: skip


def _with(axes: int) -> str:
    return "" if axes == 2 else f", with {axes} {'axis' if axes == 1 else 'axes'},"


def _judge(
    fixture: KernelFixture,
    what: str,
    kernel: Callable[..., Array],
    given: Mapping[str, Array],
    results: Mapping[str, Array],
    wanted: list[Array],
    bound: Array | float,
) -> None:
    """Calls a kernel, and holds what it returned, wrote, and left alone against what it should."""
    what = f"{what} of {fixture}"
    look = f"look at {kernel.__name__}"
    before = {name: array.tobytes() for name, array in given.items()}
    with np.errstate(all="ignore"):
        returned = kernel(*given.values(), **results)
    if returned is not results["out"]:
        raise CheckFailure(f"{what}: it returned something else than out", look)
    for name, array in given.items():
        if array.tobytes() != before[name]:
            raise CheckFailure(f"{what}: it changed {name}", look)
    for (name, found), value in zip(results.items(), wanted, strict=True):
        _compare(f"{what}: {name}", found, value, bound, look)


def _compare(what: str, found: Array, wanted: Array, bound: Array | float, look: str) -> None:
    """Numbers that differ by more than the bound, or are not NaN or infinite alike, fail."""
    with np.errstate(all="ignore"):
        off = np.abs(found.astype(np.float64) - wanted.astype(np.float64))
        special = ~np.isfinite(wanted)
        alike = np.where(np.isnan(wanted), np.isnan(found), found == wanted)
        wrong = np.where(special | ~np.isfinite(found), ~alike, off > bound)
    if not wrong.any():
        return
    unwritten = int((found == 1e30).sum())
    more = f", of which {unwritten} were not written" if unwritten else ""
    finite = off[wrong & np.isfinite(off)]
    largest = f"largest difference {finite.max():.3g}" if finite.size else "they are not NaN or infinite alike"
    index = tuple(int(place) for place in np.argwhere(wrong)[0])
    raise CheckFailure(
        f"{what}: {int(wrong.sum())} of {wrong.size} numbers are not NumPy's{more}; {largest}; "
        f"first at {list(index)}: {found[index]:.8g}, NumPy's {wanted[index]:.8g}",
        look,
    )


def _product(a: Array, b: Array, eps: float) -> tuple[Array, Array]:
    """A product in float64, and by how much one in the arrays' dtype may be off; NaN and infinite as NumPy's is."""
    with np.errstate(all="ignore"):
        exact = np.where(np.isfinite(a), a, 0).astype(np.float64) @ np.where(np.isfinite(b), b, 0).astype(np.float64)
        bound = np.abs(np.where(np.isfinite(a), a, 0)) @ np.abs(np.where(np.isfinite(b), b, 0))
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            own = NUMPY.matmul(a, b, out=np.empty(exact.shape, a.dtype))
            exact = np.where(np.isfinite(own), exact, own)
    return exact, (a.shape[1] + 2) * eps * bound


def _look(fixture: UpdateFixture) -> str:
    return f"look at updates, and at what it does with the text at {source_location(fixture.update)}"


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
