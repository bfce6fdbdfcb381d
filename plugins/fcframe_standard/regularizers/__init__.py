"""The bundled regularizers, one per file."""
