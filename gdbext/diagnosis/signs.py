"""The catalogue's entries, and how far a crash shows an entry's signs.

A sign says what a crash looks like where a defect is at work; an issue may have several, each on its own.  It names the shared
object's types, what the threads do to it (groups of operations: one of each group must be seen), attributes, the C module,
C functions, assertions, messages and rules.  ``scripts/check_known_issues.py`` checks the catalogue's form.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gdbext.cpython.traits.types import types_with

CATALOGUE = Path(__file__).with_name("known_issues.json")

MEMORY_RULES = frozenset(
    [
        "FT101",
        "FT102",
        "FT103",
        "FT104",
        "FT105",
        "FT201",
        "FT203",
        "FT204",
        "FT205",
        "FT206",
        "FT301",
        "FT401",
        "FT402",
        "FT404",
        "FT405",
    ]
)
CLASS_RULES: dict[str, frozenset[str]] = {
    "deadlock": frozenset({"FT302", "FT303", "FT304"}),
    "mutex-misuse": frozenset({"FT102", "FT205", "FT302", "FT401", "FT402", "FT404", "FT405"}),
    "stack-overflow": frozenset({"FT403"}),
    "lazy-init-race": MEMORY_RULES | {"FT202"},
}
"""The rules that a class of defects may show as; all others show as damaged memory."""

RACES = frozenset(
    {"borrowed-item-uaf", "lazy-init-race", "non-atomic-reinit", "unlocked-resize", "refcount-race"}
)
"""Classes of defects that two threads make between them."""

# Functions that stand in many stacks say nothing of the cause.
COMMON = frozenset(
    [
        "_Py_TYPE", "Py_TYPE", "Py_INCREF", "Py_DECREF", "Py_XDECREF", "_Py_NewRef", "Py_NewRef", "_Py_Dealloc",
        "_Py_MergeZeroLocalRefcount", "PyObject_Repr", "PyObject_Str", "PyObject_GetIter", "PyObject_GetBuffer",
        "PyObject_VectorcallMethod", "_PyObject_VectorcallTstate", "_PyObject_GetMethod", "PySequence_GetItem",
        "PyUnicode_FromFormat", "PyUnicode_FromFormatV", "unicode_from_format", "unicode_fromformat_arg",
        "PyUnicodeWriter_WriteRepr", "builtin_next", "_PyEval_EvalFrameDefault", "getset_set", "getset_get", "type_setattro",
        "_PyObject_GenericSetAttrWithDict", "_PyObject_GenericGetAttrWithDict", "PyDict_Next", "PyDict_GetItem",
        "_PyDict_GetItem_KnownHash", "PyMem_Free", "PyMem_Realloc", "_PyMem_MiRealloc", "mi_heap_realloc", "free", "malloc",
        "_PyMem_DebugCheckAddress", "_PyMem_DebugRawFree", "_PyMem_DebugFree", "_PyObject_DebugDumpAddress", "_PyMem_DebugRawAlloc",
        "_PyMem_DebugRawRealloc", "_PyMem_DebugRealloc", "_PyMem_DebugMalloc", "_PyMem_DebugCalloc",
        "memcpy", "memmove", "strlen", "_PySemaphore_Wait", "_PyParkingLot_Park", "_PyMutex_LockTimed", "PyMutex_Lock",
        "PyMutex_Unlock", "_PyThreadState_Attach", "_PyThreadState_Detach", "PyEvent_WaitTimed", "do_futex_wait",
        "__new_sem_wait_slow", "gc_collect_internal", "gc_visit_heaps", "list_traverse", "_PyObject_AssertFailed", "insertdict",
        "save", "dump", "load", "fatal_error", "fatal_error_exit",
    ]
)  # fmt: skip
# In the allocator things die that were damaged long before.
ALLOCATOR = re.compile(
    r"_?mi_|_?Py(Object|Mem)_(Mi|GC|Debug|Raw)?(Alloc|Malloc|Calloc|Realloc|Free|New)|gc_alloc|_PyObject_GC_New"
)
# Release builds have no frames of their own for these.
INLINED = frozenset(
    {
        "_Py_TYPE",
        "Py_TYPE",
        "Py_INCREF",
        "_Py_NewRef",
        "list_repr_impl",
        "gen_send_ex2",
        "_memory_release",
    }
)
# In the catalogue a word with an @ stands for all these operations.
CLASSES = {
    "@advance": (
        "next iter list tuple set frozenset dict sorted sum min max any all bytes bytearray extend extendleft update join unpack "
        "contains deque Counter zip map filter enumerate islice chain reduce"
    ),
    "@change-list": "append extend insert pop remove clear setitem delitem sort reverse += *=",
    "@change-dict": "setitem delitem pop popitem clear update setdefault |=",
    "@change-set": (
        "add discard remove pop clear update difference_update intersection_update symmetric_difference_update |= &= -= ^="
    ),
    "@repr": "repr str ascii print format",
}
COMMON_TYPES = types_with("common")
"""Types that every program shares between threads: alone they are no sign of anything."""


def is_common(function: str) -> bool:
    """Whether the function's standing in a stack says nothing of the cause."""
    return function in COMMON or bool(ALLOCATOR.match(function))


