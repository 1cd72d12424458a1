"""gh-157119: A reducer is registered again and again, while others pickle."""

import copyreg
import pickle
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 6,
    "object_type": "dict",
    "known": "gh-157119",
    "known_by": "frames",
}


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y


def make_reducer():
    def reduce_point(point):
        return Point, (point.x, point.y)

    return reduce_point


class Registrar(threading.Thread):
    def run(self):
        while True:
            reducer = make_reducer()
            copyreg.dispatch_table[Point] = reducer  # op: setitem


class Saver(threading.Thread):
    def __init__(self):
        super().__init__()
        self.point = Point(1, 2)

    def run(self):
        while True:
            pickle.dumps(self.point)  # op: dumps, reads


copyreg.pickle(Point, make_reducer())
tell(object=id(copyreg.dispatch_table))
threads = [Registrar(), Registrar(), Saver(), Saver()]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
