"""matplotlib: one font lays out and draws texts of several threads (pybind11)."""

import threading
from pathlib import Path

import matplotlib
from matplotlib.ft2font import FT2Font

EXPECT = {
    "requires": (
        "matplotlib==3.11.1",
        "numpy==2.4.6",
        "contourpy==1.3.3",
        "cycler==0.12.1",
        "kiwisolver==1.5.0",
        "packaging==26.4",
        "pillow==12.2.0",
        "pyparsing==3.3.3",
        "python-dateutil==4.0.0",
        "six==1.17.0",
    ),
    "signal": ("SIGSEGV", "SIGABRT"),
    "shows": ("ft2font",),
    "race": {
        "type": "matplotlib.ft2font.FT2Font",
        "operations": ("set_text", "draw_glyphs_to_bitmap"),
    },
    "known": None,
}


def draw(text):
    while True:
        font.set_text(text, 0.0)
        font.draw_glyphs_to_bitmap()


font = FT2Font(str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")))
for number, name in enumerate(("first", "second", "third"), 1):
    threading.Thread(target=draw, args=(f"text {number}" * number,), name=name).start()
