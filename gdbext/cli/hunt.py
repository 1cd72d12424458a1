"""``gdbext hunt -- COMMAND``: run a command again and again, and conclude over its deaths."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from gdbext.cli import outputs, parsers
from gdbext.engine.outcome import USAGE, Failure
from gdbext.reports.formats import STDOUT

if TYPE_CHECKING:
    from gdbext.cli.repeat import Ended, Plan, Repeater
    from gdbext.hunt.deaths import Death
    from gdbext.hunt.grouping import Group
    from gdbext.model import Report

SURVIVED, DIED, SKIP = 0, 1, 125
"""Exit statuses; ``git bisect run`` takes 0 for good, 1 for bad and 125 for a commit that cannot be
judged.
"""
ANY = "any"
STATUS_SECONDS = 0.5
MAY_NOT_START = (126, 127)
HELP = """\
One core is a sample: a race dies at another victim each time. The command is
run again and again under `gdbext run`, in turn also with PYTHONMALLOC=debug,
which finds damage nearer to its cause. Deaths with one signature, and those
that name the same object and lines, are one group. The report is the death
that agrees with most others; it says how many deaths name the object, each
line and operation, and in what they differ. A second group is reported after
the first; with -o FILE its report is FILE with -2 before the ending.

Ctrl-C ends the hunt and concludes from what there is; so does SIGTERM, without
--blame. The files of -o are there before --blame begins.

exit status:
  0  nothing died
  1  something died
  2  wrong usage

For `git bisect run` give --bisect, and with it the report or the signature of
the crash that is looked for:
  0    nothing died: good
  1    the crash that is looked for (without one: any): bad
  125  the command cannot be started, or died of something else only: skip

