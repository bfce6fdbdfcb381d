"""Measured derivatives with error bars, and the verdict on each element of a gradient."""
