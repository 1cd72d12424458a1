"""How far a crash shows the patterns of an issue.

A pattern (``catalogue.Pattern``) is one way in which an issue shows: types of objects, groups
of operations on them, C functions, an assertion.  :func:`matches` compares it with each object that
may be at fault (a *candidate*, ``features.py``) and notes what is there in a :class:`Match`.  Its
properties are steps of one ladder, and ``identify.py`` makes the level of them:

- ``is_strong``: an assertion or stack of the issue's own.  Enough by itself.
- ``is_whole``: the object, and an operation of every group.  ``is_direct``: these are the two
  operations that race.  With ``is_certain`` (the object is known to be at fault) that is ``exact``.
- ``is_good``: two things of different kinds.  With ``is_founded`` (the crash happened in that code)
  that is ``likely``.
- ``is_near``: one thing that few other defects would show: ``possible``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gdbext.cpython.traits.functions import function_traits
from gdbext.diagnosis import weights
from gdbext.diagnosis.known_issues.catalogue import (
    COMMON_TYPES,
    Issue,
    Pattern,
    functions_in,
    modules_with,
    popularity,
    squeezed,
)
from gdbext.diagnosis.known_issues.features import Candidate, CrashFeatures, bare, module_name
from gdbext.frozen import dataclass
from gdbext.model import Operation, OperationKind

# In the allocator things die that were damaged long before.
ALLOCATOR = re.compile(
    r"_?mi_|_?Py(Object|Mem)_(Mi|GC|Debug|Raw)?(Alloc|Malloc|Calloc|Realloc|Free|New)|gc_alloc|_PyObject_GC_New"
)
CALL = frozenset({"call"})
"""Says nothing of an object of whatever type: what it calls may be at fault."""
CHANGES = (OperationKind.SETATTR, OperationKind.DELATTR)
CLONE_SUFFIX = re.compile(r"\.(cold|part|constprop|isra|lto_priv|llvm)\b.*")


def is_common(function: str) -> bool:
    """Whether the function's standing in a stack says nothing of the cause."""
    is_known = function_traits(function).in_many_stacks or function.startswith("_Py_atomic_")
    return is_known or bool(ALLOCATOR.match(function))


class CandidateWords:
    """A candidate's operations in the words that patterns are in."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.verbs: dict[str, str] = {}
        """The operation as Python has it, by the word for it."""
        self.attributes: set[str] = set()
        self.changed: dict[str, set[str | None]] = {}
        """Which attributes ``setattr`` and ``delattr`` are of; None for one
        that is not known.
        """
        self.direct = frozenset(self._read(candidate.operations))
        self.all = self.direct | frozenset(self._read(candidate.around))

    def _read(self, operations: frozenset[Operation]) -> Iterator[str]:
        for operation in sorted(operations, key=repr):
            if operation.verb is None:
                continue
            yield self._word(operation.verb)
            if operation.verb in CHANGES:
                self.changed.setdefault(operation.verb, set()).add(operation.attribute)
            if operation.attribute:
                self.attributes.add(operation.attribute)
                if operation.verb == OperationKind.GETATTR:
                    # The first half of a method's call.
                    yield self._word(operation.attribute)

    def others(self, attributes: frozenset[str]) -> frozenset[str]:
        """Of the words for changes those that are of no attribute of these."""
        return frozenset(
            word for word, names in self.changed.items() if names.isdisjoint(attributes)
        )

    def _word(self, verb: str) -> str:
        self.verbs.setdefault(bare(verb), verb)
        return bare(verb)


class CrashIndex:
    """A crash's features in the form that patterns are in."""

    def __init__(self, features: CrashFeatures) -> None:
        self.features = features
        self.candidates = [CandidateWords(each) for each in features.candidates] or [
            CandidateWords(Candidate(is_certain=False))
        ]
        self.modules = frozenset(map(module_name, features.modules))
        self.calls: dict[str, set[str]] = {}
        for call in features.calls:
            module, _, name = call.rpartition(".")
            self.calls.setdefault(bare(name), set()).add(module_name(module))
        self.frames = [CLONE_SUFFIX.sub("", name) for name in features.frames]
        self.inner = frozenset(CLONE_SUFFIX.sub("", name) for name in features.inner)
        self.site = [n for n in self.frames if n in self.inner and not is_common(n)][:1]
        """The innermost function that tells something: where the crash happened."""
        self.functions = frozenset(self.frames) | {
            CLONE_SUFFIX.sub("", name) for name in features.other_frames
        }
        self.assertion = squeezed(features.assertion or "")
        self.messages = " ".join(filter(None, (features.fatal_error, features.assertion)))

    def calls_of(self, module: str | None) -> frozenset[str]:
        """The words for functions of that module that are called."""
        return frozenset(word for word, modules in self.calls.items() if module in modules)

    def at_hand(self, modules: set[str | None]) -> set[str | None]:
        """Those of the modules that are loaded; all, where that is not known."""
        loaded = self.features.loaded
        return {m for m in modules if m is None or not loaded or m in loaded}

    def shows(self, quoted: Sequence[frozenset[str]]) -> bool:
        """Whether the crashed thread's innermost frames are those of a quoted stack, functions that
        are often inlined aside.
        """
        position = specific = 0
        for names in quoted:
            ahead = self.frames[position : position + 3]
            hit = next((i for i, name in enumerate(ahead) if name in names), None)
            if hit is not None:
                position += hit + 1
                specific += not all(map(is_common, names))
            elif not any(function_traits(name).often_inlined for name in names):
                return False
        return specific >= 2


