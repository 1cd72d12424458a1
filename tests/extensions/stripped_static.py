"""A C static of a stripped extension keeps a list that is gone."""

import stripped_static

EXPECT = {
    "flags": ("-s",),
    "env": {"PYTHONMALLOC": "debug"},
    "signal": ("SIGSEGV", "SIGBUS"),
    "rule": ("FT102", "FT103"),
    "shows": ("stripped_static",),
    "race": None,
    "known": None,
    "fails": {},
}

if __name__ == "__main__":
    stripped_static.request([1000, 2000])
    stripped_static.retry()
