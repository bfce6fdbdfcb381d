"""What is drawn for the checks: configurations from a JSON Schema, input values, targets and shapes."""
