"""Numerical derivatives with error bars, and their comparison with analytic derivatives."""
