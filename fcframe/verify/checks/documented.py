"""For every component, … : what its documentation says is true.

A gradient can be held against the value that it is the gradient of; the value itself can be held against nothing but
what its author says of it. The examples in the class's documentation are where an author says it.
"""

import doctest
import sys

from fcframe.verify.fixtures.component_class import ClassFixture
from fcframe.verify.report import CheckFailure, NotApplicable

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def the_examples_in_its_documentation_are_true(fixture: ClassFixture) -> None:
    """They are what a reader trusts first, and the only word on which value is right."""
    component = fixture.component
    module = sys.modules.get(component.__module__)
    names = {**(vars(module) if module else {}), component.__name__: component}
    test = doctest.DocTestParser().get_doctest(component.__doc__ or "", names, component.__name__, None, None)
    if not test.examples:
        raise NotApplicable("its documentation has no example that can be run (>>> …)")
    said: list[str] = []
    doctest.DocTestRunner(verbose=False, optionflags=OPTIONS).run(test, out=said.append)
    if said:
        _, _, message = said[0].partition("Failed example:\n")
        raise CheckFailure(
            " ".join(f"an example in its documentation is not true: {message}".split()),
            f"mend the example, or the method that it calls, in {component.__module__}",
        )


CHECKS = (the_examples_in_its_documentation_are_true,)
