"""``gdbext lldb CORE``: LLDB at its prompt, with everything set."""

from __future__ import annotations

from functools import partial

from gdbext.cli import prompt

parser = partial(prompt.parser, "lldb")
run = partial(prompt.run, "lldb")
