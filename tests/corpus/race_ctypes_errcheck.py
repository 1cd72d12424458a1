"""Threads call one C function of ctypes while its errcheck and its result type are set."""

import ctypes

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 25,
    "attempts": 3,
    "object_type": ("_FuncPtr", "ctypes.CDLL.__init__.<locals>._FuncPtr", "ctypes._FuncPtr"),
    "known": ("gh-127946", "gh-127945", None),
}

libc = ctypes.CDLL(None)
tell(object=id(libc.abs))
other = libc.labs


class Checks:
    def check(self, result, function, arguments):
        return result


class Binding:
    def __init__(self, function):
        self.function = function

    def configure(self):
        self.function.errcheck = Checks().check  # op: errcheck or setattr
        self.function.restype = lambda result: result  # op: restype or setattr
        self.function.argtypes = [ctypes.c_int]  # op: argtypes or setattr

    def __call__(self, value):
        return self.function(value)  # op: call or function, reads


binding = Binding(libc.abs)


def configures():
    for _ in range(200):
        binding.configure()


def calls():
    for number in range(200):
        binding(number)
        other(number)


run(configures, calls)
