"""Growth → two pictures, as SVG that is the same bytes for the same figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.growth import AXES

FCFRAME, OTHER = "#0072b2", "#d55e00"
"""Two colours that also differ for those who see fewer."""
Curve = Mapping[str, Mapping[str, list[float]]]


def draw(growth: Mapping[str, Curve], folder: Path) -> list[Path]:
    """Writes growth-time.svg and growth-memory.svg.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {
        "svg.hashsalt": "fcframe", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 8,
        "axes.titlesize": 8, "axes.spines.top": False, "axes.spines.right": False,
    }  # fmt: skip
    time, memory = [], []
    for axis, label in AXES.items():
        time.append((axis, label, "µs a step", {"fcframe": "step", "its products alone": "products"}))
        memory.append((axis, label, "MB above the data", {"fcframe": "megabytes"}))
    time.append(("layers", AXES["layers"], "ms", {"parse": "parse_ms", "build": "build_ms"}))
    memory.append(("components", AXES["components"], "ms to find all plugins", {"import and registry": "plugins_ms"}))
    return [
        _sheet(growth, panels, folder / f"growth-{name}.svg") for name, panels in (("time", time), ("memory", memory))
    ]


def _sheet(growth: Mapping[str, Curve], panels: list[Any], path: Path) -> Path:
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter, LogLocator

    figure, axes = plt.subplots(2, 3, figsize=(9, 5.2), layout="constrained")
    for place, (axis, label, unit, series) in zip(axes.flat, panels, strict=True):
        curve = growth[axis]
        for (name, key), colour, mark in zip(series.items(), (FCFRAME, OTHER), "os", strict=False):
            x = [int(number) for number in curve]
            middle, low, high = zip(*(facts[key] for facts in curve.values()), strict=True)
            place.plot(x, middle, color=colour, marker=mark, markersize=3, linewidth=1.2, label=name)
            place.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        place.set_xscale("symlog" if 0 in x else "log")
        place.set_yscale("log")
        place.set_xticks(x, [f"{number:,}" for number in x], rotation=45)
        place.minorticks_off()
        low, high = place.get_ylim()
        if high < 3 * low:  # else what hardly moves would fill its picture
            place.set_ylim(low / 2, high * 2)
        few = place.get_ylim()[1] < 100 * place.get_ylim()[0]  # less than two decades: powers of ten say too little
        place.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        place.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.15g}"))
        place.set_xlabel(_folded(label))
        place.set_ylabel(unit)
        place.grid(alpha=0.3, linewidth=0.5)
        place.legend(frameon=False, fontsize=7)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return path


def _folded(label: str) -> str:
    first, separator, rest = label.partition("; ")
    return f"{first}\n{rest}" if separator else label
