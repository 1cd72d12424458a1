"""C++: the item behind the last of a std::vector of objects is used."""

import vector_beyond

EXPECT = {
    "signal": "SIGSEGV",
    "rule": ("FT205", "FT404", "FT206"),
    "headline": ("last",),
    "shows": ("last", "vector_beyond.cpp"),
    "race": None,
    "known": None,
    "fails": {},
}

if __name__ == "__main__":
    for name in ("id", "name", "age"):
        vector_beyond.add(name)
    vector_beyond.last()
