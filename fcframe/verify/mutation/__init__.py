"""Mutation testing: changes to the author's own text that the checks should notice."""

from fcframe.verify.mutation.report import Mutant, MutantStatus, MutationReport
from fcframe.verify.mutation.run import mutate

__all__ = ["Mutant", "MutantStatus", "MutationReport", "mutate"]
