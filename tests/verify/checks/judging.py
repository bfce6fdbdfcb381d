"""How a test judges a component by the harness."""

import fcframe
from fcframe.verify import Status


def failed(component):
    """The names of the checks that fail, of which none may be undecided."""
    report = fcframe.gradcheck(component)
    assert not [result for result in report if result.status is Status.INCONCLUSIVE]
    return {result.check for result in report.failures}


def assert_right(component):
    """No check fails."""
    report = fcframe.gradcheck(component)
    assert report.passed, str(report)
