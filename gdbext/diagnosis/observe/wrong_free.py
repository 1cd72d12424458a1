"""Which allocator's function a thread died in, what it was given back, and whose memory that is.

Three allocators live in a process: the C library's malloc (which ``operator new`` and
``PyMem_RawMalloc`` use, too), and in free-threaded builds mimalloc, below ``PyMem_Malloc`` and
``PyObject_Malloc`` (Objects/obmalloc.c).  None of them knows another's block: the C library finds
the words before it impossible, or follows them; ``mi_free`` takes the 32 MiB below it for one of
its segments; the debug hooks read another API's letter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from gdbext.binfmt.recovered_arguments import recovered
from gdbext.cpython.allocator import debug_hooks, glibc
from gdbext.cpython.allocator.pages import MEM, OBJECT
from gdbext.diagnosis.conclude.allocator_functions import is_mimalloc
from gdbext.diagnosis.conclude.code_owners import is_c_library, is_system
from gdbext.diagnosis.conclude.reporters import reports_fatal_error
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.memory import AllocatorCall, WrongFree
from gdbext.diagnosis.observe.call_target import Passed, called_function, passed_first
from gdbext.diagnosis.observe.stack import Functions
from gdbext.model import Address, Claim, Confidence, Evidence, Subject, Verdict
from gdbext.session import Session
from gdbext.target.protocol import MemoryFault, NativeFrame

MAX_INNER = 16
ALIASES = re.compile(r"^_*(GI_+)?(libc_)?")
DELETE = re.compile(r"operator delete(\[\])?|_Zd[al]Pv")
FREES = frozenset(("free", "cfree", "realloc", "reallocarray"))
ALLOCATES = frozenset(
    ("malloc", "calloc", "memalign", "posix_memalign", "aligned_alloc", "valloc", "strdup")
)
READS = frozenset(("strdup",))
"""They read what they are given, and allocate then: who dies reading has not met the heap."""
PYTHON_FREES = re.compile(r"_?Py(Mem|Object)_(Raw)?(Free|Realloc)$")
HOOKS = ("_PyMem_Debug", "_PyObject_Debug")
FATAL = ("fatal_error", "_Py_FatalError")
CHUNK_HEADER = 16
"""glibc's functions further in take the chunk, which begins before the user's bytes."""
ARGUMENTS = {
    "int_free": (1, None, CHUNK_HEADER),
    "munmap_chunk": (0, "p", CHUNK_HEADER),
    "int_realloc": (1, "oldp", CHUNK_HEADER),
    "free": (0, "mem", 0),
    "realloc": (0, "oldmem", 0),
    "mi_free": (0, "p", 0),
    "_PyMem_MiFree": (1, "ptr", 0),
    "_PyObject_MiFree": (1, "ptr", 0),
    "_PyMem_DebugFree": (1, "ptr", 0),
    "_PyMem_DebugRawFree": (1, "p", 0),
    "_PyMem_DebugCheckAddress": (2, "p", 0),
    "PyMem_Free": (0, "ptr", 0),
    "PyObject_Free": (0, "ptr", 0),
    "PyMem_Realloc": (0, "ptr", 0),
    "PyObject_Realloc": (0, "ptr", 0),
}
"""Which argument of which function is the memory given back, what it is called there, and how far
before the user's bytes it leads.  One without a name is a variable that the function changes, as
``_int_free`` goes back to the free chunk before: only what its code has kept counts.
"""
MMAPPED = 2
PAGE = 4096
APIS = {"raw": "PyMem_RawMalloc", "mem": "PyMem_Malloc", "object": "PyObject_Malloc"}


def read_allocator_call(
    session: Session, functions: Functions, stack: CrashStack
) -> AllocatorCall | None:
    """The allocator's function that the thread died in; None where it died in other code."""
    inner = stack.from_fault[:MAX_INNER]
    machinery: list[NativeFrame] = []
    for frame in inner:
        if not _is_machinery(stack, frame):
            break
        machinery.append(frame)
    if not machinery or len(machinery) == len(inner):
        return None
    caller = next((f for f in inner[len(machinery) :] if not f.is_inlined), None)
    function = _called(session, machinery[-1], caller) if caller is not None else None
    if caller is None or function is None or (function in READS and not _allocates(machinery)):
        return None
    given = None
    if function not in ALLOCATES:
        given = _given_back(session, functions, stack, machinery, caller)
    return AllocatorCall(
        function=function,
        is_cpythons=bool(PYTHON_FREES.match(function)),
        level=caller.level,
        caller=caller.function,
        pointer=given.value if given else None,
        is_read_again=given is not None and given.is_read_again and _has_company(session),
    )


