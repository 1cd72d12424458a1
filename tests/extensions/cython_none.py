"""Cython: a field of None is read as if it were a Node's."""

import cython_none

EXPECT = {
    "signal": "SIGSEGV",
    "rule": ("FT205", "FT404", "FT102", "FT103"),
    "shows": ("cython_none.pyx:10",),
    "race": None,
    "known": None,
    "fails": {},
}

if __name__ == "__main__":
    cython_none.Node().first_edge_of_neighbour()
