"""The bundled metrics, each in a file of its own."""
