"""gh-150157: Pickling functions without a module while plug-ins come and go."""

import pickle
import sys
import threading
import types

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 6,
    "object_type": "dict",
    "known": "gh-150157",
    "known_by": "frames",
}
tell(object=id(sys.modules))


def plugin():
    pass


plugin.__module__ = None


def save():
    while True:
        try:
            pickle.dumps(plugin)  # op: dumps, reads
        except Exception:
            continue


def load(prefix):
    number = 0
    while True:
        number += 1
        name = f"{prefix}{number % 500}"
        sys.modules[name] = types.ModuleType(name)  # op: setitem
        sys.modules.pop(f"{prefix}{(number + 250) % 500}", None)  # op: pop


threading.Thread(target=save).start()
threading.Thread(target=save).start()
threading.Thread(target=load, args=("plug",)).start()
threading.Thread(target=load, args=("in",)).start()
