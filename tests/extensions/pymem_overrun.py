"""One thread writes past its blocks of PyMem_Malloc(); the next allocation of that size dies of
it.
"""

import pymem_overrun

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT105",
    "confidence": "proven",
    "victim": True,
    "shows": ("scribble",),
    "fails": {},
}

if __name__ == "__main__":
    pymem_overrun.scribble()
