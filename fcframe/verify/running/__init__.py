"""One check on one fixture, in a sandbox."""
