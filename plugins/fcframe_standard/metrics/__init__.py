"""The bundled metrics, one per file."""