CLONE_SUFFIX = re.compile(r"\.(cold|part|constprop|isra|lto_priv|llvm)\b.*")
# How reports word what a slot does, and the Python operation that is.
PHRASES = (
    (re.compile(r"^setting "), "setattr"),
    (re.compile(r"^reading "), "getattr"),
    (re.compile(r"^deallocating |^garbage-collecting "), "dealloc"),
    (re.compile(r"^clearing "), "clear"),
    (re.compile(r"^calling "), "call"),
    (re.compile(r"\[[^\]]*\] ="), "setitem"),
    (re.compile(r"\[[^\]]*\]$"), "getitem"),
    (re.compile(r"^comparing |^compare\b"), "compare"),
    (re.compile(r"^(?:format|extend) (\w+)$"), r"\1"),
)
PROJECT = re.compile(r"(?:python3?-)?(.+?)(?:#|PR)\d+$")
"""Ids of other projects' issues and pull requests: ``greenlet#513``, ``python-rapidjson#234``, ``numpyPR27955``."""


@dataclass(frozen=True)
class Sign:
    """One way that an issue shows.  Empty fields say nothing."""

    types: frozenset[str]
    families: frozenset[str]
    operations: tuple[frozenset[str], ...]
    attributes: frozenset[str]
    module: str | None
    functions: frozenset[str]
    assertions: tuple[str, ...]
    messages: tuple[str, ...]
    rules: frozenset[str]
    python_functions: frozenset[str]

    @property
    def names_object(self) -> bool:
        return bool(self.types or self.families)

    @property
    def is_object_alone(self) -> bool:
        """Whatever is done to the object is wrong where threads share it."""
        further = (
            self.operations,
            self.attributes,
            self.functions,
            self.assertions,
            self.messages,
            self.rules,
        )
        return self.names_object and not any(further)

    @property
    def is_general(self) -> bool:
        """Operations that are wrong on every object that threads share."""
        return bool(self.operations) and not (
            self.names_object or self.attributes or self.module or self.functions or self.rules
        )


@dataclass(frozen=True)
class Issue:
    """One entry; ``group`` is the id of the issue that this one is the same defect as, else its own."""

    id: str
    url: str
    title: str
    defect: str
    affected: tuple[str, ...]
    fixed_in: tuple[str, ...]
    quoted: tuple[frozenset[str], ...]
    """The innermost frames of the stack that the issue's thread quotes; alternatives stand together."""
    advice: str
    group: str
    signs: tuple[Sign, ...]
    one_thread: str | None
    """``enough`` or ``always``: one whose operation calls Python code that changes what it works on; None: see its class."""

    @property
    def project(self) -> str | None:
        """The extension that it is an issue of; None for CPython's own."""
        found = PROJECT.match(self.id)
        return module_name(found[1]) if found else None

    @property
    def needs_threads(self) -> bool:
        return self.defect in RACES and self.one_thread is None

    @property
    def rules(self) -> frozenset[str]:
        return CLASS_RULES.get(self.defect, MEMORY_RULES)


@functools.cache
def catalogue() -> tuple[Issue, ...]:
    """Every issue that crashes or hangs and has signs to be known by."""
    entries = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    return tuple(
        _issue(entry) for entry in entries if entry["signs"] and entry.get("crashes", True)
    )


def _issue(entry: Mapping[str, Any]) -> Issue:
    frames = [frozenset([names] if isinstance(names, str) else names) for names in entry["frames"]]
    return Issue(
        entry["id"],
        entry["url"],
        entry["title"],
        entry["class"],
        tuple(entry["affected"]),
        tuple(entry["fixed_in"]),
        tuple(frames[: entry["frames_quoted"]]),
        entry["advice"],
        entry.get("same_as", entry["id"]),
        tuple(map(_sign, entry["signs"])),
        entry.get("one_thread"),
    )


