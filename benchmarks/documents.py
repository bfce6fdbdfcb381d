"""Where results lie, and the documents that show them between two markers: `<!-- NAME -->` and `<!-- end -->`."""

import json
import re
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.goals import judged

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "benchmarks" / "results.json"
PAGES = (ROOT / "README.md", ROOT / "docs" / "speed.md")
BY_WORKLOAD = ("step", "memory", "allocations")
"""Parts of which a run may measure some workloads and leave the others as they are."""
MARKED = re.compile(r"(<!-- benchmarks: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


class MixedError(Exception):
    """Figures of two machines, or of two versions, do not go into one file."""


def read() -> dict[str, Any]:
    """The results on file; nothing where there is none yet."""
    if not FILE.exists():
        return {}
    results: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return results


def quietest(machine: Mapping[str, Any], versions: Mapping[str, str]) -> float:
    """Seconds that the reference work took when this machine was quietest; infinite where that is not on file."""
    results = read()
    same = results.get("machine") == machine and results.get("versions") == versions
    return float(results.get("reference_seconds", inf)) if same else inf


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """New parts in the place of old ones.

    Raises:
        MixedError: They were measured on another machine, or with other versions.
    """
    for key in ("machine", "versions") if old else ():
        if old[key] != new[key]:
            raise MixedError(f"the {key} on file differ: {old[key]} there, {new[key]} here; measure everything anew")
    found = {**old, **new}
    for part in BY_WORKLOAD:
        if part in new:
            found[part] = dict(sorted({**old.get(part, {}), **new[part]}.items()))
    return found


def write(results: dict[str, Any]) -> None:
    """Writes the file, and the tables in the documents."""
    results["goals"] = judged(results)
    FILE.write_text(json.dumps(rounded(results), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    results = read()
    for page, text in [(page, filled(page.read_text(encoding="utf-8"), results)) for page in PAGES]:
        page.write_text(text, encoding="utf-8")


def filled(text: str, results: Mapping[str, Any]) -> str:
    r"""A document with the tables of these results between its markers.

    >>> filled("<!-- benchmarks: none -->\nold\n<!-- end -->", {})
    '<!-- benchmarks: none -->\nNot measured.\n<!-- end -->'
    """
    tables = report.tables(results)
    return MARKED.sub(lambda found: f"{found[1]}{tables.get(found[2], 'Not measured.')}\n{found[3]}", text)


def rounded(value: Any) -> Any:
    """With four digits: more are noise.

    >>> rounded({"a": [1234.5678, 0.123456]})
    {'a': [1235.0, 0.1235]}
    """
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value
