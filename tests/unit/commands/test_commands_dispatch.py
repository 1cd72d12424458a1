"""From a typed line to a command: names, mistakes, failures, completion, help."""

from __future__ import annotations

import sys

import pytest

from fakes import FakeDebugger
from gdbext.commands import dispatch
from gdbext.commands.command import Arguments, Command, Context, UsageError, parse
from gdbext.commands.progress import counter, finished, reporter
from gdbext.reports.formats import FORMATS
from gdbext.reports.options import Options
from gdbext.target.protocol import DebuggerError, MemoryFault


class Screen:
    """A run of a command over a debugger without memory, and what it wrote."""

    def __init__(self, colors: int = 0) -> None:
        self.text = ""
        self.context = Context(FakeDebugger(), self._write, Options(colors=colors))

    def _write(self, text: str) -> None:
        self.text += text

    def run(self, line: str) -> str:
        self.text = ""
        self.succeeded = dispatch.run(self.context, line)
        return self.text


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.delenv("GDBEXT_RAISE", raising=False)
    return Screen()


def command_that_raises(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """``ft scan`` becomes a command that raises."""

    def run(context: Context, arguments: Arguments) -> None:
        raise error

    module = dispatch.command("scan").run.__module__
    monkeypatch.setattr(sys.modules[module], "COMMAND", Command("scan", "", "", run))


@pytest.mark.parametrize("name", dispatch.NAMES)
def test_every_command_is_declared_in_full(name: str) -> None:
    found = dispatch.command(name)
    assert found.name == name
    assert found.usage.startswith(f"ft {name}")
    assert found.summary
    assert found.summary[0].islower()
    assert "\n" not in found.summary
    assert found.description.endswith(".")
    assert all(len(line) <= 130 for line in found.description.splitlines())
    for example in found.examples:
        words = example.split()
        assert words[:2] == ["ft", name]
        parse(found, words[2:])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("tri", "triage"), ("li", "list"), ("lo", "locks"), ("bt", "bt"), ("k", "known")],
)
def test_names_may_be_cut_short_where_they_stay_unique(typed: str, meant: str) -> None:
    assert dispatch.command(typed).name == meant


@pytest.mark.parametrize(
    ("typed", "offered"), [("t", "triage, threads"), ("l", "list, locks"), ("he", "heap, help")]
)
def test_an_ambiguous_name_is_told_with_what_it_may_mean(typed: str, offered: str) -> None:
    with pytest.raises(UsageError, match=f"^no command `ft {typed}`; there are: {offered}$"):
        dispatch.command(typed)


def test_an_unknown_command_is_told_with_all_there_are(screen: Screen) -> None:
    assert (
        screen.run("frobnicate")
        == f"ft: no command `ft frobnicate`; there are: {', '.join(dispatch.NAMES)}\n"
    )
    assert not screen.succeeded


def test_nothing_typed_is_a_call_for_help(screen: Screen) -> None:
    listed = screen.run("")
    assert screen.succeeded
    assert screen.run("help") == listed == screen.run("   ")
    lines = listed.splitlines()[1:-1]
    assert [line.split()[1] for line in lines] == dispatch.NAMES
    # The summaries stand in one column.
    assert len({line.index(dispatch.command(line.split()[1]).summary) for line in lines}) == 1


@pytest.mark.parametrize("name", dispatch.NAMES)
def test_help_describes_each_command(screen: Screen, name: str) -> None:
    said = screen.run(f"help {name}")
    found = dispatch.command(name)
    words = " ".join(said.split())
    for text in (
        found.usage,
        found.summary,
        found.description,
        *found.examples,
        *(o.name for o in found.options),
    ):
        assert " ".join(text.split()) in words


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UsageError("no such range"), "ft: no such range\n"),
        (DebuggerError("no process"), "ft: no process\n"),
        (
            MemoryFault(0x1000, 8),
            "ft: cannot read 8 bytes at 0x1000; it is unmapped, or was left out of the core\n",
        ),
        (KeyboardInterrupt(), "ft: interrupted\n"),
    ],
)
def test_what_a_command_raises_is_one_line(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, error: BaseException, line: str
) -> None:
    command_that_raises(monkeypatch, error)
    assert screen.run("scan") == line
    assert not screen.succeeded


