"""A core, or a copy of a running process, to look around in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from typing import Any

from gdbext.commands import dispatch
from gdbext.commands.command import Context
from gdbext.cpython.allocator.referrers import Referrer
from gdbext.cpython.locks.graph import Hold, Wait
from gdbext.diagnosis.diagnose import threads_of
from gdbext.engine import inside
from gdbext.library.report import Report
from gdbext.library.values import Object, Table
from gdbext.model import Liveness, ThreadInfo
from gdbext.reports.markup import el
from gdbext.session import Session as Target
from gdbext.target.protocol import Debugger, DebuggerError
from gdbext.wording import sentence

Columns = Sequence[tuple[str, Callable[[Any], object]]]
THREADS: Columns = (
    ("LWP", lambda thread: thread.lwp),
    ("name", lambda thread: thread.name),
    ("state", lambda thread: thread.state),
    ("crashed", lambda thread: "✗" if thread.crashed else ""),
    ("Python", lambda thread: _python(thread)),
    ("C", lambda thread: next((f.function for f in thread.native if f.function), None)),
)
LOCKS: Columns = (
    ("LWP", lambda row: row.lwp if row.lwp is not None else "exited"),
    ("does", lambda row: "holds" if isinstance(row, Hold) else "waits for"),
    ("lock", lambda row: sentence(row.lock.claim)),
    ("address", lambda row: hex(row.lock.address)),
    ("how it is known", lambda row: row.how if isinstance(row, Hold) else ""),
)
REFERRERS: Columns = (
    ("kind", lambda found: found.kind),
    ("at", lambda found: hex(found.place) if found.place is not None else ""),
    ("what", lambda found: sentence(found.text)),
    ("sure", lambda found: "yes" if found.certain else "the word has this value"),
)


class Session:
    """Made by :func:`gdbext.open` and :func:`gdbext.attach`; close it, or use it in a ``with``.

    Addresses are numbers or expressions: a symbol, ``$rdi``, a C variable of the thread that
    crashed, ``self->args``.

    >>> with gdbext.open("core") as session:                    # doctest: +SKIP
    ...     session.threads
    ...     session.object("self").fields["args"]
    ...     session.referrers(0x200000aff10)
    """

    def __init__(
        self,
        debugger: Debugger,
        request: dict[str, Any],
        warnings: Sequence[str] = (),
        kept: ExitStack | None = None,
    ) -> None:
        self._target = Target(debugger)
        self._request = request
        self._kept = kept or ExitStack()
        self.warnings: tuple[str, ...] = tuple(warnings)
        """What is wrong with the core, or the program found for it."""

    @cached_property
    def report(self) -> Report:
        """The diagnosis."""
        made = inside.triage(self._target, self._request, list(self.warnings))
        return Report.of(made)

    @property
    def threads(self) -> Table[ThreadInfo]:
        """Every thread with its Python and C stacks, what it holds and what it waits for."""
        return Table(threads_of(self._target), THREADS)

    def address(self, what: int | str) -> int:
        """The address that a number or an expression means.

        Raises:
            DebuggerError: for an expression that has no value.
        """
        return what if isinstance(what, int) else self._target.debugger.evaluate(what)

    def object(self, what: int | str) -> Object:
        """The object at an address, or what is left of it."""
        return Object(self._target, self.address(what))

    def judge(self, what: int | str) -> Liveness:
        """What the heap says of any address: its block, whose that is, the evidence."""
        address, heap = self.address(what), self._target.heap
        return heap.judge_block(address) if heap.is_raw(address) else heap.judge(address)

    @property
    def locks(self) -> Table[Hold | Wait]:
        """Who holds what, and who waits for what."""
        rows: list[Hold | Wait] = []
        for thread in self._target.debugger.threads():
            found = self._target.locks.of_thread(thread.lwp)
            rows += [*found.held, *([found.wait] if found.wait is not None else [])]
        return Table(rows, LOCKS)

    def referrers(self, what: int | str) -> Table[Referrer]:
        """Who still holds an address: containers, frames, registers, globals.  Searches all
        memory.
        """
        return Table(self._target.heap.referrers(self.address(what)).found, REFERRERS)

    def ft(self, command: str) -> str:
        """The text of a debugger command: ``session.ft("list --stale v")``.

        Raises:
            DebuggerError: with its complaint.
        """
        said: list[str] = []
        if not dispatch.run(_Context(self._target, said.append), command):
            raise DebuggerError("".join(said).strip().removeprefix("ft: "))
        return "".join(said)

    def close(self) -> None:
        """Delete what was unpacked or copied for the session."""
        self._kept.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_error: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        info = self._target.debugger
        version = self._target.offsets.python_version
        where = info.path if self._request.get("live") is None else f"process {info.pid}"
        return f"<Session CPython {version}, {where}, {len(info.threads())} threads>"

    def _repr_html_(self) -> str:
        return el("p", repr(self)) + self.threads._repr_html_()


class _Context(Context):
    """A command's run over one session, and not over the newest."""

    def __init__(self, target: Target, write: Callable[[str], None]) -> None:
        super().__init__(target.debugger, write)
        self._target = target

    @property
    def session(self) -> Target:
        return self._target


def _python(thread: ThreadInfo) -> str | None:
    frame = next(iter(thread.python), None)
    return f"{frame.file}:{frame.line or '?'} in {frame.function}" if frame else None
