"""A provider of kernels that gives wrong numbers is found, and told what, in which case, and by how much."""

import re
import subprocess
import sys

import numpy as np
import pytest

import fcframe
from fcframe.kernels import NUMPY, Kernels
from tests.cli.shell import fcframe as shell
from tests.verify import plugins


class Broken(Kernels):
    """NumPy's, but for what a test overrides."""

    name = "broken"


def broken(**methods):
    return type("Broken", (Broken,), methods)


def small_parts_only(self, a, b, out):
    np.dot(a, b, out=out)
    if out.size > 200_000:
        out[-1, -1] += 1e-2 * abs(out[-1, -1]) + 1e-2
    return out


def without_the_last_column(self, x, W, b, out):
    self.matmul(x, W, out)
    out[:, :-1] += b[:-1]
    return out


def writing_nothing_for_odd_sizes(self, d, out):
    return out if len(d) % 2 and len(d) > 1 else NUMPY.sum_rows(d, out)


def killing_nan(self, x, out, mask):
    NUMPY.rectify(x, out, mask)
    out[np.isnan(out)] = 0
    return out


def choosing(self, a, b, out):
    out[...] = np.where(b, a, 0) if b.dtype == bool else a * b
    return out


def spoiling(self, a, b, out):
    np.multiply(a, b, out=out)
    if a.size:
        a[0, 0] = 3
    return out


def transposed_wrongly(self, a, b, out):
    flat = a if a.flags.c_contiguous else np.ndarray(a.shape, a.dtype, np.ascontiguousarray(a.T))
    return np.dot(flat, b, out=out)


def remembering(self, update, w, dw, slots):
    rates = []

    def everything(step):
        rates.append(step.learning_rate)
        update(w, dw, slots, step._replace(learning_rate=rates[0]))
        return True

    return everything


def as_if_each_step_were_the_first(self, update, w, dw, slots):
    return lambda step: update(w, dw, slots, step._replace(number=1)) is None


def changing_dw(self, update, w, dw, slots):
    def everything(step):
        update(w, dw, slots, step)
        dw[...] = 0
        return True

    return everything


