"""Where the cores of a batch are diagnosed: engines with the interface of concurrent.futures."""

from __future__ import annotations

import contextlib
import queue
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from typing import Any, Protocol

from gdbext import __version__
from gdbext.cli.one_core import ATTEMPTS, Task, diagnose, failure
from gdbext.cli.workers import Workers
from gdbext.engine.outcome import USAGE, Failure

Entry = dict[str, Any]
DASK = "dask://"
CONNECT_SECONDS = 20
WORKER_SECONDS = 60
FORGOTTEN_SECONDS = 10.0
"""After which a count that does not come has been deleted."""
QUIET_SECONDS = 10.0
"""After which an engine is asked what it waits for."""
AHEAD = 2
"""Cores that each thread of a fleet's workers may have before it, so that none is idle."""


class Pool(Protocol):
    """An engine that diagnoses cores."""

    def submit(self, task: Task) -> Future[Entry]:
        """Give it a core."""

    def window(self) -> int:
        """How many cores it may have at a time."""

    def check(self) -> None:
        """Raises Failure where the engine itself is lost, and not only a core."""

    def notice(self) -> str | None:
        """What a person should know while nothing comes back."""


@contextlib.contextmanager
def opened(name: str | None, jobs: int) -> Iterator[Pool]:
    """The engine of that name: ``dask://HOST:PORT``; None is this machine, with so many workers.

    Raises:
        Failure: when it cannot be used.
    """
    if name is None:
        with _local(jobs) as pool:
            yield pool
    elif name.startswith(DASK) and len(name) > len(DASK):
        with _dask(name) as pool:
            yield pool
    else:
        raise Failure(
            f"there is no executor {name}; the address of a Dask scheduler is {DASK}HOST:PORT",
            USAGE,
        )


def stream(tasks: Iterable[Task], pool: Pool) -> Iterator[Entry]:
    """An entry for each task, as they are done.

    A task whose future fails, because its worker is gone say, is submitted once more, and then
    reported as a failure.

    Raises:
        Failure: when the engine is lost.
    """
    waiting = iter(tasks)
    running: dict[Future[Entry], tuple[Task, int]] = {}
    done: queue.SimpleQueue[Future[Entry]] = queue.SimpleQueue()

    def start(task: Task, attempt: int) -> None:
        future = pool.submit(task)
        running[future] = task, attempt
        future.add_done_callback(done.put)

    try:
        while True:
            # Few at a time, so that an interrupt does not wait for the rest.
            while len(running) < pool.window() and (task := next(waiting, None)) is not None:
                start(task, 1)
            if not running:
                return
            future = _next(done, pool)
            task, attempt = running.pop(future)
            try:
                entry = future.result()
                # A cluster keeps a result, and makes it again if it is lost, while somebody has the
                # future.
                del future
            except (Exception, CancelledError) as error:
                pool.check()
                if attempt < ATTEMPTS:
                    start(task, attempt + 1)
                    continue
                said = f"{type(error).__name__}: {error}".splitlines()[0]
                entry = failure(task, f"{said}; tried {ATTEMPTS} times")
            yield entry
    finally:
        for future in running:
            future.cancel()


def _next(done: queue.SimpleQueue[Future[Entry]], pool: Pool) -> Future[Entry]:
    """The next future that is done; says meanwhile what is waited for."""
    said = None
    while True:
        try:
            return done.get(timeout=QUIET_SECONDS)
        except queue.Empty:
            pool.check()
            notice = pool.notice()
            if notice and notice != said:
                print(f"gdbext: {notice}", file=sys.stderr)
            said = notice


# --- this machine ---------------------------------------------------------------------------------


class _Local:
    def __init__(self, executor: Executor, workers: Workers, jobs: int) -> None:
        self._executor = executor
        self._workers = workers
        self._jobs = jobs

    def submit(self, task: Task) -> Future[Entry]:
        return self._executor.submit(diagnose, task, self._workers)

    def window(self) -> int:
        return self._jobs

    def check(self) -> None:
        """Threads are not lost."""

    def notice(self) -> str | None:
        return None