# --- matching -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Match:
    """What of a pattern a crash shows, in one of its candidates."""

    pattern: Pattern
    candidate: CandidateWords
    objects: frozenset[str]
    subjects: frozenset[str]
    direct: tuple[frozenset[str], ...]
    """Of each group of operations those that race."""
    groups: tuple[frozenset[str], ...]
    """Of each group of operations those that any thread does to the object, or calls."""
    attributes: frozenset[str]
    functions: frozenset[str]
    rank: int
    """The candidate's place: the best founded one is 0."""
    coverage: float
    """Which part of the operations that race the pattern explains."""
    specificity: float
    """How specific the functions are: each counts by how few issues have it, and more where the
    crash happened.
    """
    is_user: bool
    """One of the functions is what works on the object in the crashed thread."""
    is_at_site: bool
    """One of the functions is where the crash happened."""
    is_inner: bool
    """One of the functions runs the crashed thread's current operation, and that is no
    mere victim.
    """
    in_module: bool
    """The module's C code runs the crashed thread's current operation, or the threads call the
    operation from it.
    """
    is_elsewhere: bool
    """The crashed thread is in the module's code, in functions that another of its defects is
    about, and in none of the pattern's.
    """
    is_own_operation: bool
    """One of the operations is of no other module that the process has loaded."""
    in_python: bool
    has_rule: bool
    has_assertion: bool
    has_message: bool
    is_quoted: bool

    @property
    def score(self) -> float:
        """For ranking only.  What explains more of the operations that were seen ranks higher."""
        groups = [group for group in self.groups[: weights.MAX_OPERATION_GROUPS] if group]
        racing = min(weights.MAX_RACING_OPERATIONS, len(frozenset().union(*self.direct)))
        functions = min(weights.MAX_FUNCTIONS, weights.FUNCTIONS * self.specificity)
        python_functions = len(self.pattern.python_functions) * self.in_python
        return (
            weights.OBJECT * bool(self.objects)
            + weights.SUBJECT * (bool(self.subjects) and not self.objects)
            + weights.OPERATION_GROUP * len(groups)
            + weights.RACING_OPERATION * racing
            + self.coverage
            + weights.ATTRIBUTE * bool(self.attributes)
            + functions
            + weights.IN_MODULE * self.in_module
            + weights.PYTHON_FUNCTION * python_functions
            + weights.RULE * self.has_rule
            + weights.ASSERTION * self.has_assertion
            + weights.MESSAGE * self.has_message
            + weights.QUOTED_FRAMES * self.is_quoted
        )

    @property
    def is_whole(self) -> bool:
        """The object, and an operation of every group; or, of a hang, the Python functions and the
        rule.
        """
        if self.in_python and self.has_rule:
            return True
        if self.pattern.is_object_alone:
            return bool(self.objects)
        known = (
            bool(self._telling_objects)
            if self.pattern.names_object
            else bool(self.attributes) or self.in_module
        )
        if self.pattern.both and self.coverage < 1:
            return False
        if self.is_mere_call:
            return False
        return known and self._operates and (bool(self.attributes) or not self.pattern.attributes)

    @property
    def _telling_objects(self) -> frozenset[str]:
        """Of the objects those that say something: a type that all programs share does not where
        the operation may be that of another module (``dumps`` of ``json`` and of ``pickle``).
        """
        shown = self.in_module or self.attributes or self.functions
        if not self.pattern.module or shown:
            return self.objects
        return self.objects if self.is_own_operation else self.objects - COMMON_TYPES

    @property
    def is_mere_call(self) -> bool:
        """All that is seen of the pattern is that something is called, as whatever wraps a function
        is: what it calls is at fault, as often as not, unless the crash is in the wrapper itself.
        """
        is_all = self._operates and not self.pattern.is_call_alone
        seen = frozenset().union(*self.groups)
        return seen == CALL and not is_all and not self.is_at_site

    @property
    def is_at_odds(self) -> bool:
        """What races is known, and only a part of it is the pattern's.

        What a method of a subclass does, its name does not tell.
        """
        is_subclass = bool(self.objects) and not self.objects & self.candidate.candidate.types
        is_founded = self.is_inner and self.specificity >= weights.FUNCTIONS_ALONE
        is_known = len(self.candidate.direct) > 1 and not is_subclass
        is_part = self.coverage < 1 and (self.pattern.both or not self._operates)
        return is_known and is_part and not is_founded

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
        return self.candidate.candidate.is_certain or (self.in_python and self.has_rule)

    @property
    def is_founded(self) -> bool:
        """At least the crash happened in the code that the issue is about."""
        return self.is_certain or self.candidate.candidate.is_site or self.is_inner

    @property
    def is_strong(self) -> bool:
        """Enough by itself, whatever else would fit too."""
        names_itself = bool(self.objects or self.subjects or self.functions or self.in_module)
        own_message = (
            self.has_message
            and names_itself
            and (self.pattern.names_object or self.pattern.module is not None)
        )
        return self.has_assertion or self.is_quoted or own_message

    @property
    def is_good(self) -> bool:
        """Two things of different kinds, or frames that hardly anything else has."""
        something = bool(self.objects or self.subjects)
        return not self.is_mere_call and (
            self.is_whole
            or (self._has_rare_type and any(self.groups))
            or (
                self.is_inner
                and self.specificity >= weights.FUNCTIONS_WITH_MORE
                and (something or self.in_module or self._operates)
            )
            or (
                self.is_inner
                and self.specificity >= weights.FUNCTIONS_ALONE
                and (any(self.groups) or not self.pattern.operations)
            )
            or (bool(self.objects) and bool(self.functions) and any(self.direct))
            or (self._operates and self.in_module and (something or not self.pattern.names_object))
            or (self._operates and self.pattern.is_general)
        )

    @property
    def is_near(self) -> bool:
        """One thing that at least few other defects would show."""
        return (
            self.has_message
            or (self.is_inner and self.specificity >= weights.FUNCTIONS_NEAR)
            or self._has_rare_type
        )

    @property
    def _has_rare_type(self) -> bool:
        return bool((self.objects | self.subjects) - COMMON_TYPES)

    @property
    def why(self) -> str:
        """What was seen, for people."""
        words = (
            "/".join(sorted(self.candidate.verbs.get(word, word) for word in group))
            for group in self.groups
            if group
        )
        seen = [
            ", ".join(sorted(self.objects or self.subjects)),
            " and ".join(words),
            ", ".join(sorted(self.attributes)),
            f"module {self.pattern.module}" if self.in_module else "",
            ", ".join(sorted(self.pattern.python_functions)) if self.in_python else "",
            f"frames {', '.join(sorted(self.functions)[:3])}" if self.functions else "",
            "its assertion" if self.has_assertion else "",
            "its message" if self.has_message else "",
            "the frames that the issue quotes" if self.is_quoted else "",
        ]
        return "; ".join(filter(None, seen))


