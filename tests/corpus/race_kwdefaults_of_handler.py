"""A registry retunes a handler's keyword defaults while its dispatcher calls that handler."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 20,
    "attempts": 3,
    "object_type": "function",
    "known": ("gh-153297", None),
}


def handler(request, *, limit=1, tags=()):
    return limit


def innocent(request, *, limit=1, tags=()):
    return tags


tell(object=id(handler))


class Registry:
    def __init__(self):
        self.handlers = {"main": handler, "other": innocent}

    def retune(self, name, number):
        self._apply(self.handlers[name], limit=[number], tags=(number,))

    @staticmethod
    def _apply(function, **values):
        function.__kwdefaults__ = values  # op: __kwdefaults__ or setattr

    def dispatch(self, name):
        function = self.handlers[name]
        return function(None)  # op: call or handler or function, reads


registry = Registry()


def tunes():
    for number in range(200):
        registry.retune("main", number)


def dispatches():
    for _ in range(200):
        registry.dispatch("main")
        registry.dispatch("other")


run(tunes, dispatches)
