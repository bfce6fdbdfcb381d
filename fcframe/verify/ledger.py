"""The ledger as JSON and as JUnit XML: component × check → how it ended, in how many cases, and why not better."""

import importlib.metadata
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from fcframe.verify.report import Report, Status, distinct

UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold, however they are written."""


def facts(report: Report, seed: int = 0) -> dict[str, Any]:
    """The ledger as JSON.

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
    """In a word: "passed", "failed" or "inconclusive"."""
    if report.passed:
        return "passed"
    return "inconclusive" if report.status is Status.INCONCLUSIVE else "failed"


def junit(report: Report) -> bytes:
    """The ledger as JUnit XML: a suite a component, a test case a check."""
    root = ElementTree.Element("testsuites", name="fcframe gradcheck")
    for component, lines in report.by_component().items():
        checks = lines.by_check()
        counts = Report([]).counts()
        counts.update(results.status.value for results in checks.values())
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=_fit(component),
            tests=str(len(checks)),
            failures=str(counts[Status.FAILED.value]),
            errors=str(counts[Status.INCONCLUSIVE.value]),
            skipped=str(counts[Status.SKIPPED.value] + counts[Status.NOT_APPLICABLE.value]),
            time=f"{_seconds(lines):.3f}",
        )
        for name, results in checks.items():
            case = ElementTree.SubElement(
                suite, "testcase", classname=_fit(component), name=_fit(name), time=f"{_seconds(results):.3f}"
            )
            for tag, message, text in _outcome(results):
                ElementTree.SubElement(case, tag, message=_fit(message), type=results.status.value).text = _fit(text)
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _check(name: str, results: Report) -> dict[str, Any]:
    counts = {status: count for status, count in results.counts().items() if count}
    line: dict[str, Any] = {"check": name, "status": results.status.value, "cases": counts}
    line["seconds"] = _seconds(results)
    reasons = Report([result for result in results if result.status is not Status.FAILED]).reasons()
    if reasons:
        line["reasons"] = reasons
    if results.failures:
        line["failures"] = [
            {"case": found.case, "message": found.message, "diagnosis": found.diagnosis} for found in results.failures
        ]
    return line


def _outcome(results: Report) -> Iterator[tuple[str, str, str]]:
    reasons = "; ".join(results.reasons())
    if results.status is Status.FAILED:
        yield "failure", results.failures[0].message, "\n\n".join(map(str, distinct(results.failures)))
    elif results.status is Status.INCONCLUSIVE:
        yield "error", f"inconclusive: {reasons}", ""
    elif results.status is not Status.PASSED:
        yield "skipped", f"{results.status.value}: {reasons}", ""


def _seconds(results: Report) -> float:
    return round(sum(result.seconds for result in results), 3)


def _fit(text: str) -> str:
    return UNFIT.sub("\N{REPLACEMENT CHARACTER}", text)
