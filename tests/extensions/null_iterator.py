"""A set is made of what an extension's iterator gives, which dies; a thread waits meanwhile."""

import threading

import null_iterator

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT205",
    "confidence": "proven",
    "headline": ("values_next", "NULL", "null_iterator.Values"),
    "race": None,
    # Neither the set nor the map is at fault: no issue of theirs.
    "known": None,
    "fails": {},
}

if __name__ == "__main__":
    idle = threading.Thread(target=threading.Event().wait, daemon=True)
    idle.start()
    {0}.update(map(str, null_iterator.Values()))
