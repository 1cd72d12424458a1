"""A hang: a PyMutex that C code locks by itself, so that no holder is recorded, and a std::mutex
are taken in two orders.
"""

import threading

import mutex_silent

EXPECT = {
    "hang": 3,
    "rule": "FT303",
    "confidence": "possible",
    "threads": ("loader", "flusher"),
    "headline": "whose holder is not recorded",
    "shows": ("load", "flush", "cache_lock in mutex_silent", "io_lock in mutex_silent"),
    "never": ("nothing wrong found", "ft object"),
    "fails": {},
}

if __name__ == "__main__":
    for name in ("load", "flush"):
        run = getattr(mutex_silent, name)
        threading.Thread(target=run, name=f"{name}er").start()
    print("READY", flush=True)