def matches(issue: Issue, pattern: Pattern, crash: CrashIndex) -> Iterator[Match]:
    """How far a crash shows a pattern in each of its candidates; nothing where its rules are not
    that defect's.
    """
    rules = crash.features.rules
    if rules and not (pattern.rules or issue.rules) & rules:
        return
    for rank, candidate in enumerate(crash.candidates):
        found = _match(issue, pattern, crash, candidate, rank)
        if pattern.in_use and not found.is_user:
            continue
        if found.is_strong or found.is_good or found.is_near:
            yield found


def _objects(pattern: Pattern, candidate: Candidate) -> frozenset[str]:
    """The pattern's types that the candidate's object is of.

    What is wrong with a C type's own code is wrong with objects of its subclasses.
    """
    objects = pattern.types & candidate.types
    if pattern.exact:
        return objects
    return objects | ((pattern.types | pattern.families) & candidate.families)


def _done(
    pattern: Pattern, crash: CrashIndex, words: CandidateWords, objects: frozenset[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """The words for what the two threads that race do, and for what any thread does or calls, as
    far as that may be a sign of the pattern: none of what is done to another object, or to another
    attribute.
    """
    direct, seen = words.direct, words.all
    if pattern.names_object and not objects:
        return frozenset(), frozenset()
    if pattern.attributes and words.attributes and words.attributes.isdisjoint(pattern.attributes):
        return frozenset(), frozenset()
    others: frozenset[str] = frozenset()
    if pattern.attributes:
        others = words.others(pattern.attributes)
    called = crash.calls_of(pattern.module)
    is_called = any(not called.isdisjoint(group) for group in pattern.operations)
    if pattern.module and not is_called and not objects - COMMON_TYPES:
        # A function of that name of another module is another one, unless it is seen to be done to
        # an object of the module's: next(reader).
        others |= frozenset(word for word in crash.calls if word not in called)
    return direct - others, seen - others


def _match(
    issue: Issue, pattern: Pattern, crash: CrashIndex, words: CandidateWords, rank: int
) -> Match:
    features, candidate = crash.features, words.candidate
    kinds = candidate.types | candidate.families
    objects = _objects(pattern, candidate)
    attributes = pattern.attributes & words.attributes
    operations = frozenset().union(*pattern.operations)
    called = crash.calls_of(pattern.module)
    direct, seen = _done(pattern, crash, words, objects)
    if not (candidate.is_site and pattern.names_object) and not called.isdisjoint(operations):
        seen |= frozenset(crash.calls)
    functions = frozenset(
        name for name in pattern.functions & crash.functions if not is_common(name)
    )
    outer = _specificity(functions - crash.inner) / 2
    return Match(
        pattern=pattern,
        candidate=words,
        objects=objects,
        subjects=pattern.types & features.subject_types,
        direct=tuple(group & direct for group in pattern.operations),
        groups=tuple(group & seen for group in pattern.operations),
        attributes=attributes,
        functions=functions,
        rank=rank,
        coverage=len(operations & direct) / max(len(words.direct), 1),
        specificity=_specificity(functions & crash.inner) + min(1.0, outer),
        is_user=not functions.isdisjoint(candidate.used_in),
        is_at_site=not functions.isdisjoint(crash.site) and not features.is_victim,
        is_inner=not functions.isdisjoint(crash.inner) and not features.is_victim,
        in_module=pattern.module in crash.modules or not operations.isdisjoint(called),
        is_elsewhere=_is_elsewhere(issue, pattern, crash),
        is_own_operation=any(
            crash.at_hand(modules_with(word, kinds)) == {pattern.module}
            for word in operations & seen
        ),
        in_python=bool(pattern.python_functions)
        and pattern.python_functions <= features.python_functions,
        has_rule=bool(pattern.rules & features.rules),
        has_assertion=bool(crash.assertion)
        and any(text in crash.assertion for text in pattern.assertions),
        has_message=any(text in crash.messages for text in pattern.messages),
        is_quoted=crash.shows(issue.quoted),
    )


def _is_elsewhere(issue: Issue, pattern: Pattern, crash: CrashIndex) -> bool:
    """Whether the crashed thread runs what others of the module's defects are about.

    ``pickle.dumps`` walks a dict in ``batch_dict_exact``, and ``sys.modules`` in ``whichmodule``:
    who died in the one did not die of the other.  A defect that happens in one thread alone is none
    where there are others: ``array.append`` is in ``i_setitem``, too.

    Of an object of the module's own type a pattern's functions are examples: whatever threads do to
    an Element is the issue of Elements.
    """
    module, kinds = pattern.module, pattern.types | pattern.families
    if not kinds or not kinds <= COMMON_TYPES:
        return False
    if module is None or module not in crash.modules or crash.features.is_victim:
        return False
    if not pattern.functions or not pattern.functions.isdisjoint(crash.functions):
        return False
    known = functions_in(module)
    for name in crash.inner:
        groups = {
            other.group
            for other in known.get(name, ())
            if other.one_thread != "always" or crash.features.is_alone
        }
        if groups and issue.group not in groups and not is_common(name):
            return True
    return False


def _specificity(functions: frozenset[str]) -> float:
    return sum(1 / popularity()[name] for name in functions)
