"""The harness: whatever is registered is verified, and the verdict can be trusted."""

from fcframe.verify.report import Report, Result, Status
from fcframe.verify.suite_run import gradcheck

__all__ = ["Report", "Result", "Status", "gradcheck"]
