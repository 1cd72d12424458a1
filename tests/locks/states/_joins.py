"""Imported by import_cycle.py."""

from _state import settle, start


def worker():
    import _joins  # noqa: F401


thread = start(worker)
settle()
thread.join()
