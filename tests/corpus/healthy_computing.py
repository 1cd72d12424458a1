"""Plain computing in every thread: ints, floats, strings, exceptions, generators, a recursive
function.
"""

import json
import re

from _truth import run

EXPECT = {
    "healthy": True,
    "builds": {"release": {}, "debug": {}},
    "rule": "FT000",
}


def fibonacci(number):
    return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)


def recurse():
    while True:
        fibonacci(15)


def text():
    while True:
        json.loads(json.dumps({"key": [1, 2.5, "three" * 10]}))
        re.sub("a+", "b", "caaat" * 10)


def errors():
    while True:
        try:
            next(number for number in range(3) if number > 5)
        except StopIteration as error:
            str(error)


run(recurse, text, errors)
