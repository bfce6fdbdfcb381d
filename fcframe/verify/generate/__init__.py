"""Generates the cases of the checks: configurations from a JSON Schema, input values, targets and shapes."""
