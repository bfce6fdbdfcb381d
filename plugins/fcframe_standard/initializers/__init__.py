"""The bundled initializers, each in a file of its own."""