def nearly_all(self, update, w, dw, slots):
    part = slice(0, len(w) // 64 * 64 or None)
    parts = {name: slot[part] for name, slot in slots.items()}
    return lambda step: update(w[part], dw[part], parts, step) is None


def saying_nothing(self, update, w, dw, slots):
    return lambda step: update(w, dw, slots, step)


def leaving_what_it_began(self, update, w, dw, slots):
    def everything(step):
        if step.number == 2:
            w[0] += 1
            return False
        return update(w, dw, slots, step) is None

    return everything


def leaving_every_second_step(self, update, w, dw, slots):
    return lambda step: step.number % 2 == 1 and update(w, dw, slots, step) is None


CASES = {
    "a wrong number in a large product": (
        {"matmul": small_parts_only},
        "it_multiplies_matrices",
        r"matmul, x @ W of 513x300x517,float32,in rows: out: 1 of 265221 numbers differ from NumPy's; large.* 0\.\d",
    ),
    "a bias that is not added everywhere": (
        {"affine": without_the_last_column},
        "it_multiplies_and_adds_the_bias",
        r"affine, x @ W \+ b of 1x300x130,float32,in rows: out: 1 of 130 numbers differ from NumPy's; largest diff",
    ),
    "an array that is not written": (
        {"sum_rows": writing_nothing_for_odd_sizes},
        "it_sums_rows",
        r"sum_rows of 3x5x4,float32,in rows: out: 4 of 4 numbers differ from NumPy's, of which 4 were not written",
    ),
    "NaN that becomes 0": (
        {"rectify": killing_nan},
        "it_rectifies",
        r"rectify of .*with NaN and infinity: out: 1 of .*NaN or infinity is in other elements.*with NumPy nan",
    ),
    "an infinity that a mask hides": (
        {"multiply": choosing},
        "it_multiplies_by_numbers_and_by_masks",
        r"multiply by a mask of .*with NaN and infinity: out: .*: 0, with NumPy nan",
    ),
    "an input that is changed": (
        {"multiply": spoiling},
        "it_multiplies_by_numbers_and_by_masks",
        r"multiply by numbers of 1x1x1,float32,in rows: it changed a",
    ),
    "something else than out is returned": (
        {"matmul": lambda self, a, b, out: out.copy()},
        "it_multiplies_matrices",
        r"matmul, x @ W of 0x3x2,float32,in rows: it did not return out",
    ),
    "strides that are not looked at": (
        {"matmul": transposed_wrongly},
        "it_multiplies_matrices",
        r"matmul, x\.T @ dout of 3x5x4,float32,in rows: out: \d+ of 20 numbers differ from NumPy's",
    ),
    "a learning rate that is kept": (
        {"updates": remembering},
        "an_update_gives_what_the_optimizers_own_code_gives",
        r"parameters,float32.*: updates, w after step 2: .*largest difference",
    ),
    "a step that is not counted": (
        {"updates": as_if_each_step_were_the_first},
        "an_update_gives_what_the_optimizers_own_code_gives",
        r"adam .*updates, w after step 2",
    ),
    "a gradient that is changed": (
        {"updates": changing_dw},
        "an_update_gives_what_the_optimizers_own_code_gives",
        r"1 parameters,float32.*: updates changed dw in step 1",
    ),
    "the last parameters": (
        {"updates": nearly_all},
        "an_update_gives_what_the_optimizers_own_code_gives",
        r"1000 parameters,float32.*: updates, w after step 1: \d+ of 1000 numbers differ from.*first at \[960\]",
    ),
    "a step of which nothing is said": (
        {"updates": saying_nothing},
        "an_update_gives_what_the_optimizers_own_code_gives",
        r"1 parameters,float32.*: updates, step 1: expected True \(done\) or False \(left to NumPy\), got None",
    ),
    "a step that is begun and left": (
        {"updates": leaving_what_it_began},
        "an_update_gives_what_the_optimizers_own_code_gives",
        r"1 parameters,float32.*: updates, w after step 2: 1 of 1 numbers differ from NumPy's",
    ),
}


@pytest.mark.slow  # a second each; those below meet the same check
@pytest.mark.parametrize(("methods", "check", "told"), CASES.values(), ids=CASES)
def test_a_wrong_kernel_fails_its_check_alone_and_is_told_in_words(methods, check, told):
    report = fcframe.gradcheck(broken(**methods)())
    # a wrong product makes a wrong affine
    assert {failure.check for failure in report.failures} - {"it_multiplies_and_adds_the_bias"} <= {check}
    failed = [failure.message for failure in report.failures if failure.check == check]

    assert any(re.search(told, message) for message in failed), "\n".join(failed[:8])


def test_numpys_own_kernels_pass():
    report = fcframe.gradcheck(NUMPY)
    assert report.passed, report


def test_a_provider_is_not_blamed_for_what_the_framework_imports_in_its_check():
    lines = (
        "import fcframe",
        "rapid = type('Rapid', (fcframe.Kernels,), {'name': 'rapid'})",
        "print(fcframe.gradcheck(rapid, checks=['it_keeps_to_the_thread_limit']).failures)",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_provider_may_leave_a_step_to_numpy():
    report = fcframe.gradcheck(
        broken(updates=leaving_every_second_step)(), checks=["an_update_gives_what_the_optimizers_own_code_gives"]
    )
    assert report.passed, report


@pytest.mark.parametrize("name", ["rectify", "multiply"])
def test_an_elementwise_kernel_takes_arrays_of_any_number_of_axes(name):
    def of_matrices(self, first, *others):
        _rows, _columns = first.shape
        return getattr(NUMPY, name)(first, *others)

    def keyed(self, first, *others, **results):
        return of_matrices(self, first, *others, *results.values())

    checks = {"rectify": ["it_rectifies"], "multiply": ["it_multiplies_by_numbers_and_by_masks"]}
    report = fcframe.gradcheck(broken(**{name: keyed})(), checks=checks[name])
    assert {failure.message for failure in report.failures} == {
        "raised ValueError: not enough values to unpack (expected 2, got 1)"
    }


def flat_alone(self, x, out, mask):
    NUMPY.rectify(x, out, mask)
    if x.ndim == 3:
        out[..., -1] = 0
    return out


def test_a_failure_says_with_how_many_axes():
    report = fcframe.gradcheck(broken(rectify=flat_alone)(), checks=["it_rectifies"])
    messages = [failure.message for failure in report.failures]
    assert any(re.search(r"rectify, with 3 axes, of 3x5x4,float32,in rows: out: ", found) for found in messages)


def raising_torn(*_):
    raise OSError("torn")


@pytest.mark.parametrize(
    ("methods", "told"),
    [
        ({"versions": raising_torn}, "`versions` raised OSError: torn"),
        ({"versions": lambda self: None}, "`versions` returned None, expected a mapping of distributions"),
        ({"versions": lambda self: {"mine": 3}}, "`versions` returned {'mine': 3}, expected a mapping"),
        ({"lacks": classmethod(raising_torn)}, "`lacks` raised OSError: torn"),
        ({"lacks": classmethod(lambda cls: None)}, "`lacks` returned None, which is not a string"),
    ],
    ids=["versions raises", "no versions", "a version that is no text", "lacks raises", "lacks says nothing"],
)
def test_what_a_provider_says_of_itself_is_checked(methods, told):
    report = fcframe.gradcheck(broken(**methods), checks=["it_can_be_made", "it_rectifies"])
    assert "it_can_be_made" in {failure.check for failure in report.failures}
    assert all(failure.message.startswith(told) for failure in report.failures)


def test_a_provider_that_raises_fails_and_hurts_nobody_else():
    def raising(self, x, out, mask):
        raise ZeroDivisionError("no such luck")

    report = fcframe.gradcheck(broken(rectify=raising)(), checks=["it_multiplies_matrices", "it_rectifies"])
    assert {failure.message for failure in report.failures} == {"raised ZeroDivisionError: no such luck"}


SOURCE = '''
import fcframe
import numpy as np

class Hasty(fcframe.Kernels):
    """Forgets the bias."""

    name = "hasty"

    def __init__(self, threads=1):
        {loading}
        super().__init__(threads)

    @classmethod
    def lacks(cls):
        return {lacks!r}

    def affine(self, x, W, b, out):
        return self.matmul(x, W, out)

@fcframe.hookimpl
def fcframe_kernels():
    return [Hasty]
'''


def installed(folder, loading="pass", lacks=""):
    plugins.install(folder / "site", "mine", SOURCE.format(loading=loading, lacks=lacks))
    return {"PYTHONPATH": str(folder / "site")}


@pytest.mark.parametrize("arguments", [["hasty"], ["--plugin", "mine"]], ids=["by name", "by plugin"])
def test_gradcheck_finds_it_on_the_command_line(tmp_path, arguments):
    done = shell("gradcheck", *arguments, cwd=tmp_path, **installed(tmp_path))
    assert done.code == 1
    assert "kernels hasty" in done.out
    assert "affine, x @ W + b of 1x300x130,float32,in rows: out: " in done.out
    assert " numbers differ from NumPy's; largest difference " in done.out


def test_a_layer_that_runs_with_wrong_kernels_is_found_too(tmp_path):
    path = installed(tmp_path)
    assert shell("gradcheck", "affine", "--kernels", "hasty", cwd=tmp_path, **path).code == 1
    assert shell("gradcheck", "affine", cwd=tmp_path, **path).code == 0


WRONG_WHERE_LARGE = """
    def rectify(self, x, out, mask):
        super().rectify(x, out, mask)
        if x.size >= 4096:
            out *= 2
        return out

@fcframe.hookimpl
"""


def test_a_layer_meets_what_a_provider_does_with_large_arrays_alone(tmp_path):
    source = SOURCE.format(loading="pass", lacks="").replace("@fcframe.hookimpl\n", WRONG_WHERE_LARGE)
    plugins.install(tmp_path / "site", "mine", source)
    done = shell("gradcheck", "relu", "--kernels", "hasty", cwd=tmp_path, PYTHONPATH=str(tmp_path / "site"))
    assert done.code == 1
    assert "a large minibatch gives what numpys kernels give" in done.out
    assert re.search(r"with \d+ examples, out with kernels 'hasty': \d+ of \d+ numbers differ from NumPy's", done.out)


def test_one_that_cannot_run_here_is_not_checked_and_one_that_cannot_be_loaded_fails(tmp_path):
    absent = shell("gradcheck", "hasty", "--json", cwd=tmp_path, **installed(tmp_path / "a", lacks="this is no Cray"))
    (component,) = absent.json["components"]
    assert (absent.code, component["verdict"]) == (0, "passed")
    assert "not usable on this machine: this is no Cray" in str(component)
    torn = shell("gradcheck", "hasty", cwd=tmp_path, **installed(tmp_path / "b", loading="raise OSError('torn')"))
    assert torn.code == 1
    assert "kernels 'hasty' are not usable: OSError: torn" in torn.out


def test_unknown_kernels_to_run_with_are_refused(tmp_path):
    done = shell("gradcheck", "relu", "--kernels", "numppy", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("fcframe: kernels: no kernels called 'numppy'. Did you mean 'numpy'? Known: ")
