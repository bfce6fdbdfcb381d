"""The bundled schedules, one per file."""
