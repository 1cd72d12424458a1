"""Cheap tests of a layout against the process that it is to be used on.

Each rests on something that CPython keeps true at any moment: a thread state names the interpreter
in whose list it is, the type of types is its own type, static objects are immortal.  A layout of
another build fails at least one of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.target.protocol import Memory, MemoryFault

MAX_INTERPRETERS = 64
MAX_THREADS = 64
MAX_LWP = 1 << 22
ATTACHED = 1
HEAPS = 4
IMMORTAL = 0xFFFFFFFF
READY = 1 << 12
"""Py_TPFLAGS_READY"""


def check(memory: Memory, layout: Layout, runtime: int) -> list[str]:
    """What does not hold, one sentence each; empty when the layout fits the process whose
    ``_PyRuntime`` is at ``runtime``.

    A place that the layout does not know is not tested.  Of the thread states one that holds in
    every respect is enough: the others' memory may have been overwritten.  Where the interpreter or
    the types were, a right layout can fail.
    """
    failures: list[str] = []
    for test in (_interpreters, _threads, _types):
        try:
            failures += test(memory, layout, runtime)
        except UnknownLayout:
            continue
        except MemoryFault as fault:
            failures.append(f"{test.__name__.strip('_').replace('_', ' ')}: {fault}")
    return failures


def is_running(memory: Memory, layout: Layout, runtime: int) -> bool:
    """Whether the interpreter is up: not in a process that has yet to make it, or takes it down on
    its way out.
    """
    try:
        return bool(layout.record(memory, "_PyRuntimeState", runtime).get("initialized", 1))
    except (UnknownLayout, MemoryFault):
        return True


def _interpreters(memory: Memory, layout: Layout, runtime: int) -> Iterator[str]:
    found = list(_chain(memory, layout, "PyInterpreterState", _head(memory, layout, runtime)))
    if not found:
        yield "the runtime's list of interpreters is empty"
        return
    ids = [
        layout.record(memory, "PyInterpreterState", address)["id"]
        for address in found[:MAX_INTERPRETERS]
    ]
    if ids != sorted(set(ids), reverse=True) or ids[-1] > 1 << 32:
        yield f"the interpreters' ids are {ids}: not those of a list that grows at its head"
    if layout.has("_PyRuntimeState", "interpreters.main"):
        main = _word(memory, runtime + layout.offset("_PyRuntimeState", "interpreters.main"))
        if main and main not in found and len(found) < MAX_INTERPRETERS:
            yield f"the main interpreter, {main:#x}, is not in the list of interpreters"


def _threads(memory: Memory, layout: Layout, runtime: int) -> Iterator[str]:
    """Thread states; where one is found that holds in every respect, others were overwritten."""
    failures: list[str] = []
    count = 0
    is_one_sound = False
    try:
        for interpreter in _chain(
            memory, layout, "PyInterpreterState", _head(memory, layout, runtime)
        ):
            previous = 0
            for thread in _threads_of(memory, layout, interpreter):
                count += 1
                wrong = [
                    *_thread(memory, layout, interpreter, thread, previous),
                    *_free_threading(memory, layout, interpreter, thread),
                ]
                failures += wrong
                is_one_sound |= not wrong and _has_heaps(memory, layout, thread)
                previous = thread
    except MemoryFault as fault:
        failures.append(f"threads: {fault}")
    if not count:
        failures.append("no interpreter has a thread state")
    if not is_one_sound:
        yield from failures


def _thread(
    memory: Memory, layout: Layout, interpreter: int, thread: int, previous: int
) -> Iterator[str]:
    record = layout.record(memory, "PyThreadState", thread)
    if record["interp"] != interpreter:
        yield (
            f"thread state {thread:#x} says that it is of interpreter "
            f"{record['interp']:#x}, not {interpreter:#x}"
        )
    if record["prev"] != previous:
        yield f"thread state {thread:#x} has {record['prev']:#x} before it, not {previous:#x}"
    if "state" in record and record["state"] > 5:
        yield f"thread state {thread:#x} is in state {record['state']}, which there is not"
    if (
        bool(record["thread_id"]) != bool(record["native_thread_id"])
        or record["native_thread_id"] >= MAX_LWP
    ):
        yield (
            f"thread state {thread:#x} has thread id {record['thread_id']:#x} and LWP "
            f"{record['native_thread_id']}"
        )


def _types(memory: Memory, layout: Layout, runtime: int) -> Iterator[str]:
    """From a dict that every interpreter has, up to the type of types and the base of all."""
    interpreter = next(
        _chain(memory, layout, "PyInterpreterState", _head(memory, layout, runtime)), 0
    )
    if not interpreter:
        return
    sysdict = layout.record(memory, "PyInterpreterState", interpreter)["sysdict"]
    if not sysdict:
        return  # the interpreter is starting or ending
    of_dict = layout.record(memory, "PyObject", sysdict)["ob_type"]
    of_types = layout.record(memory, "PyObject", of_dict)["ob_type"]
    base = layout.record(memory, "PyTypeObject", of_types)["tp_base"]
    if layout.record(memory, "PyObject", of_types)["ob_type"] != of_types:
        yield f"the type of types, {of_types:#x}, is not its own type"
    for address, name in ((of_dict, "dict"), (of_types, "type"), (base, "object")):
        kind = layout.record(memory, "PyTypeObject", address)
        text = memory.read(kind["tp_name"], len(name) + 1)
        if text != name.encode() + b"\0":
            yield f"the type {name} at {address:#x} calls itself {text!r}"
        if not kind["tp_flags"] & READY:
            yield f"the type {name} at {address:#x} is not ready"
        if "ob_ref_local" in kind and (kind["ob_ref_local"], kind["ob_tid"]) != (IMMORTAL, 0):
            yield f"the type {name} at {address:#x} is static, but not immortal"


def _free_threading(memory: Memory, layout: Layout, interpreter: int, thread: int) -> Iterator[str]:
    """What a thread has: its heaps and, where attached, its place in QSBR and in biased reference
    counting.
    """
    try:
        state = layout.record(memory, "_PyThreadStateImpl", thread)
        is_attached = layout.record(memory, "PyThreadState", thread)["state"] == ATTACHED
        if is_attached and "brc.tid" in state and state["brc.tid"] != state["thread_id"]:
            yield (
                f"thread state {thread:#x}: brc.tid is {state['brc.tid']:#x}, "
                f"thread_id {state['thread_id']:#x}"
            )
        if is_attached and "qsbr" in state and (place := state["qsbr"]):
            shared = layout.record(memory, "_qsbr_thread_state", place)
            own = interpreter + layout.offset("PyInterpreterState", "qsbr")
            if (shared["shared"], shared["tstate"]) != (own, thread):
                yield f"thread state {thread:#x}: its place in QSBR, {place:#x}, is another's"
        for heap, tld, index in _heaps(layout, thread):
            record = layout.record(memory, "mi_heap_t", heap)
            if not is_attached and not record["tld"]:
                continue  # a thread that has yet to begin, or has ended
            if (record["tld"], record["tag"]) != (tld, index):
                yield (
                    f"thread state {thread:#x}: heap {index} at {heap:#x} has "
                    f"tag {record['tag']} and tld {record['tld']:#x}"
                )
    except UnknownLayout:
        return


def _has_heaps(memory: Memory, layout: Layout, thread: int) -> bool:
    """Whether all of a thread's heaps say whose they are.

    A layout of another build finds no such four pointers into the thread state itself.
    """
    try:
        return all(
            layout.record(memory, "mi_heap_t", heap)["tld"] == tld
            for heap, tld, _index in _heaps(layout, thread)
        )
    except (UnknownLayout, MemoryFault):
        return False


def _heaps(layout: Layout, thread: int) -> Iterator[tuple[int, int, int]]:
    """(address, where its thread's data should be, index) of each."""
    first = thread + layout.offset("_PyThreadStateImpl", "mimalloc.heaps")
    tld = thread + layout.offset("_PyThreadStateImpl", "mimalloc.tld")
    for index in range(HEAPS):
        yield first + index * layout.size("mi_heap_t"), tld, index


def _head(memory: Memory, layout: Layout, runtime: int) -> int:
    return _word(memory, runtime + layout.offset("_PyRuntimeState", "interpreters.head"))


def _threads_of(memory: Memory, layout: Layout, interpreter: int) -> Iterator[int]:
    head = _word(memory, interpreter + layout.offset("PyInterpreterState", "threads.head"))
    return _chain(memory, layout, "PyThreadState", head, MAX_THREADS)


def _chain(
    memory: Memory, layout: Layout, struct: str, address: int, limit: int = MAX_INTERPRETERS
) -> Iterator[int]:
    """A list that is linked through the field ``next``."""
    offset = layout.offset(struct, "next")
    seen: set[int] = set()
    while address and address not in seen and len(seen) < limit:
        seen.add(address)
        yield address
        address = _word(memory, address + offset)


def _word(memory: Memory, address: int) -> int:
    return int.from_bytes(memory.read(address, 8), "little")
