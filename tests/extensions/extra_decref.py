"""An extension drops a reference that it was lent: the list's item is freed under the list."""

import extra_decref

EXPECT = {
    "signal": ("SIGSEGV", "SIGABRT"),
    "rule": ("FT101", "FT102", "FT104"),
    "race": None,
    "fails": {},
}


class Row(dict):
    pass


if __name__ == "__main__":
    rows = [Row(cell=n) for n in range(3)]
    for row in rows:
        extra_decref.inspect(row)
    del row
    others = [Row() for _ in range(10)]
    others.clear()
    repr(rows)
