"""Compiles functions with Numba, and keeps the machine code on disk for later runs."""

import hashlib
import io
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from numba.core.ccallback import CFunc

Function = TypeVar("Function", bound=Callable[..., Any])
OPTIONS = {"error_model": "numpy"}
"""A division by zero gives infinity or NaN, and no exception."""
DIGEST = hashlib.sha256
DIGEST_SIZE = DIGEST().digest_size


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Holds Ctrl-C back in the block and lets it happen afterwards.

    LLVM calls back into Python while it compiles, and an exception that is raised there is lost.
    """
    # Signals arrive in the main thread alone; and a handler that C code installed (None) cannot be put back.
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    received: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: received.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if received:
            signal.raise_signal(signal.SIGINT)


class _CheckedFiles(IndexDataCacheFile):
    """Numba's cache files, each followed by its checksum.

    A file without the right checksum, truncated by a power loss for example, counts as missing: what it held is
    compiled again, and the file is replaced. Numba itself would fail in every run until the file is deleted, and LLVM
    may crash on damaged machine code.
    """

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[BinaryIO]:
        buffer = io.BytesIO()
        yield buffer
        content = buffer.getvalue()
        with super()._open_for_write(filepath) as file:
            file.write(content + DIGEST(content).digest())  # unpickling ignores what follows the pickle

    def _load_index(self) -> dict[Any, str]:
        index: dict[Any, str] = super()._load_index() if _is_intact(self._index_path) else {}
        return index

    def _load_data(self, name: str) -> Any:
        path = self._data_path(name)
        if not _is_intact(path):
            raise FileNotFoundError(path)  # Numba then compiles
        return super()._load_data(name)


def _is_intact(path: str) -> bool:
    """Whether a file can be read and ends with the checksum of the rest."""
    try:
        content = Path(path).read_bytes()
    except OSError:
        return False
    return DIGEST(content[:-DIGEST_SIZE]).digest() == content[-DIGEST_SIZE:]


class _CheckedCache(FunctionCache):
    """Numba's cache of a function, in checked files; what cannot be written is compiled again in the next run."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        locator = self._impl.locator
        self._cache_file = _CheckedFiles(self._cache_path, self._impl.filename_base, locator.get_source_stamp())

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Loads machine code, or gives None: what cannot be loaded, for whatever reason, is compiled."""
        try:
            return super().load_overload(signature, context)
        except Exception:
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Writes machine code into the cache; a full disk, for example, is no reason to end a training."""
        with suppress(OSError):
            super().save_overload(signature, result)


class _GeneratedLocator:
    """Says where the machine code of a generated function is kept: beside that of this package's other functions.

    Args:
        function: Its file's name has the checksum of its source in it, which is all that identifies it.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._name = function.__code__.co_filename
        self._beside = CompileResultCacheImpl(_is_intact).locator

    @classmethod
    def from_function(cls, function: Callable[..., Any], _file: str) -> "_GeneratedLocator":
        """As Numba asks for a locator."""
        return cls(function)

    def ensure_cache_path(self) -> None:
        """Makes the folder."""
        self._beside.ensure_cache_path()

    def get_cache_path(self) -> str:
        """The folder."""
        return str(self._beside.get_cache_path())

    def get_source_stamp(self) -> str:
        """What must be the same for the machine code to be valid."""
        return self._name

    def get_disambiguator(self) -> str:
        """What tells functions of one name in one file apart; there is only one."""
        return "1"


class _GeneratedImpl(CompileResultCacheImpl):
    _locator_classes = [_GeneratedLocator]  # noqa: RUF012 - as Numba has it


class _GeneratedCache(_CheckedCache):
    """The cache of a generated function, which has no file of its own."""

    _impl_class = _GeneratedImpl


def inlined(function: Function) -> Function:
    """Makes a function part of the machine code of those that call it."""
    compiled: Function = njit(function, **OPTIONS)
    return compiled


def loop(parallel: bool = False) -> Callable[[Function], Function]:
    """Makes a function a loop of machine code, which is kept for the next run where a folder can be written."""

    def make(function: Function) -> Function:
        dispatcher: Any = njit(function, parallel=parallel)
        with suppress(RuntimeError):  # no folder can be written
            dispatcher._cache = _CheckedCache(function)
        compile_one = dispatcher.compile

        def compile_uninterrupted(signature: Any) -> Any:
            with uninterrupted():
                return compile_one(signature)

        dispatcher.compile = compile_uninterrupted  # Numba calls it once for each signature, compiled or kept
        compiled: Function = dispatcher
        return compiled

    return make


def c_function(source: str, name: str, names: dict[str, Any], arguments: tuple[Any, ...], returned: Any) -> CFunc:
    """Compiles generated source to a function that C can call; its `address` is valid as long as the object lives.

    Args:
        source: Python text, made by this package.
        name: The function in it.
        names: What the text may use.
        arguments: Numba's types.
        returned: Numba's type.
    """
    checksum = DIGEST(f"{OPTIONS}\n{source}".encode()).hexdigest()[:32]
    namespace = {"__name__": __name__} | names  # Numba imports the module of a function that it loads
    exec(compile(source, f"generated_{checksum}", "exec"), namespace)  # noqa: S102 - this package's own text
    function = namespace[name]
    callback = CFunc(function, (arguments, returned), {}, OPTIONS)
    with suppress(RuntimeError):  # no folder can be written
        callback._cache = _GeneratedCache(function)
    with uninterrupted():
        callback.compile()
    return callback
