"""A hang: a thread reads from an empty pipe without detaching, and a collection waits for it."""

import gc
import os
import threading
import time

import read_attached

EXPECT = {
    "hang": 2,
    "rule": "FT304",
    "threads": ("receiver", "MainThread"),
    "shows": ("receive", "read"),
    "never": ("nothing wrong found",),
    "fails": {},
}

if __name__ == "__main__":
    source, sink = os.pipe()
    threading.Thread(target=read_attached.receive, args=(source,), name="receiver").start()
    while not read_attached.has_reader():
        time.sleep(0.01)
    print("READY", flush=True)
    gc.collect()
