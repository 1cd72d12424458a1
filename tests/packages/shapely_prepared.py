"""shapely: a geometry is asked while another thread drops what was prepared for it (GEOS)."""

import threading

import numpy
import shapely

EXPECT = {
    "requires": ("shapely==2.1.2", "numpy==2.4.6"),
    "signal": ("SIGSEGV", "SIGABRT"),
    "shows": ("geos",),
    "race": {"type": "Polygon", "operations": ("contains", "prepare")},
    "known": None,
}


def asker():
    while True:
        shapely.contains(area, points)


def preparer():
    while True:
        shapely.prepare(area)
        shapely.destroy_prepared(area)


area = shapely.Point(0, 0).buffer(1, quad_segs=64)
points = shapely.points(numpy.random.default_rng(1).random((100, 2)))
for work in (asker, preparer):
    threading.Thread(target=work, name=work.__name__).start()
