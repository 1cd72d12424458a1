"""``gdbext gdb CORE``: gdb at its prompt, with everything set."""

from __future__ import annotations

from functools import partial

from gdbext.cli import prompt

parser = partial(prompt.parser, "gdb")
run = partial(prompt.run, "gdb")
