"""Plugins for the length of a test: a folder on the import path that looks like an installed distribution."""

LAYER = '''
class {name}(Layer):
    """A layer that {does}."""

    type = "{type}"

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        {forward}
        return 2 * x, ()

    def backward(self, dout, cache, ctx):
        return {dx}, {{}}
'''


def layer(name, *, does="doubles", forward="pass", dx="2 * dout"):
    return LAYER.format(name=name, type=name.lower(), does=does, forward=forward, dx=dx)


def module(*layers, head=""):
    names = [text.split("class ")[1].split("(")[0] for text in layers]
    hook = f"@fcframe.hookimpl\ndef fcframe_register():\n    return [{', '.join(names)}]\n"
    imports = "import os, random, sys, time, warnings\nimport numpy as np\nimport fcframe\nfrom fcframe import Layer\n"
    return "\n\n".join([imports + head, *layers, hook])


def install(folder, name, text):
    """Writes the distribution `name` with the plugin `name`, and returns the module's file."""
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[fcframe]\n{name} = {name}_plugin\n")
    path = folder / f"{name}_plugin.py"
    path.write_text(text, encoding="utf-8")
    return path
