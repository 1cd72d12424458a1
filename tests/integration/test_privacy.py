"""``--redact``: programs full of secrets die in many ways, and none of a secret is in any report or
on the screen.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import interpreters
from gdbext.reports.formats import FORMATS
from integration.commandline import gdbext

WORD, NUMBER = "S3CR3T", 424242424242
"""What must not be seen: six characters, so that they fit into a pointer, and a number."""
LEAK = re.compile(
    rf"{WORD}|{NUMBER}|{NUMBER:x}|{WORD.encode().hex()}|{WORD[::-1].encode().hex()[:-2]}",
    re.IGNORECASE,
)  # the last: a pointer made of it, and near it

STALE = """
import array, ctypes, threading, types

class Failure(Exception): pass

class Account:
    def __init__(self):
        self.name, self.number = "S3CR3T-attribute", 424242424242

def work(password="S3CR3T-default", number=424242424242):
    blob, pair, account = b"S3CR3T-bytes", ("S3CR3T-item", 424242424242), Account()
    mapping = {"S3CR3T-key": 1, 424242424242: "S3CR3T-value"}
    neighbours = [f"S3CR3T{n:0300}" for n in range(4000)]
    holder = HOLDER
    ctypes.pythonapi.Py_DecRef.argtypes = [ctypes.py_object]
    ctypes.pythonapi.Py_DecRef(neighbours[2000])
    del neighbours
    kept = [array.array("b", b"S3CR3T-S3CR3T-S3" * 24) for _ in range(20000)]
    try:
        raise Failure("S3CR3T-message", 424242424242)
    except Failure as error:
        repr(holder)  # S3CR3T-comment

threading.Thread(target=threading.Event().wait, name="S3CR3T-waits", daemon=True).start()
worker = threading.Thread(target=work, name="S3CR3T-worker")
worker.start()
worker.join()
"""
OVERWRITTEN = """
import ctypes
lst = ["S3CR3T-one", int | str, bytes(100)]
ctypes.memmove(TARGET, b"S3CR3TENDING", 8)
repr(lst)
"""
WAYS = {
    "dict key": STALE.replace("HOLDER", '{"first": 1, "S3CR3T-key": neighbours[2000]}'),
    "dict key that is a number": STALE.replace("HOLDER", "{1: 1, 424242424242: neighbours[2000]}"),
    "attribute": STALE.replace(
        "HOLDER", 'types.SimpleNamespace(**{"S3CR3T name": neighbours[2000]})'
    ),
    "type overwritten": OVERWRITTEN.replace("TARGET", "id(lst[2]) + 24").replace("ENDING", "99"),
    "type overwritten, pointer in range": OVERWRITTEN.replace("TARGET", "id(lst[2]) + 24").replace(
        "ENDING", "\\0\\0"
    ),
    "args overwritten": OVERWRITTEN.replace("TARGET", "id(lst[1]) + 32").replace(
        "ENDING", "\\0\\0"
    ),
    "length overwritten": OVERWRITTEN.replace("TARGET", "id(lst) + 32").replace("ENDING", "\\0\\0"),
    "array overwritten": OVERWRITTEN.replace("TARGET", "id(lst) + 40").replace("ENDING", "99"),
    "item overwritten": OVERWRITTEN.replace(
        "TARGET", "ctypes.c_void_p.from_address(id(lst) + 40).value"
    ).replace("ENDING", "99"),
    "heap overrun": """
import ctypes
drained = [bytearray(500) for _ in range(1000)]
buffer = (ctypes.c_char * 500).from_buffer(bytearray(500))
ctypes.memmove(ctypes.addressof(buffer), b"S3CR3T99" * 900, 500 + 4096)
kept = [bytearray(500) for _ in range(1000)]
""",
    "fatal error": """
import ctypes
ctypes.pythonapi.Py_FatalError(b"token S3CR3T and 'S3CR3T'")
""",
    "jump": "import ctypes; ctypes.CFUNCTYPE(None)(int.from_bytes(b'S3CR3T', 'little'))()",
    "hang": """
import threading
lock = threading.Lock()
def work(password="S3CR3T"):
    with lock: lock.acquire()
threading.Thread(target=work, name="S3CR3T-worker").start()
""",
}


@pytest.mark.parametrize("build", ["release", "debug"])
@pytest.mark.parametrize("way", WAYS)
def test_no_secret_in_any_report(way: str, build: str, tmp_path: Path) -> None:
    place = tmp_path / WORD
    place.mkdir()
    (place / "script.py").write_text(WAYS[way])
    reports = tmp_path / "reports"
    command = [interpreters.build(build), place / "script.py", f"{WORD}-argument", NUMBER]
    options = [
        "--redact",
        "--verbose",
        "--on-crash",
        reports,
        *(["--timeout", "3"] if way == "hang" else []),
    ]
    done = gdbext("run", *options, "--", *command, cwd=tmp_path)
    assert done.returncode > 128
    ours = done.stderr[done.stderr.index("gdbext: ") :]
    shown = {path.name: path.read_text() for path in reports.iterdir()} | {"stderr": ours}
    assert len(shown) == len(FORMATS) + 1, ours
    for name, text in shown.items():
        leak = LEAK.search(text)
        assert leak is None, f"{name}: {text[max(leak.start() - 200, 0) : leak.end() + 50]}"
