"""The bundled schedules, each in a file of its own."""
