"""The vocabulary that every package shares, and the dataclasses that are the JSON contract.

Everything here is plain data: no debugger, no memory, no layout, and no sentences.  What is to be
said is a :class:`Claim`, a kind and its arguments; :mod:`gdbext.wording` turns it into English.
Addresses are ``int`` in Python and ``"0x…"`` in JSON (:func:`gdbext.reports.contract.to_json`);
``None`` means "not known", never a default.

Example:
    >>> claim = Claim("type-is", type="list")
    >>> claim.kind, claim["type"]
    ('type-is', 'list')
    >>> Evidence(claim, 0x200000AFF28, 0x9C1A40).value
    10230336
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TypeAlias

SCHEMA_ID = "gdbext.triage/1"


class Confidence(str, enum.Enum):
    """How far a statement goes: ``PROVEN`` means that memory admits no other reading."""

    PROVEN = "proven"
    LIKELY = "likely"
    POSSIBLE = "possible"

    def __str__(self) -> str:
        return self.value

    @property
    def rank(self) -> int:
        """0 is the strongest; for sorting."""
        return ("proven", "likely", "possible").index(self.value)


class Verdict(str, enum.Enum):
    """Is this address alive?  The one word that the heap says of an address (see ``heap/``)."""

    LIVE = "live"
    IMMORTAL = "immortal"
    FREED = "freed"
    PENDING_FREE = "pending-free"
    CACHED = "cached"
    DYING = "dying"
    REUSED = "reused"
    POISONED = "poisoned"
    NEVER_ALLOCATED = "never-allocated"
    INTERIOR = "interior"
    MISALIGNED = "misaligned"
    UNMAPPED = "unmapped"
    NULL = "null"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"

    def __str__(self) -> str:
        return self.value

    @property
    def is_dead(self) -> bool:
        """Whether an object expected at this address is gone (or never was)."""
        return self in _DEAD


_DEAD = frozenset(
    {
        Verdict.FREED,
        Verdict.PENDING_FREE,
        Verdict.CACHED,
        Verdict.REUSED,
        Verdict.POISONED,
        Verdict.NEVER_ALLOCATED,
        Verdict.UNMAPPED,
    }
)


class Address(int):
    """An address, or another word of memory, among a claim's arguments: written in hex.

    >>> f"at {Address(32)}"
    'at 0x20'
    """

    __slots__ = ()

    def __str__(self) -> str:
        return hex(self)

    __repr__ = __str__


class Data(str):
    """Text among a claim's arguments that is the program's own data: ``--redact`` leaves it out."""

    __slots__ = ()


class ThreadName(str):
    """A thread's name among a claim's arguments.

    ``--redact`` leaves it out, unless CPython itself gave it.
    """

    __slots__ = ()


class FilePath(str):
    """A file among a claim's arguments: ``--redact`` leaves its folders out."""

    __slots__ = ()


class Foreign(str):
    """A message that somebody else wrote (a C library, CPython, an extension).

    ``--redact`` leaves out what it quotes, folders of files and names of threads.
    """

    __slots__ = ()


@dataclass(frozen=True)
class AttributeSlot:
    """The slot of an instance's attribute."""

    name: str


@dataclass(frozen=True)
class KeySlot:
    """The slot of a dict's key; ``key`` is its text, or its address where it is not a ``str``."""

    key: Data | Address


@dataclass(frozen=True)
class ValueSlot:
    """The slot of the value of a dict's key; ``key`` as in :class:`KeySlot`."""

    key: Data | Address


@dataclass(frozen=True)
class EntrySlot:
    """A numbered slot of a table: ``table`` is what CPython calls one, such as
    ``entry`` of a set.
    """

    table: str
    number: int


Slot: TypeAlias = "int | str | AttributeSlot | KeySlot | ValueSlot | EntrySlot"
"""Which pointer of an object: an item by its index (int), a C field by its name (str), others."""

Argument: TypeAlias = (
    "int | float | str | Operation | AttributeSlot | KeySlot | ValueSlot | EntrySlot | Claim"
    " | tuple[Argument, ...] | None"
)
"""A plain ``str`` is a name (of a type, a function, a field, a module) or a word of CPython's."""