def test_a_defect_is_told_and_ends_nothing(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    command_that_raises(monkeypatch, ValueError("oh"))
    said = screen.run("scan")
    assert said.startswith("ft: internal error in `ft scan`: ValueError: oh\n")
    assert "Traceback" not in said
    assert not screen.succeeded
    monkeypatch.setenv("GDBEXT_RAISE", "1")
    with pytest.raises(ValueError, match="oh"):
        screen.run("scan")


def test_an_argument_without_a_value_is_the_debuggers_complaint(screen: Screen) -> None:
    assert screen.run("heap foo") == "ft: `foo`: no symbol in current context\n"


def test_mistakes_are_in_the_error_style() -> None:
    assert "\x1b[" in Screen(colors=256).run("frobnicate")
    assert "\x1b[" not in Screen().run("frobnicate")


@pytest.mark.parametrize(
    ("text", "word", "offered"),
    [
        ("", "", dispatch.NAMES),
        ("t", "t", ["triage", "threads"]),
        ("tr", "tr", ["triage"]),
        ("x", "x", []),
        ("x ", "", []),
        ("help ", "", dispatch.NAMES),
        ("help li", "li", ["list"]),
        ("help list ", "", []),
        ("bt ", "", ["all"]),
        ("bt x", "x", []),
        ("export ", "", list(FORMATS)),
        ("export js", "js", ["json"]),
        ("export --redact js", "js", ["json"]),
        ("export --", "--", ["--redact"]),
        ("export json ", "", []),
        ("list ", "", []),
        ("list v", "v", []),
        ("list -", "-", ["--stale"]),
        ("list v --s", "--s", ["--stale"]),
        ("li --s", "--s", ["--stale"]),
        ("scan ", "", ["--orphans"]),
        ("triage ", "", ["--verbose", "--redact"]),
        ("known ", "", []),
    ],
)
def test_completion(text: str, word: str, offered: list[str]) -> None:
    assert dispatch.complete(text, word) == offered


def test_progress_is_shown_now_and_then_and_lets_ctrl_c_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[str] = []
    clock = iter([1.0, 1.01, 1.2, 1.21])
    monkeypatch.setattr("gdbext.commands.progress.time.monotonic", lambda: next(clock))
    context = Screen().context
    context.show_progress = shown.append
    report = reporter(context, "scanning")
    for done in (1, 2, 3, 4):
        report(done, 4)
    # The second came too soon; the last one clears the line.
    assert [text[-4:] for text in shown] == ["25 %", "75 %", ""]

    def interrupt() -> None:
        raise KeyboardInterrupt

    context.check_interrupt = interrupt
    with pytest.raises(KeyboardInterrupt):
        report(1, 4)


def test_progress_without_a_terminal_only_asks_for_ctrl_c() -> None:
    asked: list[bool] = []
    context = Screen().context
    context.check_interrupt = lambda: asked.append(True)
    reporter(context, "scanning")(1, 2)
    assert asked == [True]


def test_a_count_is_shown_with_its_seconds_and_then_taken_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[str] = []
    clock = iter([100.0, 100.0, 100.05, 103.0])
    monkeypatch.setattr("gdbext.commands.progress.time.monotonic", lambda: next(clock))
    context = Screen().context
    context.show_progress = shown.append
    show = counter(context, "calls seen")
    for count in (0, 7, 4000):
        show(count)
    finished(context)
    assert shown == ["calls seen: 0, 0 s", "calls seen: 4000, 3 s", ""]


def test_without_a_terminal_no_count_is_shown() -> None:
    counter(Screen().context, "calls seen")(7)
