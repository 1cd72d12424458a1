"""tp_init reads ob_item[n] of a list of n items; another thread is there, and does nothing to the
list.
"""

import threading
import time

import list_overread

EXPECT = {
    "signal": "SIGSEGV",
    "rule": ("FT205", "FT203", "FT101"),
    "headline": ("words_init",),
    "known": None,
    "race": None,
    "shows": ("words_init",),
    "never": ("outside Python objects",),
    "fails": {},
}

if __name__ == "__main__":
    texts = []
    for _ in range(5):
        texts.append("text")
    threading.Thread(target=time.sleep, args=(30,), name="bystander", daemon=True).start()
    list_overread.Words(texts)
