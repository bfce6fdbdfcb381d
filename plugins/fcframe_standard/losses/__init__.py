"""The bundled losses, each in a file of its own."""
