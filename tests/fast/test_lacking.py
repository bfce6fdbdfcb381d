"""Where it cannot run, or not all of it."""

import ctypes
import sys

import pytest

import fcframe
from fcframe import providers
from fcframe.kernels import NUMPY
from tests.fast import FAST


def test_without_its_wheels_it_says_what_to_install(monkeypatch):
    provider = sys.modules["fcframe_fast.provider"]
    monkeypatch.setattr(provider, "_installed", lambda name: False)
    monkeypatch.setattr(provider, "with_mkl", lambda: True)
    assert FAST.lacks() == "mkl and numba not installed; the extra fcframe[fast] brings what is missing"
    assert providers.choose() is NUMPY
    with pytest.raises(
        fcframe.PluginError, match=r"kernels 'fast' are not usable: mkl and numba not installed; the extra"
    ):
        providers.choose("fast")


def test_without_gnu_openmp_it_says_so(monkeypatch):
    provider = sys.modules["fcframe_fast.provider"]
    monkeypatch.setattr(provider, "_installed", lambda name: True)
    monkeypatch.setattr(provider, "with_mkl", lambda: True)
    monkeypatch.setattr(provider, "_openmp", lambda: False)
    assert "libgomp.so.1: install libgomp1" in FAST.lacks()


@pytest.mark.parametrize("intel", [True, False])
def test_asking_what_it_lacks_loads_no_library(monkeypatch, intel):
    provider = sys.modules["fcframe_fast.provider"]
    monkeypatch.setattr(provider, "_installed", lambda name: True)
    monkeypatch.setattr(provider, "with_mkl", lambda: intel)
    loaded = []
    monkeypatch.setattr(ctypes, "CDLL", lambda *args, **kwargs: loaded.append(args))
    FAST.lacks()
    assert loaded == []


def test_on_another_processor_it_does_without_mkl(monkeypatch):
    provider = sys.modules["fcframe_fast.provider"]
    monkeypatch.setattr(provider.platform, "machine", lambda: "aarch64")
    assert provider.needed() == ("numba",)
