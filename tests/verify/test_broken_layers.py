"""Each broken layer fails exactly the checks that it must, and says why; its right twin passes."""

import pytest

import fcframe
from fcframe.verify import gradcheck
from fcframe.verify.report import Status
from fcframe.verify.running import sandbox
from fcframe.verify.suite import check_runs
from tests.galleries.broken import BROKEN
from tests.galleries.broken.wrong_numbers import MISSED

ENDLESS = "takes no end"
WHOLE_CLASSES = [broken for broken in BROKEN if broken.fields is None]
TWINS = list({(broken.right, repr(broken.fields)): broken for broken in BROKEN}.values())
SEEDS = range(1, 21)


def slow(broken):
    """Over all configurations of a class, or with a state, it takes more than a second."""
    long = broken in WHOLE_CLASSES[2:] or broken.right.__name__ in ("BatchNorm", "Residual")
    return [pytest.mark.slow] if long or broken.defect == ENDLESS else []


def parameters(some, marks=slow):
    return [pytest.param(broken, id=str(broken), marks=marks(broken)) for broken in some]


@pytest.fixture
def patience(monkeypatch):
    def limit(broken):
        if broken.defect == ENDLESS:
            monkeypatch.setattr(sandbox, "CPU_SECONDS", 0.1)

    return limit


def test_the_gallery_is_large_and_each_defect_has_a_name_of_its_own():
    assert len(BROKEN) >= 70
    assert len({broken.right for broken in BROKEN}) >= 18
    assert len({str(broken) for broken in BROKEN}) == len(BROKEN)
    assert all(broken.checks and broken.says for broken in BROKEN)


@pytest.mark.parametrize("broken", parameters(BROKEN))
def test_a_broken_layer_fails_exactly_the_intended_checks_and_says_why(broken, patience):
    patience(broken)
    report = gradcheck(broken.layer)
    failures = report.failures
    assert {failure.check for failure in failures} - set(broken.perhaps) == set(broken.checks), report
    first = next(failure for failure in failures if failure.check == broken.checks[0])
    assert broken.says in str(first)


@pytest.mark.parametrize("broken", parameters(TWINS))
def test_its_right_twin_passes(broken):
    report = gradcheck(broken.twin)
    assert report.passed, report


@pytest.mark.parametrize("broken", parameters(MISSED))
def test_a_gradient_that_no_single_element_shows_to_be_wrong_is_missed(broken):
    assert gradcheck(broken.layer).passed, "found at last: move it into the gallery"


@pytest.mark.slow
@pytest.mark.parametrize("broken", parameters(BROKEN, marks=lambda _: []))
def test_whatever_the_seed_it_is_found(broken, patience):
    patience(broken)
    for seed in SEEDS[:1] if broken.defect == ENDLESS else SEEDS:
        found = set()
        for item in check_runs(broken.layer, fcframe.registry(), seed):
            wanted = item.check.__name__ in set(broken.checks) - found
            if wanted and item.run().status is Status.FAILED:
                found.add(item.check.__name__)
        assert found == set(broken.checks), f"seed {seed}"
