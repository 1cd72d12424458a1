"""An extension recurses until the stack is used up."""

import threading

import deep_recursion

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT403",
    "headline": ("depth",),
    "race": None,
    "fails": {},
}

if __name__ == "__main__":
    threading.stack_size(256 << 10)
    thread = threading.Thread(target=deep_recursion.descend, args=(100_000_000,), name="diver")
    thread.start()
    thread.join()
