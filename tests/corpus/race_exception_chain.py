"""One exception is raised from several threads, each with a cause of its own."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "LookupError",
    "known": None,
}

shared = LookupError("shared by all")
tell(object=id(shared))


def raises():
    while True:
        try:
            raise shared from KeyError("cause")  # op: raise
        except LookupError as error:
            error.__context__ = OSError()  # op: __context__ or setattr
            error.with_traceback(None)  # op: with_traceback


run(raises, copies=4)