@dataclass(frozen=True, init=False, repr=False)
class Claim:
    """A statement as a value: its ``kind``, and the arguments of its sentence by name.

    Nothing but :mod:`gdbext.wording` knows the sentence; whoever decides something by a claim asks
    for its kind or for an argument.

    >>> Claim("refcount-below-zero", count=-1)
    Claim('refcount-below-zero', count=-1)
    >>> Claim("refcount-below-zero", count=-1)["count"]
    -1
    """

    kind: str
    arguments: tuple[tuple[str, Argument], ...]

    def __init__(self, kind: str, /, **arguments: Argument) -> None:
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "arguments", tuple(arguments.items()))

    def __getitem__(self, name: str) -> Argument:
        """The argument of that name.

        Raises:
            KeyError: when this kind of claim has none.
        """
        return dict(self.arguments)[name]

    def __repr__(self) -> str:
        shown = "".join(f", {name}={value!r}" for name, value in self.arguments)
        return f"Claim({self.kind!r}{shown})"


@dataclass(frozen=True)
class Evidence:
    """One claim that a reader can check with the debugger's own ``x`` command.

    At ``address`` stands ``value``.
    """

    claim: Claim | str
    address: int | None = None
    value: int | str | Claim | None = None
    about: int | None = None
    """Address of the object that the claim is about (the finding's subject or container).

    None: the finding as a whole.
    """
    broken: bool = False
    """An invariant is broken; reports mark it with a sign and in the error style."""
    private: bool = False
    """``value`` is data of the program: ``--redact`` leaves it out."""


@dataclass(frozen=True)
class Block:
    """The allocator's block that an address lies in.  Sizes in bytes."""

    start: int
    size: int
    domain: str
    """``mem``, ``object``, ``gc`` or ``gc_pre``: CPython's four mimalloc heaps; ``raw`` for
    PyMem_Raw memory.
    """
    page: int
    """Address of the ``mi_page_t``."""
    owner_tstate: int | None = None
    """Thread state whose heap owns the page; None if the page is abandoned (its thread
    has exited).
    """
    owner_tid: int | None = None
    """The owning segment's ``thread_id`` (0 once abandoned)."""
    freed_by: str | None = None
    """``owner`` or ``other thread``, where the list that the block is on shows it."""


@dataclass(frozen=True)
class Liveness:
    """The heap's answer for one address."""

    address: int
    verdict: Verdict
    confidence: Confidence
    evidence: tuple[Evidence, ...] = ()
    block: Block | None = None
    reason: Claim | None = None
    """Why, for people."""


@dataclass(frozen=True)
class Subject:
    """The object that a finding is about."""

    address: int
    type: str | None = None
    expected_type: str | None = None
    liveness: Verdict | None = None


@dataclass(frozen=True)
class Container:
    """Where the subject's pointer came from: ``index`` is a position, or a key's repr
    for a dict.
    """

    address: int
    type: str
    index: int | str | None = None


