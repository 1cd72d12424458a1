"""Many threads make unions and repr one list of large ones, which nobody changes."""

from _truth import run

EXPECT = {
    "healthy": True,
    "builds": {"release": {}, "debug": {}},
    "rule": "FT000",
}

classes = [type(f"C{number}", (), {}) for number in range(60)]
unions = [classes[0] | classes[1]]
for cls in classes[2:]:
    unions.append(unions[-1] | cls)


def show():
    while True:
        repr(unions)


def make():
    while True:
        union = int
        for cls in classes:
            union = union | cls


def parameters():
    while True:
        for union in unions:
            _ = union.__parameters__


run(show, make, parameters)
