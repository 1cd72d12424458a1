"""Cores on other machines, by URLs of fsspec: ``s3://…``, ``gs://…``, ``sftp://…``.

fsspec has a package for each protocol, which reads its own settings and credentials.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gdbext.cli import compressed
from gdbext.engine.outcome import USAGE, Failure

Found = tuple[str, int | None, int | None]
"""URL, size and time of a core."""
URL = "://"
HEAD = 18
"""Bytes by which a core is known."""
AT_ONCE = 256
"""Files whose beginnings are asked for together."""


def is_url(path: str) -> bool:
    """Whether it is a URL of fsspec: ``s3://…``, ``gs://…``, ``file://…``."""
    return URL in path and not os.path.exists(path)


def find(url: str) -> Iterator[Found]:
    """The core at a URL of fsspec; those in the folder there.

    In folders, a file counts that begins as a core does, and a compressed one whose name has
    ``core`` in it.

    Raises:
        Failure: when it cannot be read.
    """
    with _told(url):
        system, path = _system(url)
        if not system.isdir(path):
            yield _found(system, path, system.info(path))
            return
        found = sorted(system.find(path, detail=True).items())
        for some in _batches(found, AT_ONCE):
            starts = [0] * len(some)
            ends = [min(HEAD, info.get("size") or HEAD) for _, info in some]
            heads = system.cat_ranges([name for name, _ in some], starts, ends, on_error="return")
            for (name, info), head in zip(some, heads):
                if isinstance(head, bytes) and _may_be_core(name, head):
                    yield _found(system, name, info)


@contextlib.contextmanager
def here(name: str) -> Iterator[str]:
    """The path of a core; of one at a URL a temporary, sparse copy.

    Raises:
        Failure: when it cannot be read.
    """
    if not is_url(name):
        yield name
        return
    with tempfile.TemporaryDirectory(prefix="gdbext-") as folder:
        with _told(name):
            system, path = _system(name)
            copy = os.path.join(folder, os.path.basename(path) or "core")
            with system.open(path, "rb") as source, open(copy, "wb") as target:
                compressed.copy_sparse(source, target)
        yield copy


def _may_be_core(name: str, head: bytes) -> bool:
    if compressed.kind_of(head) is not None:
        return "core" in os.path.basename(name)
    return compressed.is_core_header(head)


def _found(system: Any, path: str, info: dict[str, Any]) -> Found:
    size = info.get("size")
    known = size if isinstance(size, int) else None
    return system.unstrip_protocol(path), known, _seconds(info)


def _seconds(info: dict[str, Any]) -> int | None:
    """When a file was written, of all the ways in which file systems say it."""
    for name in ("mtime", "LastModified", "last_modified", "updated", "created"):
        value = info.get(name)
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        if isinstance(value, datetime):
            return int(value.timestamp())
        if isinstance(value, (int, float)):
            return int(value)
    return None


def _system(url: str) -> tuple[Any, str]:
    """(file system, path in it) of a URL."""
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise Failure(f"{url} needs fsspec: pip install 'gdbext[fsspec]'", USAGE) from None
    system, path = url_to_fs(url)
    return system, path


@contextlib.contextmanager
def _told(url: str) -> Iterator[None]:
    """What a file system raises, as one line for a person."""
    try:
        yield
    except Failure:
        raise
    except compressed.UnpackError as error:
        raise Failure(str(error)) from None
    except FileNotFoundError:
        raise Failure(f"there is no {url}") from None
    except Exception as error:
        # Each protocol's package has exceptions of its own.
        said = (str(error) or type(error).__name__).splitlines()[0]
        raise Failure(f"cannot read {url}: {said}") from None


def _batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    waiting = iter(items)
    while some := list(itertools.islice(waiting, size)):
        yield some