def _has_company(session: Session) -> bool:
    """Whether another thread could have changed memory since the call."""
    return len(session.debugger.threads()) > 1


def _is_machinery(stack: CrashStack, frame: NativeFrame) -> bool:
    name = frame.function or ""
    if stack.is_interpreters(frame.module):
        own = is_mimalloc(name) or PYTHON_FREES.match(name) or name.startswith((*HOOKS, *FATAL))
        return bool(own) or reports_fatal_error(frame) or name in ARGUMENTS
    return is_c_library(frame.module) or (is_system(frame.module) and bool(DELETE.match(name)))


def _called(session: Session, entry: NativeFrame, caller: NativeFrame) -> str | None:
    """The function that was called from outside, by its public name."""
    known = called_function(session.debugger, caller.pc)
    names = [_public(name) for name in (known, entry.function) if name]
    return next((name for name in names if name), None)


def _allocates(machinery: Sequence[NativeFrame]) -> bool:
    """Whether the thread was in the C library's allocator itself."""
    names = (ALIASES.sub("", (f.function or "").split("@")[0]) for f in machinery)
    return any(name in ALLOCATES - READS or name.startswith("int_") for name in names)


def _public(name: str) -> str | None:
    deletes = DELETE.match(name)
    if deletes:
        return "delete[]" if deletes[1] or "daPv" in name else "delete"
    if PYTHON_FREES.match(name):
        return name
    if name == "mi_free":
        return "PyMem_Free"
    bare = ALIASES.sub("", name.split("@")[0])
    return bare if bare in FREES | ALLOCATES else None


def _given_back(
    session: Session,
    functions: Functions,
    stack: CrashStack,
    machinery: list[NativeFrame],
    caller: NativeFrame,
) -> Passed | None:
    """The pointer that was given back, as debug information or the functions' own code has it."""
    debugger, lwp = session.debugger, stack.lwp or 0
    stack_pointers = {f.level: f.sp for f in stack.native_frames}
    for frame in reversed(machinery):
        name = frame.function or ""
        place = ARGUMENTS.get(name) or ARGUMENTS.get(ALIASES.sub("", name))
        if place is None:
            continue
        position, variable, before = place
        known = next((v for v in debugger.variables(lwp, frame.level) if v.name == variable), None)
        value = known.value if known is not None else None
        if value is None and not frame.is_inlined:
            is_caller = not stack.is_exact(frame.level)
            function = functions.addresses(frame, not is_caller)
            if function is not None:
                registers = debugger.registers(lwp, frame.level)
                caller_sp = stack_pointers.get(frame.level + 1)
                value = recovered(
                    session.memory, function, frame.pc, registers, caller_sp, is_caller=is_caller
                ).get(position)
        if value:
            return Passed(value + before)
    function = functions.addresses(caller, False)
    if function is None:
        return None
    registers = debugger.registers(lwp, caller.level)
    return passed_first(debugger, function, caller.pc, registers)


def read_wrong_free(session: Session, call: AllocatorCall | None) -> WrongFree | None:
    """Whose memory was given back, where it is not the allocator's own."""
    if call is None or not call.pointer:
        return None
    try:
        if session.heap.page_of(call.pointer) is not None:
            found = _of_mimalloc(session, call, call.pointer)
        else:
            found = _elsewhere(session, call, call.pointer)
    except MemoryFault:
        return None
    if found is not None and call.is_read_again and found.confidence is Confidence.PROVEN:
        return replace(found, confidence=Confidence.LIKELY)
    return found


