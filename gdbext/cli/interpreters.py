"""Free-threaded interpreters of this machine: where they are looked for, in one order for
everybody.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import subprocess
from collections.abc import Iterator

from gdbext import user_cache
from gdbext.cpython.versions import catalog

VERSIONS = tuple(f"3.{minor}t" for minor in catalog.minors())
BUILDS = ("release", "debug")
"""The builds that come first among those of our own; the others are for tests."""


def folder() -> str:
    """Where ``scripts/demo`` and ``scripts/test`` put the interpreters that they build:
    ``NAME/python`` in it.
    """
    return os.path.join(user_cache.folder(), "interpreters")


def built() -> list[str]:
    """The interpreters that are there, whole, the stock ones first."""
    found = glob.glob(os.path.join(glob.escape(folder()), "*", "python"))
    whole = [
        path for path in found if os.path.exists(os.path.join(os.path.dirname(path), ".complete"))
    ]

    def rank(path: str) -> tuple[int, str]:
        name = os.path.basename(os.path.dirname(path))
        return BUILDS.index(name) if name in BUILDS else len(BUILDS), name

    return sorted(whole, key=rank)


def installed() -> Iterator[str]:
    """Programs that should be free-threaded Pythons, best first: ``$GDBEXT_PYTHON``, those on PATH,
    those of uv.

    Whether they are is not tried here.
    """
    if explicit := os.environ.get("GDBEXT_PYTHON"):
        yield explicit
    yield from (path for version in VERSIONS if (path := shutil.which(f"python{version}")))
    if uv := shutil.which("uv"):
        for version in VERSIONS:
            words = [uv, "python", "find", "--no-python-downloads", version]
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                done = subprocess.run(words, capture_output=True, text=True, timeout=30)
                if done.returncode == 0:
                    yield done.stdout.strip()


def found() -> Iterator[str]:
    """What is :func:`installed`, then what is :func:`built`, each once."""
    yield from dict.fromkeys([*installed(), *built()])
