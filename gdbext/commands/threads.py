"""``ft threads``"""

from __future__ import annotations

import os

from gdbext.commands.command import Arguments, Command, Context
from gdbext.diagnosis.diagnose import threads_of
from gdbext.reports.sanitize import visible


def run(context: Context, arguments: Arguments) -> None:
    style = context.style
    session = context.session
    threads = threads_of(session)
    stateless = "no Python state" if session.runtime.complete else "Python state not known"
    for thread in sorted(threads, key=lambda t: t.number or 0):
        mark = style("error", "✗") if thread.crashed else " "
        name = f'"{visible(thread.name)}"' if thread.name else ""
        context.write(
            f"{mark} {thread.number:<3} LWP {thread.lwp:<8} {name:<18} "
            f"{style('dim', thread.state or stateless)}"
        )
        context.write(
            f"  {style('dim', 'tstate')} {style('address', hex(thread.tstate))}\n"
            if thread.tstate
            else "\n"
        )
        if thread.python:
            frame = thread.python[0]
            where = f"{os.path.basename(visible(frame.file))}:{frame.line or '?'}"
            context.write(
                f"      {style('file', where)} in {style('function', visible(frame.function))}"
            )
            context.write(
                f"   {style.highlight(visible(frame.source), 'python')}\n" if frame.source else "\n"
            )
        doing = next((f.function for f in thread.native if f.function), None)
        if doing:
            context.write(f"      in C: {style('function', doing)}\n")
        state = session.runtime.by_lwp(thread.lwp)
        if state and state.pending:
            context.write(f"      asked to: {', '.join(state.pending)}\n")
        if thread.holds:
            context.write(
                f"      holds {', '.join(style('address', hex(a)) for a in thread.holds)}\n"
            )
        if thread.waits_for:
            context.write(f"      waits for {style('address', hex(thread.waits_for))}\n")
    orphans = [
        t for t in session.runtime.threads if t.native_thread_id not in {t.lwp for t in threads}
    ]
    for state in orphans:
        context.write(
            style(
                "dim",
                f"  thread state {state.address:#x} has no thread here "
                f"(LWP {state.native_thread_id} has exited)\n",
            )
        )


COMMAND = Command(
    "threads",
    "every thread: its Python state, what it does in Python and in C, what it holds and waits for",
    "Thread states are matched to the debugger's threads by LWP. The mark ✗ is at the thread that\n"
    "crashed.",
    run,
)
