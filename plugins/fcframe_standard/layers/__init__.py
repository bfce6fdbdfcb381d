"""The bundled layers, each in a file of its own."""
