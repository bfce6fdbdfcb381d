"""Specs: the JSON documents that a user writes, their models, their validation, and their JSON Schema."""

from fcframe.spec.loading import load_spec
from fcframe.spec.models import EvaluationSpec, ExperimentSpec, NetworkSpec, Spec, TrainingSpec

__all__ = ["EvaluationSpec", "ExperimentSpec", "NetworkSpec", "Spec", "TrainingSpec", "load_spec"]
