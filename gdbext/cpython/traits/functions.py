"""Traits of C functions, by name: who ends objects, reports fatal errors, stands in any stack.

>>> function_traits("_Py_Dealloc").ends_object, function_traits("frobnicate").ends_object
(True, False)
>>> sorted(functions_with("initialises_lazily"))
['union_init_parameters']
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Set

from gdbext.cpython.traits.rows import load
from gdbext.frozen import dataclass

EVAL_LOOP = "_PyEval_EvalFrameDefault"
EVAL_ENTRY = "_PyEval_EvalFrame"
"""By which C code enters the loop with a frame; it is inlined (Include/internal/pycore_ceval.h)."""
"""The function that runs bytecode (Python/ceval.c)."""


@dataclass(frozen=True, kw_only=True)
class FunctionTraits:
    """One row of ``functions.json``; a function without a row has none of these traits."""

    source: str = ""
    """The file of CPython that defines the function; ``glibc`` for the C library's."""
    since: str | None = None
    """The first version that has the function, where that is later than 3.13."""
    ends_object: bool = False
    """What a lost reference leads to, outside of a static type's slot."""
    reports_fatal_error: bool = False
    """Every fatal error comes through one of these; the next three are its parameters' names."""
    reporter: str = ""
    """Who reports it."""
    message: str = ""
    """What; its expression stands in ``expr`` where there is not a message."""
    about: str = ""
    """The object that it is about."""
    collects: bool = False
    """Runs the garbage collector, which visits every object there is."""
    gives_up_lock: bool = False
    """Unlocks a mutex, and reports a fatal error where that is not locked."""
    parameters: tuple[str, ...] = ()
    """All its parameters' names, where the function is exported."""
    counts_references: bool = False
    """Takes a reference to an object, and looks at nothing else of it."""
    looks_up: bool = False
    """Finds an object under a key, and gives it back as it is: its variables are what it found, or
    not set yet.
    """
    initialises_lazily: bool = False
    """Fills in an object's fields when they are first asked for."""
    in_many_stacks: bool = False
    """Stands in stacks of many kinds: it says nothing of the cause."""
    often_inlined: bool = False
    """Release builds have no frame of its own for it."""


NO_TRAITS = FunctionTraits()


@functools.cache
def functions() -> Mapping[str, FunctionTraits]:
    """Every row, by name."""
    return {name: FunctionTraits(**row) for name, row in load("functions.json").items()}


def function_traits(name: str | None) -> FunctionTraits:
    """The traits of the function of that name."""
    return functions().get(name or "", NO_TRAITS)


@functools.cache
def functions_with(trait: str) -> Set[str]:
    """The names of all functions that have a trait.

    >>> "PyObject_Repr" in functions_with("in_many_stacks")
    True
    """
    return frozenset(name for name, row in functions().items() if getattr(row, trait))
