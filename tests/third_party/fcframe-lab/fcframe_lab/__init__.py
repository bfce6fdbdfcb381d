"""Announces its components by reference: none of them is imported before it is used."""

import fcframe


@fcframe.hookimpl
def fcframe_register():
    """Kind, type, and where the class is."""
    return [
        "layer token_mean = fcframe_lab.token_mean:TokenMean",
        "layer active = fcframe_lab.active:Active",
        "layer filters = fcframe_lab.filters:Filters",
        "layer course_relu = fcframe_lab.course_relu:CourseReLU",
        "layer softsign = fcframe_lab.softsign:Softsign",
        "layer rescale = fcframe_lab.rescale:Rescale",
        "loss weighted_mae = fcframe_lab.weighted_mae:WeightedMAE",
        "optimizer course_momentum = fcframe_lab.course_momentum:CourseMomentum",
        "optimizer decayed = fcframe_lab.decayed:Decayed",
        "observer stop_below = fcframe_lab.stop_below:StopBelow",
    ]
