"""What pytest imports in every project of an environment that has fcframe: the options, and nothing behind them.

It imports nothing that takes time, and lies beside the package, whose import takes NumPy's.
`fcframe.verify.pytest_plugin` is loaded where the options ask for it.
"""

import os
from typing import Any

INI = {
    "fcframe": ("string", '"true": as --fcframe in every run; "all": as --fcframe-all'),
    "fcframe_plugins": ("args", "names of plugins (entry points) or distributions to check, in every run"),
    "fcframe_known_failures": ("linelist", '"type::check: reason", a line each; these checks must fail'),
}


def pytest_addoption(parser: Any) -> None:
    """`--fcframe`, and the ini lines that ask for the same in every run."""
    group = parser.getgroup("fcframe", "fcframe: checks of the components that plugins register")
    option = {"action": "store_const", "dest": "fcframe", "default": ""}
    group.addoption("--fcframe", const="project", help="check the components of the project in rootdir", **option)
    group.addoption("--fcframe-all", const="all", help="check every installed component", **option)
    group.addoption("--fcframe-seed", type=int, default=0, metavar="N", help="draws everything that the checks need")
    for name, (kind, help_text) in INI.items():
        parser.addini(name, help_text, type=kind, default="" if kind == "string" else [])


def pytest_configure(config: Any) -> None:
    """Loads the plugin itself if it is asked for: by an option, by an ini line, or by the id of a check."""
    ids = [argument for argument in config.args if _is_id(argument)]
    config.args[:] = [argument for argument in config.args if argument not in ids]  # they are no files
    ini = config.getini("fcframe").lower()
    if ids or config.getoption("fcframe") or (ini != "false" and (ini or config.getini("fcframe_plugins"))):
        from fcframe.verify.pytest_plugin import Harness

        config.pluginmanager.register(Harness(config, ids), "fcframe-harness")


def _is_id(argument: str) -> bool:
    """Whether it is an id as pytest prints it, or its start: "fcframe/layers/dense::the_dtype_is_kept[x=3x5]"."""
    return argument.startswith("fcframe/") and not os.path.exists(argument.partition("::")[0])  # noqa: PTH110 - pathlib takes time
