"""``ft locks``"""

from __future__ import annotations

from gdbext.commands import show
from gdbext.commands.command import Arguments, Command, Context, DebuggerError
from gdbext.cpython.locks.graph import Hold, Wait
from gdbext.diagnosis.registry import rule_of
from gdbext.reports.sanitize import visible
from gdbext.wording import sentence


def run(context: Context, arguments: Arguments) -> None:
    locks = context.session.locks
    if arguments.words:
        _one(context, context.address(arguments.words[0]))
        return
    said = False
    for thread in context.session.debugger.threads():
        found = locks.of_thread(thread.lwp)
        for hold in found.held:
            said = True
            context.write(f"  {_name(context, thread.lwp)} holds {_hold(context, hold)}\n")
        if found.wait is not None:
            said = True
            context.write(f"  {_name(context, thread.lwp)} {_wait(found.wait)}\n")
    for problem in locks.problems:
        said = True
        style = context.style
        context.write(
            f"{style('error', f'{show.BROKEN} {rule_of(problem.kind).id}')} "
            f"{visible(sentence(problem.detail))} {style('dim', str(problem.confidence))}\n"
        )
        show.evidence(context, problem.evidence)
    if not said:
        context.write("no lock is held or waited for\n")
        return
    hang = locks.hang()
    is_known = any(problem.detail == hang.detail for problem in locks.problems)
    detail = "" if is_known else f", {visible(sentence(hang.detail))}"
    context.write(f"the process as a whole: {hang.kind}{detail}\n")


def _one(context: Context, address: int) -> None:
    """The locks that one object is, or has."""
    locks = context.session.locks
    holders, waiters = locks.holders(address), locks.waiters(address)
    found = locks.locks_of(address)
    if not (found or holders or waiters):
        raise DebuggerError(f"{address:#x} is neither a lock nor an object that has one")
    for lock in found:
        context.write(f"{visible(sentence(lock.claim))}\n")
    for hold in holders:
        context.write(f"  held by {_name(context, hold.lwp)}: {_hold(context, hold)}\n")
        show.evidence(context, hold.evidence)
    for wait in waiters:
        context.write(f"  {_name(context, wait.lwp)} {_wait(wait)}\n")
    if not holders:
        context.write("  holder: none, or not known\n")


def _name(context: Context, lwp: int | None) -> str:
    if lwp is None:
        return "a thread that has exited"
    name = context.session.thread_name(lwp)
    return f'thread "{visible(name)}" (LWP {lwp})' if name else f"LWP {lwp}"


def _hold(context: Context, hold: Hold) -> str:
    how = f" by {hold.how}" if hold.how else ""
    confidence = context.style("dim", str(hold.confidence))
    return f"{visible(sentence(hold.lock.claim))}{visible(how)}  {confidence}"


def _wait(wait: Wait) -> str:
    note = " (with a timeout)" if wait.has_timeout else ""
    return f"waits for {visible(sentence(wait.lock.claim))}{note}"


COMMAND = Command(
    "locks",
    "who holds what and who waits for what; deadlocks and stuck stops of the world",
    "Reads critical sections, the parking lot, threading's locks, import locks and\n"
    "stop-the-world. A holder that memory does not record is called unknown. With an address: the\n"
    "locks of that object.",
    run,
    ("[ADDRESS]",),
    (),
    ("ft locks", "ft locks 0x20000375fb0"),
)
