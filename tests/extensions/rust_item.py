"""Rust code goes on with a borrowed item of a list that another thread has cleared meanwhile."""

import threading

import rust_item

EXPECT = {
    "signal": ("SIGSEGV", "SIGABRT"),
    "build": "debug",
    "rule": ("FT101", "FT102"),
    "headline": ("rust_item",),
    "shows": ("rust_item.rs", "borrowed"),
    "annotation": "rust_item.rs",
    "known": None,
}


class Job:
    def __repr__(self):
        shown.set()
        cleared.wait()
        return "a job"

    def __len__(self):
        return 1


def clearer():
    shown.wait()
    jobs.clear()
    cleared.set()
    threading.Event().wait()


if __name__ == "__main__":
    shown, cleared = threading.Event(), threading.Event()
    jobs = [Job(), Job()]
    threading.Thread(target=clearer, name="clearer", daemon=True).start()
    rust_item.show(jobs)
