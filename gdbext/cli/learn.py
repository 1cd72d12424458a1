"""``gdbext learn PYTHON``: keep what one interpreter says of itself, for the cores of its build."""

from __future__ import annotations

import argparse
import shutil

from gdbext.cli import parsers
from gdbext.cpython.versions import learnt
from gdbext.engine import launch
from gdbext.engine.outcome import DIAGNOSED, PARTIAL, Failure
from gdbext.learning import interpreter
from gdbext.learning.dwarf import LearningError
from gdbext.learning.learn import Lesson, learn, reader

HELP = """\
The interpreter is run once, so it has to be one that you trust. Its instructions, the layouts of
its structs and the order of its _Py_DebugOffsets are kept in your cache, under its build id, or
where it has none under what its file begins with: of every later core or process of that build, a
stripped copy's too, gdbext knows them exactly, and no release of gdbext is needed for a new
CPython. What is kept is checked against a process before it is used.

Layouts come from the interpreter's debug information where it has any, else from its headers, for
which a C compiler is needed; instructions come from its headers.

exit status:
  0  all of it was learnt
  2  wrong usage
  3  nothing was learnt
  4  a part was learnt

examples:
  gdbext learn python3.15t"""


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    made = parsers.new("learn", HELP)
    made.add_argument("python", metavar="PYTHON", help="a free-threaded interpreter that you trust")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Learn, keep it, and say what came of it."""
    python = shutil.which(arguments.python)
    if python is None:
        raise Failure(f"there is no program {arguments.python}")
    try:
        gdb = launch.find("gdb")
        lesson = learn(interpreter.ask(python), reader(gdb.command, gdb.environment))
    except (LearningError, launch.LaunchError) as error:
        raise Failure(str(error)) from None
    _show(lesson)
    if not any(part.count for part in lesson.parts):
        raise Failure("nothing was learnt")
    try:
        kept = learnt.save(lesson.content)
    except OSError as error:
        raise Failure(f"what was learnt cannot be kept: {error.strerror}") from None
    print(f"kept in {kept}")
    return PARTIAL if any(part.problem for part in lesson.parts) else DIAGNOSED


def _show(lesson: Lesson) -> None:
    content = lesson.content
    print(f"CPython {content['version']}, build {content['build_id']} ({content['path']})")
    for part in lesson.parts:
        if part.problem:
            print(f"✗ {part.name:<13} not learnt: {part.problem}")
        else:
            print(f"✓ {part.name:<13} {part.count}, from {part.source}")