def _sign(entry: Mapping[str, Any]) -> Sign:
    return Sign(
        types=frozenset(entry.get("types", ())),
        families=frozenset(entry.get("families", ())),
        operations=tuple(frozenset(_words(group)) for group in entry.get("operations", ())),
        attributes=frozenset(entry.get("attributes", ())),
        module=module_name(entry["module"]) if "module" in entry else None,
        functions=frozenset(entry.get("functions", ())),
        assertions=tuple(map(_squeeze, entry.get("assertions", ()))),
        messages=tuple(entry.get("messages", ())),
        rules=frozenset(entry.get("rules", ())),
        python_functions=frozenset(entry.get("python_functions", ())),
    )


@functools.cache
def _popularity() -> Counter[str]:
    """In how many issues' signs each C function stands: the more, the less it tells."""
    return Counter(
        name
        for issue in catalogue()
        for name in {name for sign in issue.signs for name in sign.functions}
    )


# --- the crash --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scene:
    """One object that may be at fault, and what is done to it.

    ``types`` are of the object, ``families`` the names of its base types (``BaseException``, ``_ctypes.Array``).
    ``operations`` are the two that race, as reports word them (``clear``, ``setattr __dict__``, ``repr(list)``), ``around`` those
    of all other threads and in the same loops.  ``is_certain`` is False where object and operations are only suspected;
    ``is_site`` says that the crashed C code itself works on the object.
    """

    types: frozenset[str] = frozenset()
    families: frozenset[str] = frozenset()
    operations: frozenset[str] = frozenset()
    around: frozenset[str] = frozenset()
    is_certain: bool = True
    is_site: bool = False
    still_holds: bool = False
    """The object still holds the item that was lost: no thread took it away."""


@dataclass(frozen=True)
class CrashFeatures:
    """What is known of a crash.  Anything may be missing.

    ``scenes`` are the objects that may be at fault, the best founded first; ``subject_types`` are the types of what was lost
    (the finding's subject, and what it was taken for).  ``frames`` are the crashed thread's native functions, innermost first,
    ``inner`` those of them that its current Python operation runs, and ``other_frames`` those of the other threads.
    ``modules`` are the C files or shared objects of the inner frames, as paths or as names; ``calls`` the functions and
    classes that the threads call, with their modules (``_pickle.dumps``).  ``is_victim``: the
    crash site only suffered from earlier damage.  ``is_alone``: the process has one Python thread.
    ``loaded`` are the names of all packages and files that the process has mapped; empty: not known.
    """

    rules: frozenset[str] = frozenset()
    scenes: tuple[Scene, ...] = ()
    subject_types: frozenset[str] = frozenset()
    frames: tuple[str, ...] = ()
    inner: frozenset[str] = frozenset()
    other_frames: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    python_functions: frozenset[str] = frozenset()
    assertion: str | None = None
    fatal_error: str | None = None
    signal: str | None = None
    loaded: frozenset[str] = frozenset()
    is_victim: bool = False
    is_alone: bool = False


def operation_words(text: str) -> tuple[str, str | None]:
    """(operation, attribute) of a report's phrase for what a thread does.

    >>> operation_words("setattr __dict__"), operation_words("list.append()"), operation_words("repr(list)")
    (('setattr', '__dict__'), ('append', None), ('repr', None))
    """
    for pattern, word in PHRASES:
        if found := pattern.search(text):
            return found.expand(word), None
    head, _, rest = text.strip().partition(" ")
    return head.split("(")[0].rsplit(".", 1)[-1], rest or None


def module_name(path: str) -> str:
    """A module's name, without underscores, in the path of its source or of its shared object: ``json`` for C's ``_json`` too.

    >>> module_name("/usr/src/Modules/_heapqmodule.c"), module_name("/lib-dynload/_json.cpython-313t-x86_64-linux-gnu.so")
    ('heapq', 'json')
    """
    return path.rsplit("/", 1)[-1].split(".")[0].removesuffix("module").strip("_") or path


def _words(group: Sequence[str]) -> Iterator[str]:
    for word in group:
        yield from map(bare, CLASSES.get(word, word).split())


def bare(word: str) -> str:
    return word.strip("_") or word


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


