"""The bundled observers, one per file."""
