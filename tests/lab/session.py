"""The cores of one session: each made once, shared by all workers, deleted at the end."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from lab import builds
from lab.crash import CrashRun, Lives, NoCrash, could_not_run, crash
from lab.script import CORPUS, Script


class Lab:
    """Crashes by (build, script, number), in a folder that several processes may share."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    @classmethod
    @contextlib.contextmanager
    def temporary(cls) -> Iterator[Lab]:
        """A lab whose cores are gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="gdbext-lab-") as folder:
            yield cls(Path(folder))

    def crash(self, build: str, name: str, number: int = 0) -> CrashRun:
        """The death of corpus script ``name`` on that build.

        Equal arguments give the same core; ``number`` tells apart repeated deaths of one race.
        Raises NoCrash, every time again, when the script does not die; Lives, where that is on the
        user's interpreter.
        """
        return self.crash_of(Script(CORPUS / f"{name}.py"), build, number)

    def crash_of(
        self,
        script: Script,
        build: str,
        number: int = 0,
        env: Mapping[str, str] | None = None,
        seconds: float = 120,
        attempts: int = 1,
    ) -> CrashRun:
        """The same for a script that need not be of the corpus; ``env`` instead of what it says
        itself, ``seconds`` and ``attempts`` where it says nothing.
        """
        expect = script.on(build) if "builds" in script.expect else script.expect
        folder = self.root / build / script.name / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        result, refused = folder / "run.json", folder / "no-crash"
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not result.exists() and not refused.exists():
                try:
                    run = crash(
                        builds.python(build),
                        script.path,
                        folder=folder,
                        timeout=expect.get("seconds", seconds),
                        env=expect.get("env") if env is None else env,
                        attempts=_attempts(script, expect.get("attempts", attempts)),
                    )
                except NoCrash as error:
                    refused.write_text(str(error))
                else:
                    run.save(result)
            if refused.exists():
                said = refused.read_text()
                of_corpus = builds.given() and script.path.parent == CORPUS
                raise (Lives if of_corpus and not could_not_run(said) else NoCrash)(said)
            return CrashRun.load(result)

    def forget(self, build: str, name: str, number: int = 0) -> None:
        """Delete one run and its core (a long loop over races would fill the disk)."""
        shutil.rmtree(self.root / build / name / str(number), ignore_errors=True)

    def close(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


def _attempts(script: Script, wanted: int) -> int:
    """How often to try: on the user's interpreter a race that is mended would be waited for in vain
    each time, and where freed memory goes that a script wants to have is not known so well.
    """
    if builds.given() is None:
        return wanted
    return 1 if script.is_race else max(wanted, 3)