class SceneWords:
    """A scene's operations in the form that signs are in."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.words: dict[str, str] = {}
        self.attributes: set[str] = set()
        self.direct = frozenset(self._read(scene.operations))
        self.all = self.direct | frozenset(self._read(scene.around))

    def _read(self, operations: frozenset[str]) -> Iterator[str]:
        for text in sorted(operations):
            word, attribute = operation_words(text)
            self.words.setdefault(bare(word), word)
            yield bare(word)
            if attribute:
                self.attributes.add(attribute)
            if attribute and word == "getattr":
                # The first half of a method's call.
                self.words.setdefault(bare(attribute), attribute)
                yield bare(attribute)


class Crash:
    """A crash's features in the form that signs are in."""

    def __init__(self, features: CrashFeatures) -> None:
        self.features = features
        self.scenes = [SceneWords(scene) for scene in features.scenes] or [
            SceneWords(Scene(is_certain=False))
        ]
        self.modules = frozenset(map(module_name, features.modules))
        self.calls: dict[str, set[str]] = {}
        for call in features.calls:
            module, _, name = call.rpartition(".")
            self.calls.setdefault(bare(name), set()).add(module_name(module))
        self.frames = [CLONE_SUFFIX.sub("", name) for name in features.frames]
        self.inner = frozenset(CLONE_SUFFIX.sub("", name) for name in features.inner)
        self.functions = frozenset(self.frames) | {
            CLONE_SUFFIX.sub("", name) for name in features.other_frames
        }
        self.assertion = _squeeze(features.assertion or "")
        self.messages = " ".join(filter(None, (features.fatal_error, features.assertion)))

    def calls_of(self, module: str | None) -> frozenset[str]:
        """The words for functions of that module that are called."""
        return frozenset(word for word, modules in self.calls.items() if module in modules)

    def shows(self, quoted: Sequence[frozenset[str]]) -> bool:
        """Whether the crashed thread's innermost frames are those of a quoted stack, functions that are often inlined aside."""
        position = telling = 0
        for names in quoted:
            ahead = self.frames[position : position + 3]
            hit = next((i for i, name in enumerate(ahead) if name in names), None)
            if hit is not None:
                position += hit + 1
                telling += not all(map(is_common, names))
            elif not names & INLINED:
                return False
        return telling >= 2


# --- fitting ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fit:
    """What of a sign a crash shows, in one of its scenes."""

    sign: Sign
    scene: SceneWords
    objects: frozenset[str]
    subjects: frozenset[str]
    direct: tuple[frozenset[str], ...]
    """Of each group of operations those that race."""
    groups: tuple[frozenset[str], ...]
    """Of each group of operations those that any thread does to the object, or calls."""
    attributes: frozenset[str]
    functions: frozenset[str]
    coverage: float
    """Which part of the operations that race the sign explains."""
    telling: float
    """How much the functions tell: each counts by how few issues have it, and more where the crash happened."""
    is_inner: bool
    """One of the functions runs the crashed thread's current operation, and that is no mere victim."""
    in_module: bool
    """The module's C code runs the crashed thread's current operation, or the threads call the operation from it."""
    in_python: bool
    has_rule: bool
    has_assertion: bool
    has_message: bool
    is_quoted: bool

    @property
    def score(self) -> float:
        """For ranking only.  What explains more of the operations that were seen ranks higher."""
        return (
            3 * bool(self.objects)
            + 1.5 * (bool(self.subjects) and not self.objects)
            + sum(1.0 for group in self.groups[:2] if group)
            + 2 * min(2, len(frozenset().union(*self.direct)))
            + self.coverage
            + 2 * bool(self.attributes)
            + min(3.0, 2 * self.telling)
            + 1.5 * self.in_module
            + 2 * len(self.sign.python_functions) * self.in_python
            + self.has_rule
            + 6 * self.has_assertion
            + 3 * self.has_message
            + 6 * self.is_quoted
        )

    @property
    def is_whole(self) -> bool:
        """The object, and an operation of every group; or, of a hang, the Python functions and the rule."""
        if self.in_python and self.has_rule:
            return True
        if self.sign.is_object_alone:
            return bool(self.objects)
        known = (
            bool(self.objects)
            if self.sign.names_object
            else bool(self.attributes) or self.in_module
        )
        return known and self._operates and (bool(self.attributes) or not self.sign.attributes)

    @property
    def _operates(self) -> bool:
        return bool(self.groups) and all(self.groups)

    @property
    def is_direct(self) -> bool:
        """Whole, and the operations are those that race."""
        return self.is_whole and (all(self.direct) or self.in_python)

    @property
    def is_certain(self) -> bool:
        """The scene is the cause, as far as anything is known of it."""
        return self.scene.scene.is_certain or (self.in_python and self.has_rule)

    @property
    def is_founded(self) -> bool:
        """At least the crash happened in the code that the issue is about."""
        return self.is_certain or self.scene.scene.is_site or self.is_inner

    @property
    def is_strong(self) -> bool:
        """Enough by itself, whatever else would fit too."""
        names_itself = bool(self.objects or self.subjects or self.functions or self.in_module)
        own_message = (
            self.has_message
            and names_itself
            and (self.sign.names_object or self.sign.module is not None)
        )
        return self.has_assertion or self.is_quoted or own_message

    @property
    def is_good(self) -> bool:
        """Two things of different kinds, or frames that hardly anything else has."""
        something = bool(self.objects or self.subjects)
        return (
            self.is_whole
            or (self._has_rare_type and any(self.groups))
            or (
                self.is_inner
                and self.telling >= 0.5
                and (something or self.in_module or self._operates)
            )
            or (self.is_inner and self.telling >= 1.5)
            or (bool(self.objects) and bool(self.functions) and any(self.direct))
            or (self._operates and self.in_module and (something or not self.sign.names_object))
            or (self._operates and self.sign.is_general)
        )

    @property
    def is_near(self) -> bool:
        """One thing that at least few other defects would show."""
        return self.has_message or (self.is_inner and self.telling >= 0.3) or self._has_rare_type

    @property
    def _has_rare_type(self) -> bool:
        return bool((self.objects | self.subjects) - COMMON_TYPES)

    @property
    def why(self) -> str:
        """What was seen, for people."""
        words = (
            "/".join(sorted(self.scene.words.get(word, word) for word in group))
            for group in self.groups
            if group
        )
        seen = [
            ", ".join(sorted(self.objects or self.subjects)),
            " and ".join(words),
            ", ".join(sorted(self.attributes)),
            f"module {self.sign.module}" if self.in_module else "",
            ", ".join(sorted(self.sign.python_functions)) if self.in_python else "",
            f"frames {', '.join(sorted(self.functions)[:3])}" if self.functions else "",
            "its assertion" if self.has_assertion else "",
            "its message" if self.has_message else "",
            "the frames that the issue quotes" if self.is_quoted else "",
        ]
        return "; ".join(filter(None, seen))


