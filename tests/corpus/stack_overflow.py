"""repr() of a deeply nested list on a thread whose stack is smaller than the recursion that CPython
allows in C.
"""

import threading

from _truth import lives, tell

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGSEGV",
    "rule": "FT403",
    "subject": None,
    "container": None,
    "threads": ["deep"],
    "known": None,
}

nested = []
for _ in range(5000):
    nested = [nested]
tell(nested=id(nested))


def deep():
    repr(nested)  # op: repr, reads


threading.stack_size(64 * 1024)
thread = threading.Thread(target=deep, name="deep")
thread.start()
thread.join()
lives()