@contextlib.contextmanager
def _local(jobs: int) -> Iterator[Pool]:
    workers = Workers()
    with ThreadPoolExecutor(jobs) as executor:
        try:
            yield _Local(executor, workers, jobs)
        finally:
            workers.end()


# --- Dask -----------------------------------------------------------------------------------------


class _Dask:
    """A Dask cluster.

    Dask itself gives a task whose worker is gone to another, several times.  A core may be why it
    is gone; so each start is counted on the scheduler, where a count outlives the worker.
    """

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name
        self._executor: Executor = client.get_executor(pure=False)
        self._run = uuid.uuid4().hex
        self._counted: dict[str, Any] = {}
        self._threads = 0
        self._asked = 0.0

    def submit(self, task: Task) -> Future[Entry]:
        name = f"gdbext-{self._run}-{task.core.name}"
        if name not in self._counted:
            self._counted[name] = _count(name, self._client)
            self._counted[name].set(0)
        future = self._executor.submit(on_dask, task, name)
        future.add_done_callback(lambda done: self._forget(name, done))
        return future

    def _forget(self, name: str, future: Future[Entry]) -> None:
        """Of a core that is done the scheduler needs no count."""
        if not future.cancelled() and future.exception() is None:
            self._counted.pop(name).delete()

    def window(self) -> int:
        if time.monotonic() - self._asked > QUIET_SECONDS:
            self._threads = sum(self._client.nthreads().values())
            self._asked = time.monotonic()
        return max(AHEAD * self._threads, 1)

    def check(self) -> None:
        if self._client.status != "running":
            raise Failure(f"the scheduler at {self._name} is gone")

    def notice(self) -> str | None:
        if self._client.nthreads():
            return None
        return f"no workers at {self._name}; waiting for some"


@contextlib.contextmanager
def _dask(name: str) -> Iterator[Pool]:
    try:
        distributed = _distributed()
    except ImportError:
        raise Failure(f"{name} needs dask.distributed: pip install 'gdbext[dask]'", USAGE) from None
    address = f"tcp://{name.removeprefix(DASK)}"
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        said = str(error).splitlines()[0]
        raise Failure(f"no Dask scheduler answers at {name}: {said}") from None
    with client:
        _check_fleet(client, name)
        yield _Dask(client, name)


def _check_fleet(client: Any, name: str) -> None:
    """That there are workers, and that they have this very gdbext."""
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except (OSError, _distributed().TimeoutError):
        raise Failure(f"no workers came to {name} within {WORKER_SECONDS} s") from None
    try:
        versions = {client.submit(version, pure=False).result(), *client.run(version).values()}
    except Exception as error:
        # Whatever a scheduler or worker raises that cannot load it.
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        raise Failure(f"{name} needs gdbext {__version__} in all its parts: {said}") from None
    if versions != {__version__}:
        others = ", ".join(sorted(versions - {__version__}))
        raise Failure(f"workers at {name} have gdbext {others}; this one is {__version__}")


# --- on a Dask worker -----------------------------------------------------------------------------

_workers = Workers()


def version() -> str:
    """gdbext's, where this runs."""
    return __version__


def _count(name: str, client: Any) -> Any:
    """A number that the scheduler keeps."""
    return _distributed().Variable(name, client=client)


def _distributed() -> Any:
    import distributed

    return distributed


def on_dask(task: Task, name: str) -> Entry:
    """Diagnose a core on a Dask worker; ``name`` is that of the variable that counts its starts."""
    starts = _count(name, _distributed().get_client())
    try:
        begun = int(starts.get(timeout=FORGOTTEN_SECONDS))
    except _distributed().TimeoutError:
        return failure(task, "it is done already, and its count is gone")
    if begun >= ATTEMPTS:
        return failure(task, f"the Dask worker that had it was lost; tried {ATTEMPTS} times")
    starts.set(begun + 1)
    return diagnose(task, _workers)
