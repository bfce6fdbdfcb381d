"""The last result of a component's report: whether every check that its kind requires has run."""

from collections.abc import Sequence

from fcframe.verify.report import Report, Result, Status

CLOSING = "every_check_ran"
"""The name of that result's check."""
MAX_NAMES = 4
"""The number of checks that a message lists by name."""


def completeness(component: str, report: Report, required: Sequence[str]) -> Result:
    """The result "every check ran" of a component, computed from its report so far.

    A check has run if it passed or failed in at least one case, or if it was not applicable in all cases and gave the
    reason.

    >>> report = Report([Result("layer relu", "one", "x=3x5", Status.PASSED)])
    >>> completeness("layer relu", report, ["one", "two"]).message
    '1 of 2 checks of its contract ran in no case: two (no case could be made for it)'
    """
    reports = report.by_check()
    missing: dict[str, list[str]] = {}
    for name in required:
        if name not in reports:
            missing.setdefault("no case could be made for it", []).append(name)
        elif not _ran(reports[name]):
            missing.setdefault(next(iter(reports[name].reasons()), "it gave no reason"), []).append(name)
    if not missing:
        return Result(component, CLOSING, "", Status.PASSED)
    count = sum(map(len, missing.values()))
    details = "; ".join(f"{_listed(names)} ({reason})" for reason, names in missing.items())
    message = f"{count} of {len(required)} checks of its contract ran in no case: {details}"
    return Result(component, CLOSING, "", Status.FAILED, message)


def _ran(results: Report) -> bool:
    seen = {result.status for result in results}
    reasoned = all(result.message for result in results)
    return bool(seen & {Status.PASSED, Status.FAILED}) or (seen == {Status.NOT_APPLICABLE} and reasoned)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(name.replace("_", " ") for name in names[:MAX_NAMES]) + more
