"""An object used after it was freed, with no container: its address was kept as a number and made
an object again.
"""

import ctypes

from _reuse import overwrite_pages
from _truth import lives, tell

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGSEGV",
    "rule": ("FT102", "FT103"),
    "confidence": "proven",
    "expected_type": None,
    "container": None,
    "threads": ["MainThread"],
    "known": None,
}

neighbours = [bytes(200) for _ in range(4000)]
address = id(neighbours[2000])
tell(subject=address)
del neighbours
overwrite_pages(256)
stale = ctypes.cast(address, ctypes.py_object)
print(stale.value)  # op: repr, reads
lives()
