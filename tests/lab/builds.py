"""What the lab runs on: its own builds by name, or the one interpreter that the user gave.

``scripts/test --python PATH`` and ``scripts/accuracy --python PATH`` call :func:`use`; from then on
:func:`chosen` gives that interpreter alone, under a name made of its version::

    >>> use("/usr/bin/python3.14t").name         # doctest: +SKIP
    '3.14.0'
    >>> chosen(("release", "debug"))             # doctest: +SKIP
    ('3.14.0',)
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import interpreters

DEBUG = "debug"
ASK = """
import json, platform, sysconfig
print(json.dumps({
    "version": platform.python_version(),
    "compiler": platform.python_compiler(),
    "debug": sysconfig.get_config_var("Py_DEBUG"),
    "tail_calls": sysconfig.get_config_var("Py_TAIL_CALL_INTERP"),
}))
"""


@dataclass(frozen=True, kw_only=True)
class Given:
    """An interpreter of the user's; ``name`` is what it is called as a build, ``about`` what it
    says of itself, for people.
    """

    name: str
    python: Path
    is_debug: bool
    about: str

    def __str__(self) -> str:
        return f"{self.about}: {self.python}"

    @property
    def like(self) -> tuple[str, ...]:
        """The lab's builds whose expectations hold for it; whether it has gh-132713's fix is not
        known.
        """
        kind = DEBUG if self.is_debug else "release"
        return kind, f"{kind}-unfixed"


class NotFreeThreaded(Exception):
    """The interpreter that the user gave cannot be used; the message says why."""


_given: list[Given] = []


def use(python: str) -> Given:
    """From now on, run on that interpreter alone.  Raises NotFreeThreaded."""
    if not interpreters.is_free_threaded(python):
        raise NotFreeThreaded(f"{python} is not a free-threaded CPython 3.13 or later")
    done = subprocess.run([python, "-c", ASK], capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    name = f"{said['version']}-{DEBUG}" if said["debug"] else said["version"]
    kind = DEBUG if said["debug"] else "release"
    tail_calls = ", tail-calling interpreter" if said["tail_calls"] else ""
    about = f"CPython {said['version']} free-threaded, {kind}, {said['compiler']}{tail_calls}"
    path = Path(python).absolute()
    _given[:] = [Given(name=name, python=path, is_debug=bool(said["debug"]), about=about)]
    return _given[0]


def given() -> Given | None:
    """The interpreter of the user's, if there is one."""
    return _given[0] if _given else None


def chosen(builds: Iterable[str]) -> tuple[str, ...]:
    """Those builds, or instead of them the user's interpreter, if one of them is like it."""
    own = given()
    if own is None:
        return tuple(builds)
    return (own.name,) if set(own.like) & set(builds) else ()


def python(build: str) -> Path:
    """The interpreter of that build, built now if it is one of the lab's that is missing; the
    user's, whatever the build, where there is one: nothing runs on another behind the user's back.
    """
    own = given()
    return own.python if own is not None else interpreters.build(build)


def expectations(build: str) -> tuple[str, ...]:
    """The builds whose expectations hold for that build, best first."""
    own = given()
    if own is not None and own.name == build:
        return own.like
    if build in interpreters.SHAPES:
        return build, "release-unfixed", "release"
    return build, build.removesuffix("-unfixed")
