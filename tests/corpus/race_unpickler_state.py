"""gh-157124: Unpicklers that get their state from a common store (persistent ids)."""

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
    "known": "gh-157124",
}


class Session:
    pass


store = {"session": {f"field{n}": n for n in range(40)}}
tell(object=id(store["session"]))


class Loader(pickle.Unpickler):
    def persistent_load(self, pid):
        return store[pid]


data = b"\x80\x02c__main__\nSession\n)\x81Psession\nb."


def load_many():
    for _ in range(1000):
        Loader(io.BytesIO(data)).load()  # op: load, reads


def refresh():
    state = store["session"]
    for n in range(40, 600):
        state[f"field{n}"] = object()  # op: setitem
    state.clear()  # op: clear
    state.update({f"field{n}": n for n in range(30)})  # op: update


def worker(task):
    while True:
        try:
            task()
        except Exception:
            continue


for task in (load_many, load_many, load_many, refresh, refresh):
    threading.Thread(target=worker, args=(task,)).start()
