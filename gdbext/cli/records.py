"""Where a batch keeps what it has done: a file of JSON lines, a store, both or neither."""

from __future__ import annotations

import contextlib
from typing import Any

from gdbext.cli.cores import CoreFile
from gdbext.cli.json_lines import JsonLines
from gdbext.engine.outcome import USAGE, Failure
from gdbext.reports.formats import STDOUT
from gdbext.store.database import Store, StoreError


class BatchRecords:
    """Keeps each entry at once, and knows those of earlier runs.

    ``retry``: an earlier failure does not count as done.

    Raises:
        Failure: when a file cannot be opened or written.
    """

    def __init__(self, lines: str | None, store: str | None, retry: bool = False) -> None:
        self._lines = JsonLines(lines)
        self._store_path = store
        self._store: Store | None = None
        self._retry = retry
        files = [name for name in (store, lines) if name and name != STDOUT]
        self.names = " and ".join(files)
        self.hint = "; start the same command again to go on" if files else ""

    def __enter__(self) -> BatchRecords:
        with contextlib.ExitStack() as opened:
            opened.enter_context(self._lines)
            if self._store_path:
                try:
                    self._store = opened.enter_context(Store.create(self._store_path))
                except StoreError as error:
                    raise Failure(str(error), USAGE) from None
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._opened.close()

    def done(self, core: CoreFile) -> dict[str, Any] | None:
        """The entry of a core that is done already; what only one of the files has, the other
        gets.
        """
        line = self._accepted(self._lines.find(core.identity))
        row = self._accepted(self._store.find(*core) if self._store else None)
        if line and self._store and not row:
            self._keep_row(line)
        if row and not line:
            self._lines.write(row)
        return line or row

    def _accepted(self, entry: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if entry and self._retry and entry.get("report") is None else entry

    def keep(self, entry: dict[str, Any]) -> None:
        """Write an entry, whole or not at all."""
        self._lines.write(entry)
        self._keep_row(entry)

    def _keep_row(self, entry: dict[str, Any]) -> None:
        if self._store:
            try:
                self._store.add(entry)
            except StoreError as error:
                raise Failure(str(error)) from None
