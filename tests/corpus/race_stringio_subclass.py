"""A subclass of StringIO, written by one kind of thread and emptied by the other."""

import io

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "Report",
    "known": ("gh-150695", "gh-135410", "gh-153296"),
}


class Report(io.StringIO):
    def add(self, text):
        return self.write(text)  # op: write

    def start_again(self):
        self.__init__("")  # op: init


shared = Report()
tell(object=id(shared))


def adds():
    while True:
        shared.add("one more line of the report\n" * 50)


def restarts():
    while True:
        shared.start_again()


run(adds, restarts)
