"""The bundled layers, one per file."""
