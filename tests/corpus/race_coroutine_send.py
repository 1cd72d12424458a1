"""Two threads step one coroutine by hand."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "coroutine",
    "known": ("gh-120321", "gh-156351", "gh-135325"),
}


class Tick:
    def __await__(self):
        while True:
            yield


async def ticks():
    await Tick()


shared = ticks()
tell(object=id(shared))


def steps():
    while True:
        try:
            shared.send(None)  # op: send
        except ValueError:
            continue


run(steps, copies=4)
