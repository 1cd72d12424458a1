"""A hang: a thread joins a worker without detaching, and the worker's collection waits for that
thread.
"""

import join_worker

EXPECT = {
    "hang": 2,
    "rule": "FT304",
    "threads": ("MainThread",),
    "shows": ("run", "join"),
    "never": ("nothing wrong found",),
    "fails": {},
}

if __name__ == "__main__":
    print("READY", flush=True)
    join_worker.run()
