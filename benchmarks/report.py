"""Results → Markdown tables."""

from collections.abc import Mapping
from typing import Any

from benchmarks.contenders import CONTENDERS, OURS

Results = Mapping[str, Any]


def tables(results: Results) -> dict[str, str]:
    """Marker → table, of all that was measured."""
    makers = {"step": step}
    return {name: make(results[name]) for name, make in makers.items() if name in results}


def step(found: Results) -> str:
    """A table a workload."""
    return "\n\n".join(_contest(one, "µs a step") for one in found.values())


def _contest(one: Results, unit: str) -> str:
    ours = [name for name in OURS if name in one["ratios"]]
    heads = ["contender", unit, "half of the rounds", *(f"{CONTENDERS[name].title} / it" for name in ours), "note"]
    lines = [heads, ["---"] * len(heads)]
    for name, times in one["microseconds"].items():
        ratios = [f"{one['ratios'][mine][name]:.2f}" if name != mine else "" for mine in ours]
        lines.append([
            CONTENDERS[name].title, figure(times["median"]), f"{figure(times['low'])} – {figure(times['high'])}",
            *ratios, times.get("note", ""),
        ])  # fmt: skip
    for name, reason in one["absent"].items():
        lines.append([CONTENDERS[name].title, "left out", "", *("" for _ in ours), reason])
    for name, reason in one["crashed"].items():
        lines.append([CONTENDERS[name].title, "**crashed**", "", *("" for _ in ours), reason])
    return f"{caption(one)}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def caption(one: Results) -> str:
    """What was measured, and how quietly."""
    quiet = one["rounds"] - one["disturbed"]
    noisy = "**Noisy:** " if one.get("noisy") else ""
    return f"{noisy}{one['title']}. Medians of {quiet} undisturbed rounds of {one['rounds']}."


def figure(value: float) -> str:
    """Three digits, or all before the point.

    >>> figure(11.52), figure(1.234), figure(28750.4)
    ('11.5', '1.23', '28,750')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
