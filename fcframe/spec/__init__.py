"""What a user declares in JSON: the models, how they are read, and their JSON Schema."""

from fcframe.spec.loading import load_spec
from fcframe.spec.models import EvaluationSpec, ExperimentSpec, NetworkSpec, Spec, TrainingSpec

__all__ = ["EvaluationSpec", "ExperimentSpec", "NetworkSpec", "Spec", "TrainingSpec", "load_spec"]
