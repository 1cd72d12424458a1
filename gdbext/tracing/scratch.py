"""A folder for files that nobody needs later."""

from __future__ import annotations

import os
from functools import cached_property
from types import TracebackType


class Scratch:
    """Made when its path is first asked for: a run in which nothing happens leaves nothing behind,
    even when it is killed.

    A context manager: the folder goes with it.
    """

    @cached_property
    def name(self) -> str:
        """Where the folder is, or will be: nobody else can know the name before it is made.

        Our process id is in it, so that ``pytest --gdbext`` finds the reports of its run.
        """
        import tempfile  # and the generator of random names with it

        name = f"gdbext-run-{os.getpid()}-{os.urandom(8).hex()}"
        return os.path.join(tempfile.gettempdir(), name)

    @cached_property
    def path(self) -> str:
        """The folder, for its owner alone.

        Raises:
            OSError: when it cannot be made.
        """
        os.mkdir(self.name, 0o700)
        return self.name

    def __enter__(self) -> Scratch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if "path" in vars(self):
            import shutil  # and what packs archives with it, for a run in which something happened

            shutil.rmtree(self.path, ignore_errors=True)
