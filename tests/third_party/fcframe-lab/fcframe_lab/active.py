"""A layer with a penalty of its own."""

from pydantic import NonNegativeFloat

from fcframe import Example, Layer


class Active(Layer):
    """Passes x on, and adds strength · mean of x² to the training loss: an activity regularizer.

    Shapes: x (N, …) → out, the same.
    """

    type = "active"
    examples = (Example(input_shape=(5,)), Example(input_shape=(2, 3), strength=0.4))

    strength: NonNegativeFloat = 0.1
    """Factor of the penalty."""

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        if ctx.training:
            ctx.add_loss(self.strength * float((x * x).mean()))
        return x, x

    def backward(self, dout, cache, ctx):
        x = cache
        return (dout + (2 * self.strength / x.size) * x if ctx.training else dout), {}
