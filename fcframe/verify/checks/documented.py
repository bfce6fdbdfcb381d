"""Runs the examples in the documentation of components.

A gradient can be compared with the derivative of the value. The value itself can only be compared with what the author
says about it, for example in the docstring of the class.
"""

import doctest
import sys

from fcframe.verify.fixtures.component_class import ClassFixture
from fcframe.verify.report import CheckFailure, NotApplicable

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def the_examples_in_its_documentation_are_true(fixture: ClassFixture) -> None:
    """The examples in the docstring of the class give the results that they show."""
    component = fixture.component
    module = sys.modules.get(component.__module__)
    names = {**(vars(module) if module else {}), component.__name__: component}
    test = doctest.DocTestParser().get_doctest(component.__doc__ or "", names, component.__name__, None, None)
    if not test.examples:
        raise NotApplicable("its docstring has no example (>>> …)")
    failures: list[str] = []
    doctest.DocTestRunner(verbose=False, optionflags=OPTIONS).run(test, out=failures.append)
    if failures:
        _, _, message = failures[0].partition("Failed example:\n")
        raise CheckFailure(
            " ".join(f"an example in its docstring is wrong: {message}".split()),
            f"correct the example, or the method that it calls, in {component.__module__}",
        )


CHECKS = (the_examples_in_its_documentation_are_true,)
