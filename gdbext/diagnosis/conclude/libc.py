"""What the C library reports of its own heap (malloc/malloc.c): it checks its blocks,
and aborts.
"""

from __future__ import annotations

import re

from gdbext.diagnosis.conclude.reporters import caller_of_system
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.model import Claim, Evidence

DOUBLE_FREE = ("double free detected", "double free or corruption (fasttop)")
HEAP = re.compile(
    r"(free|malloc|realloc|calloc|munmap_chunk|mremap_chunk|malloc_consolidate"
    r"|tcache_thread_shutdown)\(\)|corrupted |double free or corruption|invalid fastbin entry"
)
"""How the messages begin that malloc_printerr is given."""
OF_GIVEN = re.compile(
    r"invalid (pointer|size)|double free or corruption \((out|!prev|top)|invalid next size"
)


def is_double_free(fault: Fault) -> bool:
    """Whether a block was freed again while it was in the thread's cache."""
    return any(words in (fault.library_message or "") for words in DOUBLE_FREE)


def is_damage(fault: Fault) -> bool:
    """Whether the sizes or links between blocks do not fit.

    Something wrote past a block's end, or into a freed one.
    """
    return bool(HEAP.match(fault.library_message or "")) and not is_double_free(fault)


def is_of_given(fault: Fault) -> bool:
    """Whether it is the pointer that was given back which does not fit.

    That need not be the heap's damage: it may be no block at all.
    """
    return bool(OF_GIVEN.search(fault.library_message or ""))


def evidence(fault: Fault, stack: CrashStack) -> list[Evidence]:
    """The message, and who called the function that found it."""
    caller = caller_of_system(stack)
    found = [Evidence(Claim("libc-said"), None, fault.library_message)]
    if caller is not None and caller.function:
        found.append(
            Evidence(Claim("called-it", level=caller.level, function=caller.function), caller.pc)
        )
    return found
