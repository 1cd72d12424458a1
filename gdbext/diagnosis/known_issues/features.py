"""What is known of a crash, as the catalogue's patterns are compared with."""

from __future__ import annotations

from gdbext.frozen import dataclass
from gdbext.model import Operation


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One object that may be at fault, and what is done to it.

    ``types`` are of the object, ``families`` the names of its base types (``BaseException``,
    ``_ctypes.Array``).  ``operations`` are the two that race, ``around`` those of all other threads
    and in the same loops.
    """

    types: frozenset[str] = frozenset()
    families: frozenset[str] = frozenset()
    operations: frozenset[Operation] = frozenset()
    around: frozenset[Operation] = frozenset()
    is_certain: bool = True
    """False where object and operations are only suspected."""
    is_site: bool = False
    """The crashed C code itself works on the object."""
    used_in: frozenset[str] = frozenset()
    """The functions of the crashed thread's current operation that have the object in a variable;
    empty where that is not known.
    """
    still_holds: bool = False
    """The object still holds the item that was lost: no thread took it away."""
    is_written_over: bool = False
    """The object has a word that cannot be a pointer, where one belongs."""
    takes_turns: bool = False
    """One of the two threads is at a lock that the other one's code takes as well."""


@dataclass(frozen=True, kw_only=True)
class CrashFeatures:
    """What is known of a crash.  Anything may be missing."""

    rules: frozenset[str] = frozenset()
    """The findings' rules."""
    candidates: tuple[Candidate, ...] = ()
    """The objects that may be at fault, the best founded first."""
    subject_types: frozenset[str] = frozenset()
    """The types of what was lost: the finding's subject, and what it was taken for."""
    frames: tuple[str, ...] = ()
    """The crashed thread's native functions, innermost first."""
    inner: frozenset[str] = frozenset()
    """Those of ``frames`` that its current Python operation runs."""
    other_frames: frozenset[str] = frozenset()
    """The native functions of the other threads."""
    modules: frozenset[str] = frozenset()
    """The C files or shared objects of the inner frames, as paths or as names."""
    calls: frozenset[str] = frozenset()
    """The functions and classes that the threads call, with their modules (``_pickle.dumps``)."""
    python_functions: frozenset[str] = frozenset()
    assertion: str | None = None
    fatal_error: str | None = None
    signal: str | None = None
    loaded: frozenset[str] = frozenset()
    """The names of all packages and files that the process has mapped; empty: not known."""
    is_victim: bool = False
    """The crash site only suffered from earlier damage."""
    is_alone: bool = False
    """The process has one Python thread."""
    is_unshared: bool = False
    """No other thread has the object that the crashed C code works on, and no race on another is
    likely.
    """
    own_code: str | None = None
    """The extension's function that faulted, where what it faulted on came from no object that is
    shared.
    """


def module_name(path: str) -> str:
    """A module's name, without underscores, in the path of its source or of its shared object:
    ``json`` for C's ``_json`` too.

    >>> module_name("/usr/src/Modules/_heapqmodule.c")
    'heapq'
    >>> module_name("/lib-dynload/_json.cpython-313t-x86_64-linux-gnu.so")
    'json'
    """
    return path.rsplit("/", 1)[-1].split(".")[0].removesuffix("module").strip("_") or path


def bare(word: str) -> str:
    """A name without the underscores around it: ``init`` for ``__init__``."""
    return word.strip("_") or word
