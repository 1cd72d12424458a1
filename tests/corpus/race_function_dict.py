"""A decorator counts calls on the function, while another thread replaces its dict."""

import functools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 20,
    "attempts": 3,
    "object_type": "function",
    "known": ("gh-134679", "gh-124470"),
}


def counted(function):
    @functools.wraps(function)
    def call(*args):
        call.count = len(args)  # op: setattr
        call.last = args  # op: setattr
        return function(*args)

    return call


@counted
def handle(request):
    return request


@counted
def other(request):
    return request


tell(object=id(handle))


def serve():
    for number in range(1000):
        handle(number)
        other(number)


def reset():
    for number in range(1000):
        handle.__dict__ = {"count": 0}  # op: setattr
        len(other.__dict__)


run(serve, reset)
