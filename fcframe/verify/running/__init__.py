"""Runs one check on one fixture in a sandbox."""
