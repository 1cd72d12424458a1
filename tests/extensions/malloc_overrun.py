"""One thread writes past its block of malloc(); glibc dies of it in unlink_chunk."""

import threading
import time

import malloc_overrun

EXPECT = {
    "signal": ("SIGSEGV", "SIGABRT"),
    "rule": "FT105",
    "known": None,
    "victim": True,
    "shows": ("table",),
    "never": ("PYTHONMALLOC", "outside Python objects", "readline"),
    "fails": {},
}

if __name__ == "__main__":
    threading.Thread(target=time.sleep, args=(30,), name="bystander", daemon=True).start()
    malloc_overrun.table()
