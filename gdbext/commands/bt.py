"""``ft bt [all]``"""

from __future__ import annotations

from gdbext.commands.command import Arguments, Command, Context, DebuggerError, UsageError
from gdbext.commands.frame_numbers import numbered_thread
from gdbext.diagnosis.diagnose import threads_of
from gdbext.reports.text_parts import TextPage, stack, thread_heading

MAX_FRAMES = 128


def run(context: Context, arguments: Arguments) -> None:
    which = arguments.words[0] if arguments.words else None
    if which not in (None, "all"):
        raise UsageError(f"ft bt takes `all` or nothing, not `{which}`")
    selected = context.debugger.selected()[0]
    threads = threads_of(context.session)
    if which is None and all(thread.lwp != selected for thread in threads):
        raise DebuggerError(
            f"the target has no thread with LWP {selected}: "
            "the debugger took it from memory that was overwritten"
        )
    for thread in threads:
        if which == "all" or thread.lwp == selected:
            page = TextPage(context.options)
            thread_heading(page, thread)
            stack(page, numbered_thread(thread, context.debugger), limit=MAX_FRAMES)
            context.write(page.text())


COMMAND = Command(
    "bt",
    "native and Python frames of the selected thread in one stack, or of all threads",
    "Each eval loop is followed by the Python frames that it runs, with their exact lines.",
    run,
    ("[all]",),
    (),
    ("ft bt", "ft bt all"),
    lambda: ("all",),
)
