"""A hang: a std::mutex and a list's critical section are taken in two orders."""

import threading

import mutex_order

EXPECT = {
    "hang": 3,
    "rule": "FT303",
    "confidence": ("proven", "likely"),
    "threads": ("updater", "walker"),
    "shows": ("update", "walk"),
    "never": ("nothing wrong found",),
    "fails": {},
}

if __name__ == "__main__":
    shared = [1, 2, 3]
    for name in ("update", "walk"):
        run = getattr(mutex_order, name)
        threading.Thread(target=run, args=(shared,), name=name.rstrip("e") + "er").start()
    print("READY", flush=True)
