"""The fully connected layer."""

from math import prod

from pydantic import PositiveInt

from fcframe import AnyInitializer, Array, Context, Example, Layer, Parameter, Params, Rejected, Shape
from fcframe_standard.initializers.he import He


class Affine(Layer):
    """Fully connected layer, out = x @ W + b, where each example of x is flattened into a row.

    Shapes: x (N, d1, …, dk); out (N, units); W (D, units) with D = d1 · … · dk; b (units,).

    >>> Affine(units=5).output_shape((2, 3))
    (5,)
    """

    type = "affine"
    also_called = ("dense", "linear", "fc", "fully_connected", "inner_product")
    examples = (
        Example(input_shape=(2, 3), units=5),
        Example(input_shape=(4,), units=3, initializer=He(gain=0.5)),
    )
    rejected = (Rejected("greater than 0", units=0),)

    units: PositiveInt
    """Number of outputs."""
    initializer: AnyInitializer = He()
    """Initializer of W; b starts at 0."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return (self.units,)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        D = prod(input_shape)
        return {
            "W": Parameter((D, self.units), self.initializer),
            "b": Parameter((self.units,), 0.0, decay=False, fan_in=D),
        }

    def forward(self, x: Array, params: Params, ctx: Context) -> tuple[Array, tuple[Shape, Array, Array]]:
        W = params["W"]
        rows = x if x.ndim == 2 else x.reshape(len(x), len(W))
        out = ctx.kernels.affine(rows, W, params["b"], out=ctx.empty("out", (len(x), self.units)))
        return out, (x.shape, rows, W)

    def backward(self, dout: Array, cache: tuple[Shape, Array, Array], ctx: Context) -> tuple[Array | None, Params]:
        shape, rows, W = cache
        dW = ctx.kernels.matmul(rows.T, dout, out=ctx.grad("W"))
        db = ctx.kernels.sum_rows(dout, out=ctx.grad("b"))
        if not ctx.needs_input_grad:
            return None, {"W": dW, "b": db}
        dx = ctx.kernels.matmul(dout, W.T, out=ctx.empty("dx", rows.shape))
        return dx if len(shape) == 2 else dx.reshape(shape), {"W": dW, "b": db}
