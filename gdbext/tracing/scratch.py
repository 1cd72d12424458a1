"""A folder for files that nobody needs later."""

from __future__ import annotations

import tempfile
from functools import cached_property
from types import TracebackType


class Scratch:
    """Made when its path is first asked for: a run in which nothing happens leaves nothing behind, even when it is killed.

    A context manager: the folder goes with it.
    """

    @cached_property
    def path(self) -> str:
        return self._folder.name

    @cached_property
    def _folder(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="gdbext-run-", ignore_cleanup_errors=True)

    def __enter__(self) -> Scratch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if "_folder" in vars(self):
            self._folder.cleanup()
