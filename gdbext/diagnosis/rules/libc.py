"""FT104 and FT105 of the C library's own heap: glibc checks its blocks, says what is wrong, and aborts (malloc/malloc.c)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gdbext.diagnosis.case import Case
from gdbext.diagnosis.rules.build import caller_of_system, finding
from gdbext.model import Confidence, Evidence, Finding

DOUBLE_FREE = ("double free detected", "double free or corruption (fasttop)")
HEAP = re.compile(
    r"(free|malloc|realloc|calloc|munmap_chunk|mremap_chunk|malloc_consolidate|tcache_thread_shutdown)\(\)"
    r"|corrupted |double free or corruption|invalid fastbin entry"
)
"""How the messages begin that malloc_printerr is given."""


def double_free(case: Case) -> Iterator[Finding]:
    """FT104: a block was freed again while it was in the thread's cache."""
    if any(words in (case.fault.library_message or "") for words in DOUBLE_FREE):
        yield _finding(case, "FT104", "a block of malloc() was freed twice")


def damaged(case: Case) -> Iterator[Finding]:
    """FT105: the sizes or links between blocks do not fit: something wrote past a block's end, or into a freed one."""
    message = case.fault.library_message or ""
    if HEAP.match(message) and not any(words in message for words in DOUBLE_FREE):
        yield _finding(case, "FT105", f"the C library found its heap damaged: {message}")


def _finding(case: Case, rule: str, detail: str) -> Finding:
    caller = caller_of_system(case)
    evidence = [Evidence("the C library said", None, case.fault.library_message)]
    if caller is not None:
        evidence.append(Evidence(f"#{caller.level} {caller.function} called it", caller.pc))
    return finding(case, rule, detail, Confidence.PROVEN, evidence=evidence)
