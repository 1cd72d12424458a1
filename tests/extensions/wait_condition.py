"""A hang: a thread waits on a condition variable without detaching, and a collection waits for
that thread.
"""

import gc
import threading
import time

import wait_condition

EXPECT = {
    "hang": 2,
    "rule": "FT304",
    "threads": ("taker", "MainThread"),
    "shows": ("get", "wait"),
    "never": ("nothing wrong found",),
    "fails": {},
}

if __name__ == "__main__":
    threading.Thread(target=wait_condition.get, name="taker").start()
    while not wait_condition.has_taker():
        time.sleep(0.01)
    print("READY", flush=True)
    gc.collect()
    wait_condition.put("too late")
