"""The harness: checks the gradients and the contract of every registered component."""

from fcframe.verify.report import Report, Result, Status
from fcframe.verify.suite_run import gradcheck

__all__ = ["Report", "Result", "Status", "gradcheck"]
