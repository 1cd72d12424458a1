"""What each rule means, in words: the source of ``gdbext explain`` and of every report's titles and advice."""

from __future__ import annotations

from dataclasses import dataclass

from gdbext.model import RULES


@dataclass(frozen=True)
class RuleDoc:
    """``advice`` is what to do about it; the title stands in the contract's own table, ``model.RULES``."""

    id: str
    explanation: str
    advice: str

    @property
    def title(self) -> str:
        return RULES[self.id]


_DOCS = (
    RuleDoc(
        "FT101",
        "A container's item was used after the object had been freed. Either the container still holds the pointer (a reference "
        "too few somewhere), or the reader had borrowed the item and another thread (or code that the reader itself called) "
        "removed it, which dropped the last reference. Proven when the allocator has the item's block on a free list, or "
        "something else lives there, and the container's memory shows where the pointer came from. Where no C frame has the "
        "container, a heap of at most 32 MiB is searched for one that the program has and that still holds the pointer.",
        "Hold a strong reference while using an item (PyList_GetItemRef, PyDict_GetItemRef), or take the container's critical "
        "section for the whole walk. In Python code, give each thread its own copy or guard the container with a lock.",
    ),
    RuleDoc(
        "FT102",
        "C code works on an object whose memory is free, queued to be freed, or filled with the debug allocator's dead bytes.",
        "Find who dropped the last reference while it was still in use: a missing Py_INCREF, a Py_DECREF too many, or a borrowed "
        "reference that another thread, or Python code called meanwhile in the same thread, could end.",
    ),
    RuleDoc(
        "FT103",
        "The block that the code takes for one type of object holds an object of another type: the first was freed, and its memory "
        "was handed out again. Whatever is read through the old pointer is the new object's.",
        "It is a use after free whose victim was reused; look for the lost reference to the first object, not at the second.",
    ),
    RuleDoc(
        "FT104",
        "An object's reference count went below zero, or a block was freed twice.",
        "Look for a Py_DECREF without its own reference, or for two threads that both give up one reference (an unlocked "
        "read-then-clear of a field).",
    ),
    RuleDoc(
        "FT105",
        "The allocator's own lists contain something that it did not put there. The thread that crashed only happened to use the "
        "damaged list; the code that wrote to freed or foreign memory is elsewhere.",
        "The crashing frame need not be the cause: look at the suspects, the block's neighbours, and at what other threads do. "
        "PYTHONMALLOC=debug or a debug build catches the write closer to its cause.",
    ),
    RuleDoc(
        "FT201",
        "A types.UnionType (typing.Union) object's args is not an exact tuple. make_union sets args once, before anyone can see "
        "the union, and nothing changes it: the union's memory was reused or overwritten.",
        "If the union itself was freed, find its lost reference (see FT101, FT102); if it is alive, something wrote over it.",
    ),
    RuleDoc(
        "FT202",
        "Two threads filled in one union's lazily made parameters at once. One of the two tuples is lost: it leaks, or its reader "
        "is left with a pointer whose reference is gone. Where both threads were caught in it, triage says so; what was left over "
        "long before is found by `ft scan --orphans`, which names the unions.",
        "Upgrade to 3.13.4, 3.14 or later, where a critical section guards it (gh-132713).",
    ),
    RuleDoc(
        "FT203",
        "A container's size or storage is not what the C code that walks it still assumes: it was resized or cleared meanwhile.",
        "Take the container's critical section for the whole walk, or work on a copy.",
    ),
    RuleDoc(
        "FT204",
        "An object's __init__ ran again while another thread was in one of its methods; it replaced a field and freed what the "
        "method was still using. CPython calls concurrent __init__ unsupported and leaves it unfixed for classmethod and "
        "staticmethod up to 3.14.",
        "Never call __init__ on an object that other threads can see; build a new object and publish that. 3.15 sets classmethod "
        "and staticmethod up in __new__ (gh-144330).",
    ),
    RuleDoc(
        "FT205",
        "A field that must hold an object is NULL: the object was seen before it was built, or after it was taken apart.",
        "Publish an object only when it is complete; check fields that another thread may clear, and results that may be NULL.",
    ),
    RuleDoc(
        "FT206",
        "A live object's header or field holds a value that CPython never puts there, or a pointer leads to something else than "
        "the object that the code takes it for.",
        "Something wrote over the object (a wild pointer, a buffer overrun of a neighbour, an unlocked update), or C code takes "
        "one thing for another: a cast without a check, a field never set. The evidence names the word and what it looks like.",
    ),
    RuleDoc(
        "FT301",
        "Two threads work on one mutable object at the same time, at least one of them changes it, and no lock that both hold "
        "protects it.",
        "Guard the object with a lock, give each thread its own, or hand it over through a queue.",
    ),
    RuleDoc(
        "FT302",
        "A lock's state is impossible or contradicts its waiters.",
        "Look for an unlock without a lock, a lock in freed memory, or a lock held across fork.",
    ),
    RuleDoc(
        "FT303",
        "Threads wait for each other in a circle.",
        "Take the locks in one order everywhere.",
    ),
    RuleDoc(
        "FT304",
        "A thread asked all others to stop, and at least one stays attached without reaching a safe point.",
        "The thread that does not stop runs C code without detaching: wrap long native work in Py_BEGIN_ALLOW_THREADS.",
    ),
    RuleDoc(
        "FT305",
        "A thread without an attached thread state was using Python objects.",
        "Attach first (PyGILState_Ensure, or end Py_BEGIN_ALLOW_THREADS earlier): a detached thread may run during a garbage "
        "collection.",
    ),
    RuleDoc(
        "FT401",
        "The interpreter or an extension was built with assertions, and one of them failed.",
        "The assertion states what was expected; the findings beside it say what memory held instead.",
    ),
    RuleDoc(
        "FT402",
        "The interpreter gave up with Py_FatalError.",
        "Read the message; the crashed thread's stack says who reported it.",
    ),
    RuleDoc(
        "FT403",
        "The thread's C stack is used up: the faulting access is just below the stack's mapping.",
        "Find the recursion in the stack below; bound it, or give the thread a larger stack (threading.stack_size).",
    ),
    RuleDoc(
        "FT404",
        "The faulting access has nothing to do with a Python object that gdbext can see.",
        "Treat it as any C crash: the crashed thread's native stack and the faulting operand are where to start.",
    ),
    RuleDoc(
        "FT405",
        "The process called abort() (or was sent SIGABRT) without a C assertion or a fatal Python error.",
        "The native stack names the caller. Where another process sent the signal (a watchdog, a time limit), look at what the "
        "threads were doing instead.",
    ),
    RuleDoc("FT000", "No rule found anything wrong.", ""),
)
DOCS = {doc.id: doc for doc in _DOCS}
