"""The bundled datasets, each in a file of its own."""
