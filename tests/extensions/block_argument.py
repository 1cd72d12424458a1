"""A thread writes past the block that it was given, and still has it; the block's owner dies of it
at its next allocation.
"""

import threading

import block_argument

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT105",
    "confidence": "proven",
    "threads": ("filler", "MainThread"),
    "shows": ("write_cell", 'thread "filler" has the block', "`cell` of"),
    "advice": ("the code that has the block right now",),
    "victim": True,
    "known": None,
}

if __name__ == "__main__":
    block_argument.make()
    threading.Thread(target=block_argument.fill, name="filler", daemon=True).start()
    block_argument.grow()
