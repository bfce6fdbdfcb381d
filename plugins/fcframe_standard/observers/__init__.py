"""The bundled observers, each in a file of its own."""
