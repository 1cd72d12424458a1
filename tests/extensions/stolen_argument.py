"""An extension gives up a reference that it owns, and dies of something else: nothing is used after
it was freed.
"""

import stolen_argument

EXPECT = {
    "signal": "SIGABRT",
    "rule": "FT402",
    "confidence": "proven",
    "headline": ("unlocking mutex that is not locked",),
    "flags": ("-O0",),
    "race": None,
    "known": None,
    "fails": {},
}


class Job:
    pass


if __name__ == "__main__":
    stolen_argument.run(Job)
