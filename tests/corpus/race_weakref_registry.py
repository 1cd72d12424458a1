"""A registry keeps weak references to one object, and asks the object for them, in a pool."""

import weakref
from concurrent.futures import ThreadPoolExecutor

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "Node",
    "known": "gh-149816",
}


class Node:
    __slots__ = ("__weakref__", "name")


class Registry:
    def __init__(self, node):
        self.node = node

    def watch(self, number):
        for _ in range(100):
            proxy = weakref.proxy(self.node, lambda dead: None)  # op: proxy
            del proxy

    def first(self, name):
        for _ in range(100):
            getattr(self.node, name)  # op: __weakref__ or getattr, reads


node = Node()
tell(object=id(node))
registry = Registry(node)
with ThreadPoolExecutor(4) as pool:
    while True:
        looks = [pool.submit(registry.first, "__weakref__") for _ in range(8)]
        list(pool.map(registry.watch, range(8)))
        for look in looks:
            look.result()
