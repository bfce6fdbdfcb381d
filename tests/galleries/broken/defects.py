"""A broken layer is a right one in which one piece of text is another."""

import functools
import inspect
import sys
from dataclasses import dataclass
from typing import Any

DX = "the_gradient_of_x_is_right"
DW = "the_gradient_of_each_parameter_is_right"
LINEAR = "backward_is_linear_in_dout"
ZERO = "a_zero_dout_gives_zero_gradients"
SINGLE = "float32_gradients_are_those_of_float64"
FORWARD = "forward_returns_an_output_and_a_cache"
BACKWARD = "backward_returns_dx_and_gradients"
SHAPE = "the_output_has_the_declared_shape"
DTYPE = "the_dtype_is_kept"
NO_DX = "without_needs_input_grad_the_gradients_are_the_same"
EVALUATION = "an_evaluation_changes_no_state"
MOVES = "training_moves_the_state"
FOLLOWS = "an_evaluation_approaches_the_output_of_training"
INDEPENDENT = "examples_are_independent_where_declared"
REFERENCE = "forward_gives_what_its_reference_gives"
FINITE = "the_output_is_finite_for_large_x"
JSON = "json_describes_it_fully"
SEED = "the_same_seed_gives_the_same_parameters"
KEEPS_X = "forward_leaves_its_arguments_unchanged"
KEEPS_DOUT = "backward_leaves_its_arguments_unchanged"
FORWARD_TWICE = "forward_twice_gives_the_same_bytes"
BACKWARD_TWICE = "backward_twice_gives_the_same_bytes"
CACHE = "a_cache_survives_other_calls"
OVERWRITES = "a_later_call_overwrites_no_result"
REUSE = "a_reused_context_changes_nothing"
BACKWARD_DRAWS = "backward_draws_nothing"
FORWARD_DRAWS = "forward_draws_only_if_declared"
STRIDED = "read_only_and_strided_arrays_are_accepted"


@dataclass(frozen=True)
class Broken:
    """One defect: which checks must fail, no other may, and what the first failure of the first of them must say."""

    right: type
    defect: str
    old: str
    new: str
    checks: tuple[str, ...]
    says: str
    fields: dict[str, Any] | None
    """The one configuration that is checked; None: the class, in all of them."""
    also: dict[str, str]
    """Further changes that the defect takes."""
    perhaps: tuple[str, ...]
    """Checks that may fail too, for chance decides: what forward gives is another thing each time."""

    def __str__(self) -> str:
        return f"{self.right.__name__}: {self.defect}"

    @property
    def twin(self) -> Any:
        """The right layer."""
        return self.right if self.fields is None else self.right(**self.fields)

    @functools.cached_property
    def layer(self) -> Any:
        """The broken layer; its lines have the numbers that the right one's have."""
        source, first = inspect.getsourcelines(self.right)
        text = "".join(source)
        for old, new in {self.old: self.new, **self.also}.items():
            assert text.count(old) == 1, f"{self}: {text.count(old)} times {old!r}"
            text = text.replace(old, new)
        code = compile("\n" * (first - 1) + text, inspect.getfile(self.right), "exec")
        names = dict(vars(sys.modules[self.right.__module__]))
        exec(code, names)
        made = names[self.right.__name__]
        return made if self.fields is None else made(**self.fields)


def broken(
    right: type, defect: str, old: str, new: str, *checks: str, says: str, fields: dict[str, Any] | None = None,
    also: dict[str, str] | None = None, perhaps: tuple[str, ...] = (),
) -> Broken:  # fmt: skip
    """A line of a table: the right layer, what is wrong, the text it stands in, and what must come of it."""
    return Broken(right, defect, old, new, checks, says, fields, also or {}, perhaps)
