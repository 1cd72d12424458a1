"""A signature that is equal for one defect over runs, builds, threads and line drift, and differs between defects.

The id is made of the cause, as far as it was found: real races die at another victim each time.  The first of these that is
known goes into it:

1. the known issue, with the object's type and attribute where the issue is about several (``gh-146452 pickle dict``);
2. the race: the object's type and what is wrong to do to it (:func:`misdeeds`).  One that is merely possible counts only
   where the fault could be its consequence and its site tells nothing;
3. the headline finding: its rule, the types of container and subject, a failed assertion's text, and the fault site
   (:func:`site_frames`); where that tells nothing, the innermost functions that there are (:func:`called_functions`), the
   innermost Python functions, and the extension module, if one is loaded: it may have done the damage.

Never in it: addresses, thread ids, line numbers, confidences, and which thread did what (a race is an unordered pair).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from itertools import groupby

from gdbext.diagnosis.case import Case, CFrame
from gdbext.diagnosis.code_owners import is_others
from gdbext.diagnosis.known import scene_of
from gdbext.diagnosis.known_issues import Identified
from gdbext.diagnosis.signs import CLASSES, COMMON_TYPES, Scene, bare, operation_words
from gdbext.model import Confidence, Finding, Race, Signature
from gdbext.target.protocol import NativeFrame

MAX_FRAMES = 3
MAX_CALLERS = 2
# One lost reference shows as any of these, by what the block is used for when it is looked at.
FAMILY = {"FT101": "stale", "FT102": "stale", "FT103": "stale", "FT201": "stale", "FT104": "stale"}
VICTIMS = ("FT105", "FT301")
NOTHING_WRONG = "FT000"
PLAIN = ("FT401", "FT402", "FT404", "FT405")
AGAIN = frozenset({"init", "setstate"})
"""An object that is in use is not to be initialised again, whatever its type."""
OWN = frozenset(
    bare(word) for name, words in CLASSES.items() if name != "@advance" for word in words.split()
) | frozenset(
    "getitem len iter next contains index count copy get keys values items compare call getattr setattr delattr".split()
)
"""What the methods and operators of containers do, under the container's lock."""

PYTHONS = re.compile(r"_?Py[A-Z_]")
"""Names that CPython keeps for its own functions."""
EXPORTED_PLUMBING = re.compile(
    r"_?Py(Eval|Vectorcall|Object_(Vectorcall|Call|MakeTpCall)|Function_Vectorcall|Run|Mem_|Object_(Malloc|Calloc|Realloc|Free|Mi)"
    r"|_(Run|Main|Bytes|Fatal|DecRef|MergeZero|Dealloc|Negative)|Object_Assert)"
)
"""CPython's functions that are in any stack, or in those of debug builds only."""
LIBRARY_PLUMBING = (
    "raise",
    "abort",
    "gsignal",
    "pthread_kill",
    "start_thread",
    "clone",
    "libc_start",
    "start",
    "main",
)
PROCESSORS = re.compile(r"_(s?sse|avx|evex|unaligned|erms|rtm)[a-z0-9_]*$")
"""The processor that one of glibc's functions is for: ``__strlen_evex``."""


def signature(
    case: Case, findings: Sequence[Finding], races: Sequence[Race], known: Identified
) -> Signature:
    """Frames and features for people, and the id made of the cause."""
    headline = findings[0] if findings else None
    features, frames = _of_finding(case, headline), site_frames(case)
    called = called_functions(case) if not frames and case.fault.is_crash else []
    race = races[0] if races and _is_cause(case, races[0], headline, frames) else None
    certain = [issue.id for issue in known.issues[:1] if issue.match != "possible"]
    if race:
        features += [race.object.type, *sorted({t.operation for t in race.threads})]
    features += certain
    if known.defect and (certain or race):
        key = ["issue", *known.defect]
    elif race:
        key = ["race", race.object.type, *misdeeds(scene_of(case, race))]
    else:
        key = _site(case, headline, frames, called)
    if headline and headline.rule in VICTIMS:
        frames = called = []
    digest = hashlib.sha256("\n".join(key).encode()).hexdigest()[:16]
    return Signature(digest, tuple(frames or called), tuple(dict.fromkeys(features)))


def misdeeds(scene: Scene) -> list[str]:
    """What is wrong to do to the object, of all that the threads do to it: in each crash of one defect the same.

    That is setting an attribute, or initialising it again.  Of the containers that all programs share, whose own methods lock,
    the type tells nothing, and the functions that walk them from outside are at fault; other objects are just not to be shared.

    >>> misdeeds(Scene(frozenset({"dict"}), operations=frozenset({"clear", "update"}), around=frozenset({"maketrans"})))
    ['maketrans']
    """
    found = {operation_words(text) for text in scene.around or scene.operations}
    words = {bare(word) for word, _ in found}
    told = {
        attribute for word, attribute in found if word in ("setattr", "delattr") and attribute
    } | words & AGAIN
    if scene.types & COMMON_TYPES and not told:
        told = words - OWN or {bare(operation_words(text)[0]) for text in scene.operations}
    return sorted(told)


