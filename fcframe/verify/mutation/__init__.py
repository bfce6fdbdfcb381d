"""Mutation testing: small changes of the author's code that the checks should detect."""

from fcframe.verify.mutation.report import Mutant, MutantStatus, MutationReport
from fcframe.verify.mutation.run import mutate

__all__ = ["Mutant", "MutantStatus", "MutationReport", "mutate"]
