"""The bundled optimizers, each in a file of its own."""
