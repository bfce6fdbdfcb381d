"""The bundled datasets, one per file."""
