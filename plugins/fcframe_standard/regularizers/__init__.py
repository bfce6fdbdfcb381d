"""The bundled regularizers, each in a file of its own."""