def _of_mimalloc(session: Session, call: AllocatorCall, pointer: int) -> WrongFree | None:
    """A block in use of mimalloc's, given to the C library, or to the wrong one of its APIs."""
    records, page = session.heap.records, session.heap.page_of(pointer)
    state = session.heap.judge_block(pointer)
    if page is None or state.block is None or state.verdict.is_dead:
        return None
    is_start = records.data(state.block.start) == pointer
    evidence = [*_passed(call), *state.evidence]
    if not call.is_cpythons:
        kind = (
            "PyMem_Malloc" if page.tag == MEM else "PyObject_Malloc" if page.tag == OBJECT else None
        )
        if kind is None:
            origin = Claim("block-of-object", size=state.block.size)
        elif is_start:
            origin = Claim("block-of-api", api=kind, size=state.block.size)
        else:
            origin = Claim("inside-block-of-api", api=kind, size=state.block.size)
        subject = Subject(pointer, None, None, state.verdict)
        return WrongFree(
            call=call,
            origin=origin,
            is_block=kind is None or is_start,
            # An object, or the middle of a block, may be what a damaged pointer leads to.
            confidence=Confidence.PROVEN if kind is not None and is_start else Confidence.LIKELY,
            subject=subject,
            evidence=tuple(evidence),
        )
    if not records.hooks or not is_start:
        return None
    letter = session.memory.read(pointer - debug_hooks.HEADER // 2, 1)[0]
    api = debug_hooks.API_IDS.get(letter)
    if api is None or APIS[api].removesuffix("Malloc") == _family(call.function):
        return None
    evidence.append(
        Evidence(Claim("hooks-letter", api=APIS[api]), pointer - debug_hooks.HEADER // 2, letter)
    )
    return WrongFree(
        call=call,
        origin=Claim("block-of-api", api=APIS[api], size=state.block.size),
        is_block=True,
        confidence=Confidence.PROVEN,
        subject=Subject(pointer, None, None, state.verdict),
        evidence=tuple(evidence),
    )


def _elsewhere(session: Session, call: AllocatorCall, pointer: int) -> WrongFree | None:
    """Memory that is not mimalloc's, given to it; or no allocator's, given to anybody."""
    place = session.heap.records.places.find(pointer)
    if place is None:
        return None
    evidence = (*_passed(call), Evidence(Claim("in-place", place=place.what, seems=None), pointer))
    origin: Claim = place.what
    # What is no block at all may be a pointer that was read from damage.
    is_block, was_block, confidence = False, False, Confidence.LIKELY
    if place.kind in ("module", "stack"):
        pass
    elif _family(call.function).endswith("Raw"):
        # Raw memory is the C library's or mimalloc's, and in the middle of a block with the hooks.
        return None
    elif not call.is_cpythons:
        around = glibc.chunk_around(session.memory, place.region, pointer)
        if around is None or not around.in_use:
            return None
        origin = Claim("inside-block-of-api", api="malloc", size=None)
        was_block = not pointer % glibc.ALIGNMENT
    elif (chunk := glibc.chunk_at(session.memory, place.region, pointer)) is not None:
        if not chunk.in_use:
            return None
        origin, is_block, confidence = Claim("block-of-malloc"), True, Confidence.PROVEN
        evidence += (Evidence(Claim("chunk-in-use", size=chunk.size), pointer - CHUNK_HEADER),)
    elif place.kind == "c heap" or _is_mmapped(session, pointer):
        origin, is_block = Claim("block-of-malloc"), True
    else:
        return None
    return WrongFree(
        call=call,
        origin=origin,
        is_block=is_block,
        may_have_been_block=was_block,
        confidence=Confidence.POSSIBLE if was_block else confidence,
        subject=Subject(pointer, None, None, Verdict.FOREIGN),
        evidence=evidence,
    )


def _family(function: str) -> str:
    """``PyMem_Raw`` of ``PyMem_RawFree``."""
    return re.sub(r"(Free|Realloc)$", "", function.lstrip("_"))


def _passed(call: AllocatorCall) -> tuple[Evidence, ...]:
    claim = Claim("gave-back", level=call.level, caller=call.caller, function=call.function)
    return (Evidence(claim, None, Address(call.pointer or 0)),)


def _is_mmapped(session: Session, pointer: int) -> bool:
    """Whether it is a block for which malloc() made a mapping of its own."""
    if (pointer - CHUNK_HEADER) % PAGE:
        return False
    size = int.from_bytes(session.memory.read(pointer - 8, 8), "little")
    return bool(size & MMAPPED) and size & ~7 >= PAGE and not (size & ~7) % PAGE
