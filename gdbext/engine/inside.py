"""What ``gdbext triage`` and ``gdbext attach`` run inside the debugger: open the target, triage,
write every report.

Standard library only, like all that runs there.  The request comes as JSON in the environment
(``launch.environment``); the process's exit code is the answer: 0 diagnosed, 3 cannot be opened, 4
diagnosed in part.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import threading
import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from gdbext.backends import registry
from gdbext.backends.programs import UNUSABLE
from gdbext.engine import core_target
from gdbext.engine.outcome import CANNOT_OPEN, DIAGNOSED, PARTIAL
from gdbext.reports.sanitize import inert, visible
from gdbext.target.protocol import Debugger, DebuggerError

if TYPE_CHECKING:
    from gdbext.model import Report
    from gdbext.session import Session

LONGEST_MESSAGE = 2000


class Unusable(Exception):
    """The debugger cannot be loaded, or cannot open what others may be able to."""


def main() -> None:
    """Never returns."""
    answer(json.loads(os.environ["GDBEXT_REQUEST"]))


def answer(request: dict[str, Any]) -> None:
    """Never returns: the debugger ends here, without the time that its own tidying up takes."""
    stdout = os.fdopen(request["stdout"], "w", encoding=request["encoding"], errors="replace")
    stderr = os.fdopen(request["stderr"], "w", encoding="utf-8", errors="replace")
    code = CANNOT_OPEN
    try:
        code = attempt(request, stdout, stderr)
    finally:
        for stream in (stdout, stderr):
            try:
                stream.flush()
            except BrokenPipeError:
                code = code or PARTIAL
        os._exit(code)


def attempt(request: dict[str, Any], stdout: TextIO, stderr: TextIO) -> int:
    """Do what is asked for; returns the exit status, and says on ``stderr`` what is wrong."""
    try:
        return _answer(request, stdout, stderr)
    except DebuggerError as error:
        _say(stderr, [str(error)])
    except Unusable as error:
        os.write(2, f"{error}\n".encode(errors="replace"))
        return UNUSABLE
    except Exception:  # The debugger would print this where nobody sees it.
        stderr.write(f"gdbext: internal error\n{traceback.format_exc()}")
    return CANNOT_OPEN


def _answer(request: dict[str, Any], stdout: TextIO, stderr: TextIO) -> int:
    try:
        adapter = registry.adapter(request["debugger"])
    except ImportError as error:
        raise Unusable(f"{request['debugger']} cannot be loaded: {error}") from None
    ready = threading.Thread(target=preload, args=([name for name, _ in request["outputs"]],))
    ready.start()
    sysroot = request.get("sysroot")
    warnings: list[str] = []
    if request.get("pid"):
        debugger: Debugger = adapter.attach(request["pid"])
    else:
        found = core_target.open_target(
            request["core"], request.get("executable"), sysroot, request.get("shown")
        )
        warnings = found.warnings
        _say(stderr, () if request.get("again") else warnings)
        try:
            debugger = adapter.open_core(
                found.executable, found.core, sysroot, request.get("debug_folder")
            )
        except DebuggerError as error:
            raise Unusable(str(error)) from None
    try:
        ready.join()
        from gdbext.session import Session

        report = triage(Session(debugger), request, warnings)
    finally:
        adapter.leave()
    if request.get("core"):
        changed = core_target.other_libraries(request["core"], sysroot)
        _say(
            stderr,
            (
                (
                    f"{name} is another build than the core's; names in it may be wrong (--sysroot "
                    "DIR?)"
                )
                for name in changed
            ),
        )
    failures = write_reports(report, request, stdout)
    _say(stderr, failures)
    return PARTIAL if report.errors or failures else DIAGNOSED


def _say(stderr: TextIO, messages: Iterable[str]) -> None:
    """One line each.  Names in them come from the target, and the line may end up in a CI log."""
    stderr.writelines(
        f"gdbext: {inert(visible(message, LONGEST_MESSAGE))}\n" for message in messages
    )


def preload(formats: list[str]) -> None:
    """Load the rest of gdbext while the debugger reads symbols, which both take a tenth of a second
    and more.

    No module that is loaded here talks to the debugger.  What fails, fails again where it is used,
    and is reported there.
    """
    with contextlib.suppress(Exception):
        for name in (
            "gdbext.session",
            "gdbext.diagnosis.diagnose",
            "gdbext.reports.formats",
            *(f"gdbext.reports.{f}" for f in formats),
        ):
            importlib.import_module(name)


def triage(session: Session, request: dict[str, Any], warnings: list[str]) -> Report:
    """The report on a target, with what the request says of it: ``shown`` is the core's name for
    people, ``live`` the pid of the process that it is a copy of, ``over_time`` as
    :func:`gdbext.diagnosis.diagnose.diagnose` has it.  ``warnings`` become errors.
    """
    from gdbext.diagnosis.diagnose import diagnose
    from gdbext.model import SectionError

    report = diagnose(session, request.get("over_time"))
    shown = report.target
    if live := request.get("live"):
        shown = dataclasses.replace(shown, kind="live", path=None, pid=live)
    elif request.get("core"):
        shown = dataclasses.replace(shown, path=request.get("shown"))
    damage = tuple(SectionError("target", warning) for warning in warnings)
    return dataclasses.replace(report, target=shown, errors=(*report.errors, *damage))


def write_reports(report: Report, request: dict[str, Any], stdout: TextIO) -> list[str]:
    """Render every format asked for, each into its file or, for ``-``, onto ``stdout``.

    Returns what went wrong.
    """
    from gdbext.reports import formats
    from gdbext.reports.options import DEFAULT_WIDTH, detect

    verbose, redact = bool(request.get("verbose")), bool(request.get("redact"))
    failures = []
    for name, path in request["outputs"]:
        try:
            if path == "-":
                shown = detect(stdout, color=request.get("color"), verbose=verbose, redact=redact)
                stdout.write(formats.render(report, name, shown))
            else:
                shown = detect(
                    stdout, color=False, width=DEFAULT_WIDTH, verbose=verbose, redact=redact
                )
                formats.write(report, name, path, shown)
        except OSError as error:
            failures.append(f"cannot write {path}: {error.strerror}")
        except Exception as error:  # A defect in one format must not cost the others.
            if os.environ.get("GDBEXT_RAISE"):
                raise
            failures.append(f"the {name} report failed: {type(error).__name__}: {error}")
    return failures
