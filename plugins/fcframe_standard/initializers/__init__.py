"""The bundled initializers, one per file."""