def _is_cause(case: Case, race: Race, headline: Finding | None, frames: Sequence[str]) -> bool:
    """Whether the crash is laid to the race.

    One that is merely possible explains damaged memory, and a fault in CPython's own code that has no site to be known by.
    A failed check, an abort and a fault in other code have causes of their own.
    """
    if race.confidence is not Confidence.POSSIBLE or headline is None or headline.rule not in PLAIN:
        return True
    return headline.rule == "FT404" and not frames and not _in_other_code(case)


def _in_other_code(case: Case) -> bool:
    """Whether the fault came in or below a library that is no part of Python, or by a signal that somebody sent."""
    if case.fault.signal is not None and case.fault.signal.sender is not None:
        return True
    for frame in case.c_frames:
        if not case.same_call(0, frame.frame.level):
            break
        if _is_foreign(case, frame.frame):
            return True
    return False


def _is_foreign(case: Case, frame: NativeFrame) -> bool:
    """Whether a frame's code is neither of Python nor of the system."""
    return is_others(frame.module, case.interpreter_module)


def _is_extensions(case: Case, frame: NativeFrame) -> bool:
    """Whether a frame is a function of an extension module itself: none out of a header, and not libffi's gateway."""
    return (
        _is_foreign(case, frame)
        and not _is_of_header(frame)
        and not (frame.function or "").startswith("ffi_")
    )


def _is_of_header(frame: NativeFrame) -> bool:
    """Whether a function is compiled in from a header, such as Py_DECREF: optimisers leave nothing of most of them."""
    if frame.file is None:
        return frame.is_inlined or bool(PYTHONS.match(frame.function or ""))
    return frame.file.endswith((".h", ".hpp"))


def _of_finding(case: Case, headline: Finding | None) -> list[str]:
    """Its rule and the types that it names."""
    if headline is None:
        return []
    subject = headline.subject
    kinds = (
        headline.container.type if headline.container else None,
        subject.expected_type or subject.type if subject else None,
    )
    return [headline.rule, *(kind for kind in kinds if kind)]


def _site(
    case: Case, headline: Finding | None, frames: Sequence[str], called: Sequence[str]
) -> list[str]:
    key = [FAMILY.get(feature, feature) for feature in _of_finding(case, headline)]
    if case.fault.assertion and not (headline and headline.rule in FAMILY):
        key.append(case.fault.assertion)
    if headline and headline.rule in VICTIMS:
        return [*key, *_only_extension(case)]
    if headline and headline.rule == NOTHING_WRONG:
        # Whoever is stopped from outside may be anywhere.
        return key
    place = list(frames) or [*called, *_only_extension(case)]
    if case.lwp is not None and not frames:
        callers = case.python_stack(case.lwp).frames[:MAX_CALLERS]
        place += [f"{os.path.basename(frame.file)} {frame.function}" for frame in callers]
    return [*key, "--", *place]


def _only_extension(case: Case) -> list[str]:
    """The extension module that is loaded, if there is one only.  Which of several are, may depend on when it crashed."""
    names = {
        os.path.basename(module.path).split(".")[0]
        for module in case.session.modules
        if is_others(module.path, case.interpreter_module)
    }
    found = [name for name in names if case.session.debugger.symbol(f"PyInit_{name}") is not None]
    return found if len(found) == 1 else []


def site_frames(case: Case) -> list[str]:
    """The innermost functions, up to the Python frame that called them, that every build has.

    Optimisers inline static helpers, so release and debug builds crash in different frames.  What stays is every function
    whose address stands in a table of the interpreter's data, such as a type's slots; and the innermost function of each
    extension module: those that call it may have ended in a jump to it.
    """
    found: list[str] = []
    modules = set()
    for frame in _called(case):
        name = (frame.frame.function or "").split(".")[0]
        is_extensions = _is_extensions(case, frame.frame)
        if (
            name
            and name not in found
            and (frame.owner is not None or (is_extensions and frame.frame.module not in modules))
        ):
            found.append(name)
        if name and is_extensions:
            modules.add(frame.frame.module)
    return found[:MAX_FRAMES]


def called_functions(case: Case) -> list[str]:
    """The innermost functions, up to the Python frame that called them, by names that builds and machines share.

    CPython's exported ones, and for other files the function that was called in it: what is behind that is the file's own
    affair.  The file's name stands for a function without one.
    """
    found: list[str] = []
    for module, frames in groupby(
        (frame.frame for frame in _called(case)), lambda frame: frame.module
    ):
        if module == case.interpreter_module:
            own = (frame.function or "" for frame in frames if not _is_of_header(frame))
            names = [
                name for name in own if PYTHONS.match(name) and not EXPORTED_PLUMBING.match(name)
            ]
        else:
            name = _library_function(list(frames)[-1])
            names = [] if name.startswith(LIBRARY_PLUMBING) else [name]
        found += [name for name in names if name and name not in found]
    return found[:MAX_FRAMES]


def _library_function(frame: NativeFrame) -> str:
    """A function of a library by its plain name, or its library: ``strlen`` of ``__strlen_evex``, ``libffi``."""
    name = PROCESSORS.sub("", (frame.function or "").removeprefix("__GI_").lstrip("_"))
    return name or os.path.basename(frame.module or "").split(".")[0]


def _called(case: Case) -> list[CFrame]:
    """The frames up to the innermost eval loop."""
    end = case.eval_level
    return [frame for frame in case.c_frames if end is None or frame.frame.level <= end]