@dataclass(frozen=True)
class Finding:
    """One rule's result.  ``threads`` are LWPs, the one at fault first."""

    rule: str
    title: Claim | str
    confidence: Confidence
    subject: Subject | None = None
    container: Container | None = None
    threads: tuple[int, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    advice: str = ""
    name: str = ""
    """The rule's own title."""
    kind: str = ""
    """What the rule is about: ``memory``, ``concurrency``, ``plain``, ``exhaustion``,
    ``nothing``.
    """

    @property
    def is_all_well(self) -> bool:
        """Whether it says that nothing is wrong."""
        return self.kind == "nothing"


@dataclass(frozen=True)
class Tool:
    """Who made the report, with which debugger."""

    name: str
    version: str
    debugger: str


@dataclass(frozen=True)
class TargetInfo:
    """What was diagnosed: a core or a process, and the Python in it."""

    kind: str
    """``core`` or ``live``."""
    path: str | None = None
    executable: str | None = None
    build_id: str | None = None
    python_version: str | None = None
    free_threaded: bool | None = None
    debug_build: bool | None = None
    gil_enabled: bool | None = None
    layout_source: str | None = None
    """``dwarf``, ``debug-offsets`` or ``table``: the weakest source that a field in use came from.

    None where no layout is known.
    """
    pid: int | None = None
    """The process's id, where it is alive."""
    layout_table: str | None = None
    """The version and flavour, or the build, whose table the layouts come from, where they come
    from one: ``3.14.10 (release)``.
    """
    opcode_table: str | None = None
    """The version, or the build, whose instructions the process's code was decoded with."""


@dataclass(frozen=True)
class Crash:
    """How it died: the signal, what faulted, the last words."""

    signal: str | None = None
    code: str | None = None
    address: int | None = None
    thread: int | None = None
    assertion: str | None = None
    fatal_error: str | None = None
    victim: bool = False
    """True when the crash site only suffered from damage done elsewhere."""
    victim_reason: Claim | None = None
    victim_confidence: Confidence | None = None
    instruction: str | None = None
    operand: str | None = None
    access: str | None = None
    """``reading``, ``writing`` or ``jumping to`` the address."""


@dataclass(frozen=True)
class SourceLine:
    """One line of an excerpt."""

    number: int
    text: str


@dataclass(frozen=True)
class PythonFrame:
    """``code`` is the address of the code object, ``frame`` that of the ``_PyInterpreterFrame``."""

    file: str
    line: int | None
    function: str
    frame: int = 0
    code: int = 0
    source: str | None = None
    """The text of that line."""
    excerpt: tuple[SourceLine, ...] = ()
    """Some lines around it, for the threads that matter."""


@dataclass(frozen=True)
class NativeFrameInfo:
    """One frame of C code; ``pc`` is where it goes on, ``level`` the debugger's number."""

    level: int
    function: str | None
    file: str | None = None
    line: int | None = None
    pc: int = 0
    module: str | None = None
    arguments: tuple[str, ...] = ()
    """``name=0x…`` as shown to people."""
    python: int | None = None
    """For an eval-loop frame: index into the thread's ``python`` list of the first Python frame it
    runs.
    """
    excerpt: tuple[SourceLine, ...] = ()
    """C source around the line, for the frames that matter."""


@dataclass(frozen=True)
class ThreadInfo:
    """One thread, with its stack and its locks."""

    lwp: int
    name: str | None = None
    crashed: bool = False
    state: str | None = None
    """``attached``, ``detached``, ``suspended`` …; None for a thread without a Python
    thread state.
    """
    native: tuple[NativeFrameInfo, ...] = ()
    python: tuple[PythonFrame, ...] = ()
    holds: tuple[int, ...] = ()
    waits_for: int | None = None
    tstate: int | None = None
    number: int | None = None
    """The debugger's own thread number."""
    doing: str | None = None
    """One phrase for people: what the thread is in the middle of."""
    test: str | None = None
    """The pytest test that it was running: node id and, in brackets, the phase (see
    ``gdbext.pytest_plugin``).
    """


class LockProblemKind(str, enum.Enum):
    """What may be wrong with the locks of a process."""

    MUTEX_MISUSE = "mutex-misuse"
    """A lock's state is impossible, or contradicts who waits for it or says to have it."""
    DEADLOCK = "deadlock"
    """Threads wait for each other's locks in a cycle."""
    STOP_THE_WORLD = "stop-the-world"
    """A thread that stops all others waits for what only they can give, or they do not stop."""

    def __str__(self) -> str:
        return self.value


class OperationKind(str, enum.Enum):
    """What a thread does to an object, and by what it is known.

    ``name`` of an :class:`Operation` is given in brackets.
    """

    CALL = "call"
    """Python code calls a function or method [its name; None: a computed call]."""
    GETATTR = "getattr"
    SETATTR = "setattr"
    DELATTR = "delattr"
    """[the attribute]"""
    GETITEM = "getitem"
    SETITEM = "setitem"
    DELITEM = "delitem"
    BINARY = "binary"
    """[the operator: ``+``, ``+=``]"""
    COMPARE = "compare"
    """[the operator]"""
    CONTAINS = "contains"
    ITER = "iter"
    NEXT = "next"
    SEND = "send"
    UNPACK = "unpack"
    EXTEND = "extend"
    """A display takes all of the object's items [``list``, ``set``, ``dict``: the new object's
    type].
    """
    FORMAT = "format"
    """[``str``, ``repr``, ``ascii``; None without a conversion]"""
    TRUTH = "truth"
    AWAIT = "await"
    LOAD_VARIABLE = "load-deref"
    STORE_VARIABLE = "store-deref"
    DELETE_VARIABLE = "delete-deref"
    """A variable that functions share by its cell."""
    STORE_GLOBAL = "store-global"
    DELETE_GLOBAL = "delete-global"
    """[the variable]"""
    IMPORT = "import"
    """[the module]"""
    RUN = "run"
    """The thread runs the frame."""
    SLOT = "slot"
    """C code of a type's slot runs [the Python operation that the slot is: ``repr``,
    ``setitem``].
    """
    METHOD = "method"
    """C code of a type's method runs [the method]."""
    GETTER = "getter"
    SETTER = "setter"
    """C code of a type's attribute runs [the attribute]."""
    C_FUNCTION = "c-function"
    """C code runs of which no table of a type names the function [the function]."""
    C_CODE = "c-code"
    PYTHON_LINE = "python-line"
    """The current Python line, whatever of it."""
    USE = "use"
    """Any use of the object."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What a thread does to an object, as a value; :mod:`gdbext.wording` says it in English.

    >>> Operation(kind=OperationKind.SETATTR, name="__dict__").verb
    'setattr'
    >>> Operation(kind=OperationKind.SLOT, name="repr", type="list", slot="tp_repr").verb
    'repr'
    """

    kind: OperationKind
    name: str | None = None
    type: str | None = None
    """The type (``tp_name``) that the C code belongs to; None of what Python code does."""
    slot: str | None = None
    """``tp_repr``, of a SLOT."""

    @property
    def verb(self) -> str | None:
        """One word for it, as a Python programmer has it: ``clear``, ``setattr``,
        ``next``, ``+=``.
        """
        kind = OperationKind
        if self.kind is kind.GETTER:
            return "getattr"
        if self.kind is kind.SETTER:
            return "setattr"
        if self.kind in (kind.C_CODE, kind.PYTHON_LINE, kind.USE):
            return None
        named = (kind.CALL, kind.BINARY, kind.EXTEND, kind.FORMAT, kind.SLOT, kind.METHOD)
        if self.kind in (*named, kind.C_FUNCTION):
            return self.name or str(self.kind)
        return str(self.kind)

    @property
    def attribute(self) -> str | None:
        """The attribute, variable or module that it is about; None of other kinds."""
        kind = OperationKind
        of_objects = (kind.GETATTR, kind.SETATTR, kind.DELATTR, kind.GETTER, kind.SETTER)
        others = (kind.STORE_GLOBAL, kind.DELETE_GLOBAL, kind.IMPORT)
        return self.name if self.kind in (*of_objects, *others) else None


@dataclass(frozen=True)
class RaceThread:
    """One side of a race: what the thread does to the object, and where in its code."""

    lwp: int
    name: str | None
    operation: Operation | str
    """A text where the report was read back from JSON."""
    file: str | None = None
    line: int | None = None
    """The line that the thread is in now."""
    function: str | None = None
    suspect_line: int | None = None
    """The line known to have done the damage, where it is not the current one."""
    changes: bool = False
    """Whether its operation is known to change the object; else it may only have read it."""


@dataclass(frozen=True)
class SharedObject:
    """The object that is raced on."""

    address: int
    type: str


@dataclass(frozen=True)
class Race:
    """Threads that work on one object without a lock."""

    confidence: Confidence
    object: SharedObject
    threads: tuple[RaceThread, ...]
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class ItemView:
    """One item of a container, as the heap judges what it points to; ``index`` is a position or a
    key's text.
    """

    index: int | str
    address: int | None
    verdict: Verdict | None = None
    type: str | None = None


@dataclass(frozen=True)
class ContainerView:
    """A container seen from outside: a bounded window of its slots, those in question
    among them.
    """

    address: int
    type: str
    length: int | None = None
    capacity: int | None = None
    slots: tuple[ItemView, ...] = ()
    buffer: int | None = None
    """Address of the array that holds the slots."""


@dataclass(frozen=True)
class BlockRun:
    """``count`` neighbouring blocks of a page, from number ``first``, that are in one state."""

    first: int
    count: int
    state: Verdict


@dataclass(frozen=True)
class HeapPage:
    """A mimalloc page and the state of each of its blocks.  Sizes in bytes."""

    page: int
    """Address of the ``mi_page_t``."""
    start: int
    """Address of block 0."""
    block_size: int
    runs: tuple[BlockRun, ...] = ()
    focus: int | None = None
    """Number of the block that the finding is about."""
    owner: str | None = None
    """Name of the thread that owns the page; None if it is abandoned or not known."""
    domain: str = ""


@dataclass(frozen=True)
class KnownIssue:
    """An issue of CPython that the crash agrees with."""

    id: str
    url: str
    match: str
    """``exact``, ``likely`` or ``possible``."""
    fixed_in: tuple[str, ...] = ()
    advice: str = ""
    title: str = ""
    why: str = ""


@dataclass(frozen=True)
class Signature:
    """What equal crashes have in common.

    ``features`` are names (of rules, types and known issues), and what racing threads do.
    """

    id: str
    frames: tuple[str, ...] = ()
    features: tuple[Operation | str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ModuleInfo:
    """A mapped ELF file.  ``base`` is where its start is mapped, ``build_id`` hex digits."""

    path: str
    base: int
    build_id: str | None


@dataclass(frozen=True)
class SectionError:
    """A part of the report that could not be made, and why."""

    section: str
    message: str


@dataclass(frozen=True, kw_only=True)
class AgreedLine:
    """A line of the program where a racing thread was, and in how many deaths.

    ``operation`` is what most of these deaths say that it does to the object there.
    """

    operation: str
    file: str
    line: int | None
    function: str | None
    deaths: int


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Something that deaths differ in, and how many of them have it: ``SIGSEGV in union_repr``."""

    text: str
    deaths: int


@dataclass(frozen=True, kw_only=True)
class Condition:
    """How the command was run, and in how many deaths of the group that ended."""

    text: str
    """``as it is``, ``PYTHONMALLOC=debug`` …"""
    runs: int
    deaths: int


@dataclass(frozen=True, kw_only=True)
class Freeing:
    """Who freed an object, seen while it happened (``gdbext hunt --blame``).

    ``native`` are functions, innermost first, from the deallocator outwards.
    """

    address: int
    type: str
    name: str | None
    """The thread's."""
    lwp: int
    file: str | None
    line: int | None
    function: str | None
    source: str | None
    native: tuple[str, ...]
    how: str
    """How the address is part of the crash: ``the subject``, ``the container`` …"""
    is_emptied: bool = False
    """The object itself is not freed, but what it held was taken away."""


@dataclass(frozen=True, kw_only=True)
class Blame:
    """What a set of runs under a debugger saw of the objects that went.

    ``events`` is how many deallocations were recorded, ``note`` what the recording did to the
    timing, or why nothing could be joined.
    """

    type: str
    breakpoints: tuple[str, ...]
    runs: int
    deaths: int
    events: int
    freeings: tuple[Freeing, ...]
    note: str


@dataclass(frozen=True, kw_only=True)
class Consensus:
    """What many deaths of one command agree on (``gdbext hunt``).

    The report that has it is the death that agrees with most others; ``symptoms`` are where the
    deaths differ.
    """

    runs: int
    survived: int
    deaths: int
    """Deaths in this group."""
    others: int
    """Deaths in other groups."""
    object_type: str | None
    object_deaths: int
    lines: tuple[AgreedLine, ...] = ()
    symptoms: tuple[Tally, ...] = ()
    signatures: tuple[Tally, ...] = ()
    conditions: tuple[Condition, ...] = ()
    blame: Blame | None = None


@dataclass(frozen=True)
class Report:
    """What a triage found; :func:`gdbext.reports.contract.to_json` of it is the JSON contract."""

    tool: Tool
    target: TargetInfo
    crash: Crash | None
    findings: tuple[Finding, ...]
    race: Race | None
    known_issues: tuple[KnownIssue, ...]
    signature: Signature | None
    threads: tuple[ThreadInfo, ...]
    errors: tuple[SectionError, ...]
    suspects: tuple[Race, ...] = ()
    """All ranked races, ``race`` being the first."""
    containers: tuple[ContainerView, ...] = ()
    """The containers that the findings are about, for pictures."""
    pages: tuple[HeapPage, ...] = ()
    """The heap pages that the findings are about, for pictures."""
    consensus: Consensus | None = None
    """Where the report concludes over many deaths."""
    modules: tuple[ModuleInfo, ...] = ()
    """The executable and the libraries, by address."""
    schema: str = SCHEMA_ID


def kind_of(claim: Claim | str) -> str:
    """The kind of a claim; nothing of a text."""
    return claim.kind if isinstance(claim, Claim) else ""


def index_of(slot: Slot) -> int | str:
    """What the contract calls the ``index`` of a container: a position, or a key's repr.

    >>> index_of(3), index_of(ValueSlot(Data("k"))), index_of(ValueSlot(Address(64)))
    (3, "'k'", '0x40')
    """
    if isinstance(slot, (KeySlot, ValueSlot)):
        key = repr(str(slot.key)) if isinstance(slot.key, Data) else str(slot.key)
        return key if isinstance(slot, ValueSlot) else f"key {key}"
    if isinstance(slot, EntrySlot):
        return f"{slot.table} {slot.number}"
    return f".{slot.name}" if isinstance(slot, AttributeSlot) else slot


def hexaddr(address: int | None) -> str:
    """An address as it is printed everywhere; it can be pasted into the next command."""
    return "?" if address is None else hex(address)


@dataclass
class Problems:
    """Collects what went wrong in sections that could not be finished, so that the rest still comes
    out.
    """

    entries: list[SectionError] = field(default_factory=list)

    def add(self, section: str, message: object) -> None:
        """Note a failure, once."""
        entry = SectionError(section, str(message))
        if entry not in self.entries:
            self.entries.append(entry)
