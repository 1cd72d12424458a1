"""``gdbext batch DIR|CORE…``: many cores, in parallel; equal crashes become one group."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import IO, Any

from gdbext.cli import compressed, groups, outputs, overview
from gdbext.cli.main import COMMANDS, DIAGNOSED, INTERRUPTED, PARTIAL, USAGE, Failure
from gdbext.engine import launch
from gdbext.reports.progress import progress_line

SCHEMA = "gdbext.batch/1"
NEW_FOUND = 1
ERASE_LINE = "\r\x1b[K"
HELP = """\
In folders every file that is a core counts, links to cores and compressed ones
(zstd, gzip, xz, lz4) too. A core that cannot be read stops nothing: it is
listed at the end, with the reason.

With -o the reports are written as JSON lines, one for each core as it is done.
When the same command is started again, what the file has already is not done
again. Any such file serves as --baseline later: crashes that it does not have
are marked as new.

exit status:
  0  done
  1  there are new crashes, and --fail-on-new was given
  2  wrong usage

examples:
  gdbext batch /var/crash
  gdbext batch /var/crash -o today.jsonl --baseline yesterday.jsonl --fail-on-new
  gdbext batch cores/*.zst --markdown overview.md --html overview.html"""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="gdbext batch",
        description=COMMANDS["batch"].capitalize() + ".",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "paths", metavar="CORE", nargs="+", help="cores, and folders with cores in them"
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
        help="JSON lines of an earlier run: tells new crashes from old ones",
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
        type=int,
        default=os.cpu_count() or 1,
        help="cores at a time (default: %(default)s)",
    )
    made.add_argument(
        "--exe",
        metavar="EXE",
        help="the program that made them, where it cannot be found from each core",
    )
    made.add_argument(
        "--sysroot",
        metavar="DIR",
        help="a folder that stands for / of the machine where they crashed",
    )
    made.add_argument(
        "--debugger",
        choices=("auto", *launch.NAMES),
        default="auto",
        help="default: gdb if there is one, else lldb",
    )
    made.add_argument(
        "--timeout",
        metavar="S",
        type=float,
        default=120.0,
        help="seconds that one core may take (default: %(default)g)",
    )
    made.add_argument(
        "--redact", action="store_true", help="leave every value of the program out of the reports"
    )
    return made


def run(arguments: argparse.Namespace) -> int:
    if arguments.jobs < 1:
        raise Failure("--jobs must be at least 1", USAGE)
    if arguments.fail_on_new and not arguments.baseline:
        raise Failure("--fail-on-new needs a --baseline FILE to compare with", USAGE)
    known = _baseline(arguments.baseline) if arguments.baseline else None
    by_file: dict[str, str] = {}
    for name in find_cores(arguments.paths):
        by_file.setdefault(os.path.realpath(name), name)  # a core that is found by two names is one
    cores = list(by_file.values())
    if not cores:
        raise Failure(f"no cores in {', '.join(arguments.paths)}")
    earlier = _done_before(arguments.output, cores)
    left = [core for core in cores if core not in earlier]
    if earlier:
        print(
            f"gdbext: {len(earlier)} of {len(cores)} cores are in {arguments.output} already",
            file=sys.stderr,
        )
    entries = list(earlier.values())
    try:
        with _Lines(arguments.output) as write, _Progress(len(left)) as advance:
            for entry in _diagnose_all(left, arguments):
                entries.append(entry)
                write(entry)
                advance(entry)
    except KeyboardInterrupt:
        hint = (
            "; start the same command again to go on" if arguments.output not in (None, "-") else ""
        )
        print(
            f"gdbext: interrupted after {len(entries)} of {len(cores)} cores{hint}", file=sys.stderr
        )
        return INTERRUPTED
    found = groups.make(entries, known)
    _write(arguments.markdown, lambda: overview.markdown(found))
    _write(arguments.html, lambda: overview.html(found))
    print(
        overview.text(found),
        end="",
        file=sys.stderr if arguments.output == outputs.STDOUT else sys.stdout,
    )
    return NEW_FOUND if arguments.fail_on_new and any(group.is_new for group in found.groups) else 0


# --- which cores ---------------------------------------------------------------------------------


def find_cores(paths: Iterable[str]) -> Iterator[str]:
    """The cores named, and those in the folders named, as absolute paths in a fixed order.

    Raises:
        Failure: for a path that is not there.
    """
    for path in paths:
        if not os.path.exists(path):
            raise Failure(f"there is no {path}")
        if not os.path.isdir(path):
            yield os.path.abspath(path)
            continue
        for folder, folders, files in os.walk(os.path.abspath(path)):
            folders.sort()
            for name in sorted(files):
                candidate = os.path.join(folder, name)
                # A link to a core counts; a pipe must not be opened.
                if os.path.isfile(candidate) and compressed.is_core(candidate):
                    yield candidate


def _identity(path: str) -> dict[str, Any]:
    """What tells one core from another that later has the same name."""
    try:
        facts = os.stat(path)
    except OSError:
        return {"core": path, "size": None, "mtime": None}
    return {"core": path, "size": facts.st_size, "mtime": int(facts.st_mtime)}


def read_lines(path: str) -> Iterator[dict[str, Any]]:
    """The entries of a file of JSON lines; a line cut short, by a crash of the machine say, is left
    out.

    Raises:
        OSError
    """
    with open(path, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                yield entry


def _done_before(output: str | None, cores: list[str]) -> dict[str, dict[str, Any]]:
    if output in (None, outputs.STDOUT) or not os.path.exists(output):
        return {}
    wanted = {core: _identity(core) for core in cores}
    try:
        entries = list(read_lines(output))
    except OSError as error:
        raise Failure(f"cannot read {output}: {error.strerror}", USAGE) from None
    return {
        e["core"]: e
        for e in entries
        if e.get("core") in wanted and wanted[e["core"]].items() <= e.items()
    }


def _baseline(path: str) -> set[str]:
    try:
        return {
            signature for entry in read_lines(path) if (signature := groups.signature_of(entry))
        }
    except OSError as error:
        raise Failure(f"cannot read the baseline {path}: {error.strerror}", USAGE) from None


# --- the work ------------------------------------------------------------------------------------


def _diagnose_all(cores: list[str], arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """An entry for each core, as it is done."""
    with ThreadPoolExecutor(arguments.jobs) as pool:
        waiting = iter(cores)
        running: set[Future[dict[str, Any]]] = set()
        try:
            while True:
                # Few at a time, so that an interrupt does not wait for the rest.
                while len(running) < arguments.jobs and (core := next(waiting, None)) is not None:
                    running.add(pool.submit(_diagnose, core, arguments))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _diagnose(core: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Diagnose one core in a process of its own, whatever it does."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gdbext-batch-") as folder:
        report = os.path.join(folder, "report.json")
        words = [
            "triage",
            core,
            "--format",
            "json",
            "-o",
            report,
            "--debugger",
            arguments.debugger,
            "--timeout",
            str(arguments.timeout),
        ]
        words += [
            word
            for option in ("exe", "sysroot")
            if (value := getattr(arguments, option))
            for word in (f"--{option}", value)
        ]
        words += ["--redact"] if arguments.redact else []
        code = (
            f"import sys; sys.path.insert(0, {launch.ROOT!r}); from gdbext.cli.main import main; "
            "sys.exit(main(sys.argv[1:]))"
        )
        environment = {**os.environ, "TMPDIR": folder}
        error: str | None = None
        content = None
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-c", code, *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=arguments.timeout + 60,
                env=environment,
            )
            status = done.returncode
            said = done.stderr.decode(errors="replace").strip()
            if status in (DIAGNOSED, PARTIAL):
                with open(report, encoding="utf-8") as stream:
                    content = json.load(stream)
            else:
                error = (said.splitlines() or [f"exit status {status}"])[0].removeprefix("gdbext: ")
        except (OSError, ValueError, subprocess.TimeoutExpired) as problem:
            status, error = 3, str(problem)
    seconds = round(time.monotonic() - started, 2)
    return {
        "schema": SCHEMA,
        **_identity(core),
        "status": status,
        "seconds": seconds,
        "error": error,
        "report": content,
    }


# --- output --------------------------------------------------------------------------------------


class _Lines:
    """Writes entries as JSON lines, each at once and whole."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._stream: IO[str] | None = None

    def __enter__(self) -> Callable[[dict[str, Any]], None]:
        if self._path == outputs.STDOUT:
            self._stream = sys.stdout
        elif self._path:
            try:
                self._stream = open(self._path, "a+", encoding="utf-8")
                self._end_broken_line(self._stream)
            except OSError as error:
                raise Failure(f"cannot write {self._path}: {error.strerror}", USAGE) from None
        return self._write

    @staticmethod
    def _end_broken_line(stream: IO[str]) -> None:
        size = os.fstat(stream.fileno()).st_size
        if size and os.pread(stream.fileno(), 1, size - 1) != b"\n":
            stream.write("\n")

    def _write(self, entry: dict[str, Any]) -> None:
        if self._stream is not None:
            self._stream.write(json.dumps(entry) + "\n")
            self._stream.flush()

    def __exit__(self, *_error: object) -> None:
        if self._stream is not None and self._stream is not sys.stdout:
            self._stream.close()


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
