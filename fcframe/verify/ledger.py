"""A report as JSON: for each component and check its status, the number of cases, and the reasons."""

import importlib.metadata
from typing import Any

from fcframe.verify.report import Report, Status


def facts(report: Report, seed: int = 0) -> dict[str, Any]:
    """The report as JSON, with the version of fcframe and the seed.

    >>> from fcframe.verify.report import Result
    >>> ledger = facts(Report([Result("layer relu", "the_dtype_is_kept", "x=3x5", Status.PASSED)]))
    >>> ledger["components"][0]["checks"][0]
    {'check': 'the_dtype_is_kept', 'status': 'passed', 'cases': {'passed': 1}, 'seconds': 0.0}
    """
    return {
        "fcframe": importlib.metadata.version("fcframe"),
        "seed": seed,
        "verdict": verdict(report),
        "components": [
            {
                "component": component,
                "verdict": verdict(lines),
                "cases": lines.cases,
                "seconds": _seconds(lines),
                "checks": [_check(name, results) for name, results in lines.by_check().items()],
            }
            for component, lines in report.by_component().items()
        ],
    }


def verdict(report: Report) -> str:
    """The report in one word: "passed", "failed" or "inconclusive"."""
    if report.passed:
        return "passed"
    return "inconclusive" if report.status is Status.INCONCLUSIVE else "failed"


def _check(name: str, results: Report) -> dict[str, Any]:
    counts = {status: count for status, count in results.counts().items() if count}
    line: dict[str, Any] = {"check": name, "status": results.status.value, "cases": counts}
    line["seconds"] = _seconds(results)
    reasons = Report([result for result in results if result.status is not Status.FAILED]).reasons()
    if reasons:
        line["reasons"] = reasons
    if results.failures:
        line["failures"] = [
            {"case": failure.case, "message": failure.message, "diagnosis": failure.diagnosis}
            for failure in results.failures
        ]
    return line


def _seconds(results: Report) -> float:
    return round(sum(result.seconds for result in results), 3)
