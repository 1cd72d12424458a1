"""gh-157126: A pickler's memo is set from a dict that others change."""

import io
import pickle
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 6,
    "object_type": "dict",
    "known": "gh-157126",
}


def main():
    memo = {n: (n, object()) for n in range(64)}
    tell(object=id(memo))
    start = threading.Barrier(4)

    def setter():
        pickler = pickle.Unpickler(io.BytesIO())
        start.wait()
        while True:
            try:
                pickler.memo = memo  # op: setattr, reads
            except Exception:
                continue

    def changer():
        start.wait()
        while True:
            memo.clear()  # op: clear
            for n in range(300):
                memo[n] = object()  # op: setitem

    ts = [threading.Thread(target=f) for f in (setter, setter, changer, changer)]
    [t.start() for t in ts]
    [t.join() for t in ts]


if __name__ == "__main__":
    main()
