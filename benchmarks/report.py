"""Results → Markdown tables."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks.contenders import CONTENDERS, GRADIENT_CHECKS, OURS

Results = Mapping[str, Any]


def tables(results: Results) -> dict[str, str]:
    """Name → table, of all that was measured; documents show a table between markers of its name."""
    makers: dict[str, Callable[[Any], str]] = {
        "step": step, "forward": forward, "memory": memory, "allocations": allocations, "startup": startup,
        "gradcheck": gradcheck, "large_spec": large_spec,
    }  # fmt: skip
    found = {"machine": machine(results)} if "machine" in results else {}
    found |= {name: make(results[name]) for name, make in makers.items() if name in results}
    if "step" in results:
        found["summary"] = summary(results["step"])
    if "goals" in results:
        found["goals"] = goals(results["goals"])
    return found


def machine(results: Results) -> str:
    """On what and with what."""
    facts = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    set_ = "".join(f"; {name}={value}" for name, value in facts.get("environment", {}).items())
    return (
        f"{facts['cores']} cores of {facts['processor']} ({facts['vectors']}), {facts.get('memory_gb', '?')} GB, "
        f"{facts['system']}{set_}. {versions}."
    )


def step(found: Results) -> str:
    """A table a workload."""
    return "\n\n".join(contest(one, "µs a step") for one in found.values())


def forward(one: Results) -> str:
    """One row through a network."""
    return contest(one, "µs")


def gradcheck(found: Results) -> str:
    """A line a layer."""
    rows = []
    for name, one in found.items():
        times, ratios = one["microseconds"], one["ratios"].get("fcframe", {})
        cells = [f"{times[who]['median'] / 1000:.3g}" if who in times else "left out" for who in GRADIENT_CHECKS]
        rows.append([name, *cells, f"{ratios['torch']:.3f}" if "torch" in ratios else "", quiet(one)])
    titles = (f"{contender.title}, ms" for contender in GRADIENT_CHECKS.values())
    return table(["layer", *titles, "ratio", "rounds"], rows)


def contest(one: Results, unit: str) -> str:
    """Contenders side by side, and how many times as long as each of them ours takes."""
    ours = [name for name in OURS if name in one["ratios"]]
    rows = []
    for name, times in one["microseconds"].items():
        ratios = [f"{one['ratios'][mine][name]:.2f}" if name != mine else "" for mine in ours]
        half = f"{figure(times['low'])} – {figure(times['high'])}"
        rows.append([CONTENDERS[name].title, figure(times["median"]), half, *ratios, times.get("note", "")])
    for name, reason in one["absent"].items():
        rows.append([CONTENDERS[name].title, "left out", "", *("" for _ in ours), reason])
    for name, reason in one["crashed"].items():
        rows.append([CONTENDERS[name].title, "**crashed**", "", *("" for _ in ours), reason])
    heads = ["contender", unit, "half of the rounds", *(f"{CONTENDERS[name].title} / it" for name in ours), "note"]
    return f"{one['title']}; {quiet(one)}:\n\n{table(heads, rows)}"


def quiet(one: Results) -> str:
    """How many rounds count."""
    rounds = f"{one['rounds'] - one['disturbed']} undisturbed rounds of {one['rounds']}"
    return f"**noisy:** {rounds}" if one.get("noisy") else rounds


def summary(found: Results) -> str:
    """Medians of all contenders and workloads."""
    rows = []
    for name, contender in CONTENDERS.items():
        medians = [one["microseconds"].get(name) for one in found.values()]
        if any(medians):
            rows.append([contender.title, *(figure(times["median"]) if times else "–" for times in medians)])
    return table(["µs a step", *(one["title"] for one in found.values())], rows)


def memory(found: Results) -> str:
    """Megabytes."""
    return _ours(found, "MB", lambda facts: figure(facts["mb"]))


def allocations(found: Results) -> str:
    """Kilobytes, and where."""
    return _ours(found, "kB, and the line", lambda facts: f"{facts['bytes'] / 1000:.1f} (`{facts['where']}`)")


def _ours(found: Results, unit: str, shown: Any) -> str:
    rows = []
    for workload, results in found.items():
        cells = [facts.get("absent") or facts.get("crashed") or shown(facts) for facts in results.values()]
        rows.append([workload, *cells])
    names = list(next(iter(found.values()), ()))
    return table(["", *(f"{CONTENDERS[name].title}, {unit}" for name in names)], rows)


def startup(found: Sequence[Results]) -> str:
    """Commands."""
    rows = [[f"`{row['name']}`", f"{row['seconds'] * 1000:.0f}", f"{row['ratio']:.2f}"] for row in found]
    return table(["command", "ms", f"times as long as `{found[0]['name']}`"], rows)


def large_spec(found: Results) -> str:
    """Milliseconds."""
    row = [f"{found['layers']:,}", figure(found["parse_ms"]), figure(found["build_ms"])]
    return table(["layers", "parse, ms", "build, ms"], [row])


def goals(found: Iterable[Results]) -> str:
    """What holds and what does not."""
    rows = []
    for goal in found:
        value, unit = goal["measured"], f" {goal['unit']}" if goal["unit"] else ""
        held = {True: "yes", False: "**no**", None: "not measured"}[goal["held"]]
        measured = "–" if value is None else f"{figure(value)}{unit}"
        rows.append([goal["goal"], f"≤ {goal['limit']:,}{unit}", measured, held])
    return table(["goal", "limit", "measured", "held"], rows)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Markdown.

    >>> print(table(["a", "b"], [["1", "2|3"]]))
    | a | b |
    | --- | --- |
    | 1 | 2\|3 |
    """
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def figure(value: float) -> str:
    """Three digits, or all before the point.

    >>> figure(11.52), figure(1.234), figure(28750.4)
    ('11.5', '1.23', '28,750')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
