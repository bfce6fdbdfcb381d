"""From a wrong gradient to its likely cause."""