examples:
  gdbext hunt -- python3.13t stress.py
  gdbext hunt --deaths 50 --jobs 4 --chaos -o race.html -- python3.13t -m pytest tests/test_pool.py
  git bisect run gdbext hunt --bisect race.json --time 60 -- ./build-and-run.sh"""


def parser() -> argparse.ArgumentParser:
    made = parsers.new_for_command("hunt", HELP)
    made.add_argument(
        "--deaths",
        metavar="N",
        type=parsers.count,
        default=20,
        help="enough deaths (default: %(default)s)",
    )
    made.add_argument(
        "--until-crash", action="store_true", help="one death is enough; the same as --deaths 1"
    )
    made.add_argument(
        "--time",
        metavar="S",
        type=parsers.seconds,
        default=300.0,
        help="seconds after which no run is started any more (default: %(default)g)",
    )
    made.add_argument("--runs", metavar="N", type=parsers.count, help="at most so many runs")
    made.add_argument(
        "--run-time",
        metavar="S",
        type=parsers.seconds,
        default=60.0,
        help="seconds that one run may take; what hangs then is diagnosed (default: %(default)g)",
    )
    made.add_argument(
        "--jobs",
        metavar="N",
        type=parsers.count,
        default=max((os.cpu_count() or 1) // 2, 1),
        help="runs at a time; a race needs processors (default: %(default)s)",
    )
    made.add_argument(
        "--chaos",
        action="store_true",
        help="in turn also with random stops of single threads, some milliseconds each",
    )
    made.add_argument("--as-is", action="store_true", help="never set PYTHONMALLOC=debug")
    made.add_argument(
        "--bisect",
        metavar="REPORT|SIGNATURE",
        nargs="?",
        const=ANY,
        help="exit as `git bisect run` wants it; with the crash that is looked for",
    )
    made.add_argument(
        "--blame",
        action="store_true",
        help="then run it under gdb as well, and say who freed what the crash is about; takes "
        "up to 6 times --run-time more, and the diagnosis of each run",
    )
    made.add_argument(
        "--on-crash", metavar="DIR", help="keep each run's reports and output in this folder"
    )
    made.add_argument(
        "--keep-core",
        action="store_true",
        help="keep the cores there, too, compressed (needs --on-crash)",
    )
    parsers.add_symbol_server(made)
    parsers.add_debugger(made)
    outputs.add_options(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    command = parsers.command_to_run("hunt", arguments)
    if arguments.keep_core and not arguments.on_crash:
        raise Failure("--keep-core needs --on-crash DIR to keep it in", USAGE)
    if sys.platform != "linux":
        raise Failure("gdbext hunt needs Linux")
    try:
        chosen = outputs.pair(arguments.outputs)
    except ValueError as error:
        raise Failure(str(error), USAGE) from None
    wanted = _wanted(arguments.bisect)
    from gdbext.cli.repeat import Repeater
    from gdbext.hunt.grouping import group

    with contextlib.ExitStack() as stack:
        folder = arguments.on_crash or stack.enter_context(
            tempfile.TemporaryDirectory(prefix="gdbext-hunt-", ignore_cleanup_errors=True)
        )
        plan = _plan(arguments, command, os.path.abspath(folder))
        hunt = stack.enter_context(Repeater(plan))
        termination = stack.enter_context(_Termination())
        with contextlib.suppress(KeyboardInterrupt):
            _follow(hunt, wanted)
        deaths = [death for ended in hunt.ended for death in ended.deaths]
        groups = group(deaths)
        _say(_conclusion(hunt, groups))
        if groups:
            reports = _concluded(groups, hunt, chosen)
            if arguments.blame and not termination.came:
                reports = blamed(reports, arguments, os.path.abspath(folder))
            write(reports, arguments)
        if arguments.on_crash and hunt.ended:
            _say(f"each run's reports and output are in {arguments.on_crash}")
        if arguments.bisect is None:
            return DIED if deaths else SURVIVED
        return _bisected(hunt, deaths, wanted)


def _plan(arguments: argparse.Namespace, command: Sequence[str], folder: str) -> Plan:
    from gdbext.cli.repeat import Plan, conditions

    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise Failure(f"cannot make {folder}: {error.strerror}", USAGE) from None
    options = ["--debugger", arguments.debugger, "--format", "json"]
    options += ["--redact"] if arguments.redact else []
    options += ["--debuginfod", arguments.debuginfod] if arguments.debuginfod else []
    if arguments.on_crash:
        options += ["--format", "text"]
    options += ["--keep-core"] if arguments.keep_core else []
    return Plan(
        command=tuple(command),
        folder=folder,
        deaths=1 if arguments.until_crash else arguments.deaths,
        seconds=arguments.time,
        runs=arguments.runs,
        jobs=arguments.jobs,
        run_seconds=arguments.run_time,
        conditions=conditions(not arguments.as_is, arguments.chaos),
        options=tuple(options),
    )


class _Termination:
    """SIGTERM interrupts as Ctrl-C does, the first time: `timeout` sends it twice."""

    def __init__(self) -> None:
        self.came = False

    def __enter__(self) -> _Termination:
        self._before = signal.signal(signal.SIGTERM, self._take)
        return self

    def _take(self, *_signal: object) -> None:
        if not self.came:
            self.came = True
            raise KeyboardInterrupt

    def __exit__(self, *_error: object) -> None:
        signal.signal(signal.SIGTERM, self._before)


# --- which crash is looked for -------------------------------------------------------------------


class _Wanted:
    """The crash that a bisection looks for: any, those of a signature, or those of a report's
    defect.
    """

    def __init__(self, signature: str | None = None, report: Report | None = None) -> None:
        self._signature = signature
        self._report = report

    def matches(self, death: Death) -> bool:
        from gdbext.hunt.deaths import Death
        from gdbext.hunt.grouping import is_same_defect

        if self._report is not None:
            return is_same_defect(Death(report=self._report), death)
        return self._signature is None or death.signature == self._signature


def _wanted(given: str | None) -> _Wanted | None:
    if given is None:
        return None
    if given == ANY:
        return _Wanted()
    if not os.path.exists(given):
        if len(given) == 16 and not set(given) - set("0123456789abcdef"):
            return _Wanted(signature=given)
        raise Failure(f"--bisect wants a report (JSON) or a signature; there is no {given}", USAGE)
    from gdbext.reports.json_report import NotAReport, parse

    try:
        with open(given, encoding="utf-8") as stream:
            return _Wanted(report=parse(stream.read()))
    except (OSError, NotAReport, UnicodeDecodeError) as error:
        raise Failure(f"cannot read {given}: {error}", USAGE) from None


def _bisected(hunt: Repeater, deaths: Sequence[Death], wanted: _Wanted | None) -> int:
    if wanted is not None and any(wanted.matches(death) for death in deaths):
        return DIED
    return SKIP if deaths or _cannot_start(hunt) or not hunt.ended else SURVIVED


# --- while it runs -------------------------------------------------------------------------------


def _follow(hunt: Repeater, wanted: _Wanted | None) -> None:
    """Until there are enough deaths or the time is up."""
    last = 0.0
    is_terminal = sys.stderr.isatty()
    try:
        for ended in hunt.results():
            if ended is not None:
                if is_terminal:
                    sys.stderr.write("\r\x1b[K")
                _tell(ended, len(hunt.ended))
                if _cannot_start(hunt):
                    _say(f"the command cannot be started: {_last_line(ended.log)}")
                    return
                if wanted is not None and any(wanted.matches(death) for death in ended.deaths):
                    return
            if is_terminal and time.monotonic() - last > STATUS_SECONDS:
                last = time.monotonic()
                sys.stderr.write(f"\r\x1b[Kgdbext: {_status(hunt)} (Ctrl-C concludes)")
                sys.stderr.flush()
    finally:
        if is_terminal:
            sys.stderr.write("\r\x1b[K")


def _status(hunt: Repeater) -> str:
    deaths = [death for ended in hunt.ended for death in ended.deaths]
    signatures = len({death.signature for death in deaths})
    cut_off = sum(each.is_cut_off for each in hunt.ended)
    over = f" ({cut_off} stopped: over the time that --run-time gives)" if cut_off else ""
    parts = (
        _number(len(hunt.ended), "run") + over,
        _number(len(deaths), "death"),
        _number(signatures, "signature"),
        f"{hunt.seconds:.0f} s",
    )
    return ", ".join(parts)


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _tell(ended: Ended, number: int) -> None:
    """A line for each death."""
    from gdbext.hunt.deaths import symptom
    from gdbext.reports.sanitize import inert, visible
    from gdbext.wording import sentence

    for death in ended.deaths:
        findings = death.report.findings
        said = f"{findings[0].rule} {sentence(findings[0].title)}" if findings else "no verdict"
        words = f"run {number} ({ended.run.condition}): {symptom(death.report)}: {said}"
        _say(inert(visible(words, 160)))
    for problem in ended.unread:
        _say(inert(visible(f"run {number} ({ended.run.condition}): {problem}", 160)))


def _cannot_start(hunt: Repeater) -> bool:
    return bool(hunt.ended) and all(each.status in MAY_NOT_START for each in hunt.ended)


def _conclusion(hunt: Repeater, groups: Sequence[Group]) -> str:
    said = _status(hunt)
    if groups:
        return f"{said}: {_number(len(groups), 'defect')}"
    failed = [each for each in hunt.ended if each.status != 0 and not each.is_cut_off]
    if failed and len(failed) == len(hunt.ended):
        last = failed[-1]
        return (
            f"{said}; every run ended with a status other than 0, the last with {last.status}: "
            f"{_last_line(last.log)}"
        )
    return f"{said}; more runs, more threads or --chaos may help" if hunt.ended else said


def _last_line(log: str) -> str:
    from gdbext.reports.sanitize import inert, visible

    lines = [line for line in log.splitlines() if line.strip()]
    return inert(visible(lines[-1].removeprefix("gdbext: "))) if lines else "it wrote nothing"


def _say(message: str) -> None:
    print(f"gdbext: {message}", file=sys.stderr, flush=True)


# --- the conclusion ------------------------------------------------------------------------------


class Written(NamedTuple):
    """A report, and the (format, file) of each form that it is written in."""

    report: Report
    chosen: list[tuple[str, str]]

    def in_files(self) -> Written:
        """Without what goes to stdout."""
        return self._replace(chosen=[each for each in self.chosen if each[1] != STDOUT])


def _concluded(
    groups: Sequence[Group], hunt: Repeater, chosen: Sequence[tuple[str, str]]
) -> list[Written]:
    from gdbext.hunt.consensus import conclude

    runs = [ended.run for ended in hunt.ended]
    return [
        Written(
            conclude(each, runs, hunt.deaths - len(each.deaths)),
            [(name, _numbered(file, number)) for name, file in chosen],
        )
        for number, each in enumerate(groups, 1)
    ]


def blamed(reports: Sequence[Written], arguments: argparse.Namespace, folder: str) -> list[Written]:
    """The reports, the first with who freed what; meanwhile its files are there without, and an
    interrupt leaves it so.
    """
    first, *others = reports
    write([each.in_files() for each in reports], arguments)
    try:
        return [first._replace(report=with_blame(first.report, arguments, folder)), *others]
    except KeyboardInterrupt:
        _say("interrupted: the report does not say who freed what")
        return [first, *others]


def write(reports: Sequence[Written], arguments: argparse.Namespace) -> None:
    """Write every report, and say into which files."""
    for each in reports:
        write_report(each.report, each.chosen, arguments)
    if files := [file for each in reports for _, file in each.in_files().chosen]:
        _say(f"written: {', '.join(files)}")


def with_blame(report: Report, arguments: argparse.Namespace, folder: str) -> Report:
    """The report with who freed what, as far as a few runs under gdb show it."""
    import dataclasses

    from gdbext.cli import blame_runs

    if report.consensus is None:
        return report
    blame, types = blame_runs.freed_at_death(report), blame_runs.types_of(report)
    if blame is None and types:
        command = parsers.command_to_run("hunt", arguments)
        _say(f"recording who frees objects of {', '.join(types)}, under gdb")
        functions = blame_runs.functions_of(report)
        blame = blame_runs.record(command, types, functions, arguments.run_time, folder, told=_say)
    blame = blame or blame_runs.NOTHING_TO_RECORD
    return dataclasses.replace(report, consensus=dataclasses.replace(report.consensus, blame=blame))


def _numbered(file: str, number: int) -> str:
    """
    >>> _numbered("out/race.html", 2)
    'out/race-2.html'
    """
    if file == STDOUT or number == 1:
        return file
    folder, name = os.path.split(file)
    stem, dot, ending = name.partition(".")
    return os.path.join(folder, f"{stem}-{number}{dot}{ending}")


def write_report(
    report: Report, chosen: Sequence[tuple[str, str]], arguments: argparse.Namespace
) -> None:
    """Write a report in each format asked for, into its file or for ``-`` to stdout.

    Raises:
        Failure: for a file that cannot be written.
    """
    from gdbext.reports import formats
    from gdbext.reports.options import detect

    color = parsers.color(arguments)
    shown = detect(sys.stdout, color=color, verbose=arguments.verbose, redact=arguments.redact)
    for name, file in chosen:
        try:
            formats.write(report, name, None if file == STDOUT else file, shown)
        except OSError as error:
            raise Failure(f"cannot write {file}: {error.strerror}", USAGE) from None
