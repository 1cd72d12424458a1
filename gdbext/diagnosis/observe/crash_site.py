"""Where the crashed thread died."""

from __future__ import annotations

import os

from gdbext.diagnosis.conclude.code_owners import is_others
from gdbext.diagnosis.conclude.crash_site import called_functions, is_foreign, site_functions
from gdbext.diagnosis.facts.crash_site import CrashSite
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.observe.issue_features import current_holder
from gdbext.session import Session

MAX_CALLERS = 2


def read_crash_site(session: Session, facts: Facts) -> CrashSite:
    """The functions around the fault, and the extension modules that are loaded."""
    stack = facts.stack
    end, interpreter = stack.eval_level, stack.interpreter_module
    frames = [frame for frame in stack.c_frames if end is None or frame.frame.level <= end]
    callers = session.python_stack(stack.lwp).frames[:MAX_CALLERS] if stack.lwp is not None else ()
    return CrashSite(
        functions=site_functions(frames, interpreter),
        called=called_functions(frames, interpreter),
        callers=tuple(f"{os.path.basename(f.file)} {f.function}" for f in callers),
        extension=_only_extension(session, interpreter),
        is_in_other_code=_is_in_other_code(facts),
        is_crash=facts.fault.is_crash,
        assertion=facts.fault.assertion,
        holder=current_holder(facts),
    )


def _is_in_other_code(facts: Facts) -> bool:
    """Whether the fault came in or below a library that is not part of Python, or by a signal that
    somebody sent.
    """
    stack = facts.stack
    if facts.fault.signal is not None and facts.fault.signal.sender is not None:
        return True
    for frame in stack.c_frames:
        if not stack.same_call(0, frame.frame.level):
            break
        if is_foreign(frame.frame, stack.interpreter_module):
            return True
    return False


def _only_extension(session: Session, interpreter: str | None) -> str | None:
    """The extension module that is loaded, if there is one only.

    Which of several are, may depend on when it crashed.
    """
    names = {
        os.path.basename(module.path).split(".")[0]
        for module in session.modules
        if is_others(module.path, interpreter)
    }
    # A file of another name is not a module that can be imported; its name may not be text.
    names = {name for name in names if name.isidentifier()}
    loaded = [n for n in names if session.debugger.function(f"PyInit_{n}") is not None]
    return loaded[0] if len(loaded) == 1 else None
