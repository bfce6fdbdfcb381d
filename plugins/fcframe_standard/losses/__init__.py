"""The bundled losses, one per file."""
