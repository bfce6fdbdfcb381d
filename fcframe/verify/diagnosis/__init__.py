"""Finds the likely cause of a wrong gradient and describes it in words."""
