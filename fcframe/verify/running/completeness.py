"""Whether every check that a component's kind requires has run: the line that closes its report."""

from collections.abc import Sequence

from fcframe.verify.report import Report, Result, Status

CLOSING = "every_check_ran"
"""The name of that line."""
MAX_NAMES = 4
"""How many names of checks are listed in a message."""


def completeness(component: str, report: Report, required: Sequence[str]) -> Result:
    """The result "every check ran" of a component, judged from its report so far.

    A check has run where it passed or failed in at least one case, or gave in all of them a reason why it does not
    apply.

    >>> report = Report([Result("layer relu", "one", "x=3x5", Status.PASSED)])
    >>> completeness("layer relu", report, ["one", "two"]).message
    '1 of 2 checks of its contract ran in no case: two (no case could be made for it)'
    """
    found = report.by_check()
    missing: dict[str, list[str]] = {}
    for name in required:
        if name not in found:
            missing.setdefault("no case could be made for it", []).append(name)
        elif not _ran(found[name]):
            missing.setdefault(next(iter(found[name].reasons()), "for no reason that it gave"), []).append(name)
    if not missing:
        return Result(component, CLOSING, "", Status.PASSED)
    count = sum(map(len, missing.values()))
    told = "; ".join(f"{_listed(names)} ({reason})" for reason, names in missing.items())
    message = f"{count} of {len(required)} checks of its contract ran in no case: {told}"
    return Result(component, CLOSING, "", Status.FAILED, message)


def _ran(results: Report) -> bool:
    seen = {result.status for result in results}
    reasoned = all(result.message for result in results)
    return bool(seen & {Status.PASSED, Status.FAILED}) or (seen == {Status.NOT_APPLICABLE} and reasoned)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(name.replace("_", " ") for name in names[:MAX_NAMES]) + more
