"""The bundled optimizers, one per file."""
