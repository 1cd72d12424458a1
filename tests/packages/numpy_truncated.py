"""numpy: the file under a memmap is cut short, and its pages are gone."""

import tempfile

import numpy

EXPECT = {
    "requires": ("numpy==2.4.6",),
    "signal": "SIGBUS",
    "rule": "FT404",
    "headline": ("_aligned_contig_cast",),
    "race": None,
    "known": None,
}

with tempfile.NamedTemporaryFile() as file:
    file.truncate(1 << 20)
    array = numpy.memmap(file, mode="r+")
    file.truncate(0)
    array.sum()
