"""An extension casts its argument to a struct of its own without looking at the type."""

import wrong_argument

EXPECT = {
    "signal": "SIGSEGV",
    "rule": ("FT404", "FT205", "FT103", "FT206"),
    "headline": ("ledger_merge",),
    "shows": ("ledger_merge",),
    "known": None,
    "race": None,
    "fails": {},
}

if __name__ == "__main__":
    wrong_argument.Ledger().merge(1.5)
