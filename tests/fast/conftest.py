"""The kernels that the tests of this folder are about."""

import sys

import pytest

from fcframe import threads
from tests.fast import FAST


@pytest.fixture(scope="module", params=["this processor's", "MKL's"])
def kernels(request):
    """The kernels as they are on this processor, and with MKL's products whatever it is."""
    if FAST.lacks():
        pytest.skip(f"the extra fast: {FAST.lacks()}")
    provider = sys.modules["fcframe_fast.provider"]
    if request.param == "this processor's":
        yield FAST(threads.available())
        return
    pytest.importorskip("threadpoolctl")
    if not provider._installed("mkl") or not sys.platform.startswith("linux"):
        pytest.skip("there is no wheel of MKL")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provider, "with_mkl", lambda: True)
        if FAST.lacks():
            pytest.skip(FAST.lacks())
        made = FAST(threads.available())
    yield made
