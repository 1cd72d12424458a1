"""gh-125996: A least-recently-used cache on OrderedDict, with __getitem__/__setitem__ in a
subclass.
"""

import collections
import concurrent.futures
import random

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 6,
    "object_type": ("LRU", "collections.OrderedDict"),
    "known": ("gh-125996", "gh-151627"),
}


class LRU(collections.OrderedDict):
    def __getitem__(self, key):
        value = super().__getitem__(key)
        self.move_to_end(key)  # op: move_to_end
        return value

    def __setitem__(self, key, value):
        super().__setitem__(key, value)  # op: setitem
        if len(self) > 10:
            self.popitem(last=False)  # op: popitem


cache = LRU()
tell(object=id(cache))


def handle(request):
    random_number = random.Random(request).random
    while True:
        key = int(random_number() * 20)
        try:
            cache[key]
        except KeyError:
            try:
                cache[key] = request
            except KeyError:
                continue


with concurrent.futures.ThreadPoolExecutor(4) as executor:
    for future in concurrent.futures.as_completed([executor.submit(handle, n) for n in range(4)]):
        print(future.exception())
