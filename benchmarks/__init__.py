"""Measures fcframe beside its peers: `python benchmarks/run.py`."""
