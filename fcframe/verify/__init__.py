"""The harness: whatever is registered is verified, and the verdict can be trusted."""

from fcframe.verify.battery import gradcheck
from fcframe.verify.report import Report, Result, Status

__all__ = ["Report", "Result", "Status", "gradcheck"]
