"""A hang: the thread in std::call_once is suspended by a stop of the world, and the losers wait
for it attached.
"""

import threading

import once_import

EXPECT = {
    "hang": 4,
    "rule": "FT304",
    "threads": ("MainThread",),
    "shows": ("lookup", "call_once"),
    "never": ("nothing wrong found",),
    "fails": {},
}

if __name__ == "__main__":
    names = ("one", "two", "three")
    threads = [threading.Thread(target=once_import.lookup, name=name) for name in names]
    for thread in threads:
        thread.start()
    print("READY", flush=True)
    once_import.collect()