def fits(issue: Issue, sign: Sign, crash: Crash) -> Iterator[Fit]:
    """How far a crash shows a sign in each of its scenes; nothing where its rules are not that defect's."""
    rules = crash.features.rules
    if rules and not (sign.rules or issue.rules) & rules:
        return
    for scene in crash.scenes:
        found = _fit(issue, sign, crash, scene)
        if found.is_strong or found.is_good or found.is_near:
            yield found


def _fit(issue: Issue, sign: Sign, crash: Crash, scene: SceneWords) -> Fit:
    features = crash.features
    objects = sign.types & scene.scene.types | sign.families & scene.scene.families
    attributes = sign.attributes & scene.attributes
    called = crash.calls_of(sign.module)
    operations = frozenset().union(*sign.operations)
    direct, seen = scene.direct, scene.all
    if (sign.names_object and not objects) or (
        sign.attributes and scene.attributes and not attributes
    ):
        # What is done to another object, or to another attribute than the one that the issue is about, is no sign of it.
        direct = seen = frozenset()
    elif sign.module and called.isdisjoint(operations):
        # A function of that name of another module is another one.
        others = frozenset(word for word in crash.calls if word not in called)
        direct, seen = direct - others, seen - others
    if not (scene.scene.is_site and sign.names_object) and not called.isdisjoint(operations):
        seen |= frozenset(crash.calls)
    groups = tuple(group & seen for group in sign.operations)
    functions = frozenset(name for name in sign.functions & crash.functions if not is_common(name))
    return Fit(
        sign,
        scene,
        objects,
        sign.types & features.subject_types,
        tuple(group & direct for group in sign.operations),
        groups,
        attributes,
        functions,
        len(operations & direct) / max(len(scene.direct), 1),
        _telling(functions & crash.inner) + min(1.0, _telling(functions - crash.inner) / 2),
        not functions.isdisjoint(crash.inner) and not features.is_victim,
        sign.module in crash.modules or not operations.isdisjoint(called),
        bool(sign.python_functions) and sign.python_functions <= features.python_functions,
        bool(sign.rules & features.rules),
        bool(crash.assertion) and any(text in crash.assertion for text in sign.assertions),
        any(text in crash.messages for text in sign.messages),
        crash.shows(issue.quoted),
    )


def _telling(functions: frozenset[str]) -> float:
    return sum(1 / _popularity()[name] for name in functions)
