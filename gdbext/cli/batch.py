"""``gdbext batch DIR|CORE…``: many cores, in parallel; equal crashes become one group."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from gdbext.cli import cores, executors, groups, overview, parsers
from gdbext.cli.cores import CoreFile
from gdbext.cli.one_core import Task
from gdbext.cli.records import BatchRecords
from gdbext.engine.outcome import INTERRUPTED, USAGE, Failure
from gdbext.reports.formats import STDOUT
from gdbext.reports.progress import progress_line

NEW_FOUND = 1
ERASE_LINE = "\r\x1b[K"
HELP = """\
In folders every file that is a core counts, links to cores and compressed ones
(zstd, gzip, xz, lz4) too. A core that cannot be read stops nothing: it is
listed at the end, with the reason. A core may also have a URL (s3://…, with
fsspec and its package for that protocol).

With -o the reports are written as JSON lines, with --store into a store of
crashes (an SQLite file; see gdbext crashes), each core as it is done. When the
same command is started again, what the file has already is not done again. Any
such file serves as --baseline later: crashes that it does not have are marked
as new.

With --executor dask://HOST:PORT the workers of a Dask cluster do it; they need
this gdbext, the cores under the same names, and the programs that crashed. A
worker that dies, or a core that makes it die, costs that core one retry; then
it is reported as one that could not be diagnosed.

exit status:
  0  done
  1  there are new crashes, and --fail-on-new was given
  2  wrong usage

examples:
  gdbext batch /var/crash
  gdbext batch /var/crash -o today.jsonl --baseline yesterday.jsonl --fail-on-new
  gdbext batch /var/crash --store crashes.db
  gdbext batch cores/*.zst --markdown overview.md --html overview.html"""


def parser() -> argparse.ArgumentParser:
    made = parsers.new("batch", HELP)
    made.add_argument(
        "paths",
        metavar="CORE",
        nargs="+",
        help="cores, and folders of cores; paths or URLs",
    )
    made.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="reports as JSON lines (- is stdout); go on where it ended last time",
    )
    made.add_argument(
        "--baseline",
        metavar="FILE",
        help="JSON lines or the store of earlier runs: tells new crashes from old ones",
    )
    made.add_argument(
        "--store",
        metavar="FILE",
        help="keep every report in this store of crashes, which gdbext crashes reads",
    )
    made.add_argument(
        "--retry",
        action="store_true",
        help="do again what could not be diagnosed in an earlier run",
    )
    made.add_argument(
        "--fail-on-new",
        action="store_true",
        help="exit with 1 when there are crashes that the baseline does not have",
    )
    made.add_argument("--markdown", metavar="FILE", help="the overview as Markdown")
    made.add_argument("--html", metavar="FILE", help="the overview as an HTML page")
    made.add_argument(
        "--jobs",
        metavar="N",
        type=parsers.count,
        default=os.cpu_count() or 1,
        help="cores at a time on this machine (default: %(default)s)",
    )
    made.add_argument(
        "--executor",
        metavar="URL",
        help="dask://HOST:PORT: let the workers of that Dask scheduler do it",
    )
    parsers.add_program(
        made,
        "the program that made them, where it cannot be found from each core",
        "a folder that stands for / of the machine where they crashed",
    )
    parsers.add_symbol_server(made)
    parsers.add_debugger(made)
    parsers.add_timeout(made, 120.0, "seconds that one core may take")
    made.add_argument(
        "--redact", action="store_true", help="leave every value of the program out of the reports"
    )
    return made


def run(arguments: argparse.Namespace) -> int:
    if arguments.fail_on_new and not arguments.baseline:
        raise Failure("--fail-on-new needs a --baseline FILE to compare with", USAGE)
    grouping = groups.Grouping(
        groups.signatures_of(arguments.baseline) if arguments.baseline else None
    )
    found = cores.find(arguments.paths)
    if not found:
        raise Failure(f"no cores in {', '.join(arguments.paths)}")
    records = BatchRecords(arguments.output, arguments.store, arguments.retry)
    try:
        with records:
            left = []
            for core in found:
                if entry := records.done(core):
                    grouping.add(entry)
                else:
                    left.append(core)
            if grouping.size:
                print(
                    f"gdbext: {grouping.size} of {len(found)} cores are in {records.names} already",
                    file=sys.stderr,
                )
            with _Progress(len(left)) as advance:
                for entry in _diagnose_all(left, arguments):
                    records.keep(entry)
                    grouping.add(entry)
                    advance(entry)
    except KeyboardInterrupt:
        print(
            f"gdbext: interrupted after {grouping.size} of {len(found)} cores{records.hint}",
            file=sys.stderr,
        )
        return INTERRUPTED
    except Failure as error:
        if not grouping.size:
            raise
        done = f"stopped after {grouping.size} of {len(found)} cores{records.hint}"
        raise Failure(f"{error}; {done}", error.code) from None
    result = grouping.overview()
    _write(arguments.markdown, lambda: overview.markdown(result))
    _write(arguments.html, lambda: overview.html(result))
    print(
        overview.text(result),
        end="",
        file=sys.stderr if arguments.output == STDOUT else sys.stdout,
    )
    is_new = any(group.is_new for group in result.groups)
    return NEW_FOUND if arguments.fail_on_new and is_new else 0


# --- the work ------------------------------------------------------------------------------------


def _diagnose_all(left: list[CoreFile], arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """An entry for each core, as it is done."""
    tasks = (
        Task(
            core=core,
            executable=os.path.abspath(arguments.exe) if arguments.exe else None,
            sysroot=os.path.abspath(arguments.sysroot) if arguments.sysroot else None,
            debuginfod=arguments.debuginfod,
            debugger=arguments.debugger,
            timeout=arguments.timeout,
            redact=arguments.redact,
        )
        for core in left
    )
    with executors.opened(arguments.executor, arguments.jobs) as pool:
        yield from executors.stream(tasks, pool)


# --- output --------------------------------------------------------------------------------------


class _Progress:
    """A bar on a terminal, else a line now and then."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._count = 0
        self._is_terminal = sys.stderr.isatty()
        self._last = time.monotonic()

    def __enter__(self) -> Callable[[dict[str, Any]], None]:
        self._show_bar()
        return self._advance

    def _advance(self, entry: dict[str, Any]) -> None:
        self._count += 1
        if self._is_terminal:
            self._show_bar()
        elif time.monotonic() - self._last > 10 or self._count == self._total:
            self._last = time.monotonic()
            print(f"gdbext: {self._count} of {self._total}", file=sys.stderr)

    def _show_bar(self) -> None:
        if self._is_terminal and self._total:
            line = progress_line("diagnosing", self._count, self._total)
            print(f"\r{line}, {self._count} of {self._total}", end="", file=sys.stderr, flush=True)

    def __exit__(self, *_error: object) -> None:
        if self._is_terminal:
            print(ERASE_LINE, end="", file=sys.stderr, flush=True)


def _write(path: str | None, make: Callable[[], str]) -> None:
    if path:
        try:
            with open(path, "w", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write(make())
        except OSError as error:
            raise Failure(f"cannot write {path}: {error.strerror}", USAGE) from None
