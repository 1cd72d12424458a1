"""A command line against its declaration."""

from __future__ import annotations

import pytest

from gdbext.commands.command import Arguments, Command, Context, Option, UsageError, parse


def nothing(context: Context, arguments: Arguments) -> None:
    raise AssertionError("parsing runs nothing")


LIST = Command(
    "list",
    "",
    "",
    nothing,
    ("ADDRESS", "[FIRST:LAST]"),
    (Option("--stale", ""), Option("--limit", "", "N")),
)
OBJECT = Command("object", "", "", nothing, ("ADDRESS",))
LOCKS = Command("locks", "", "", nothing, ("[ADDRESS]",))
EXPORT = Command("export", "", "", nothing, ("FORMAT", "FILE"), (Option("--redact", ""),))
SCAN = Command("scan", "", "", nothing, (), (Option("--orphans", ""),))


def words(command: Command, line: str) -> list[str]:
    return parse(command, line.split()).words


@pytest.mark.parametrize("line", ["--stale v 2:4", "v --stale 2:4", "v 2:4 --stale"])
def test_options_may_stand_anywhere(line: str) -> None:
    found = parse(LIST, line.split())
    assert found.words == ["v", "2:4"]
    assert found.flag("--stale")
    assert not found.flag("--other")


@pytest.mark.parametrize("line", ["--limit 7 v", "v --limit=7"])
def test_a_value_follows_its_option(line: str) -> None:
    found = parse(LIST, line.split())
    assert found.words == ["v"]
    assert found.value("--limit") == "7"
    assert found.value("--stale") is None


def test_a_flag_has_no_value() -> None:
    assert parse(LIST, ["v", "--stale"]).value("--stale") is None


def test_what_follows_two_dashes_is_no_option() -> None:
    found = parse(OBJECT, ["--", "--x"])
    assert found.words == ["--x"]
    assert found.options == {}


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("v", ["v"]),
        ("v 2", ["v", "2"]),
        ("v -3:", ["v", "-3:"]),
        ("v :", ["v", ":"]),
        ("v 0x10:0x20", ["v", "0x10:0x20"]),
        ("v x:y", ["v", "x:y"]),
        ("(PyListObject *) v", ["(PyListObject *) v"]),
        ("(PyListObject *) v 2:4", ["(PyListObject *) v", "2:4"]),
        ("(A::B *) v", ["(A::B *) v"]),
        ("*(A *) A::b", ["*(A *) A::b"]),
    ],
)
def test_an_expression_with_spaces_and_a_range(line: str, wanted: list[str]) -> None:
    assert words(LIST, line) == wanted


def test_the_last_argument_takes_what_is_left() -> None:
    assert words(OBJECT, "self + 8") == ["self + 8"]
    assert words(LOCKS, "self + 8") == ["self + 8"]
    assert words(LOCKS, "") == []
    assert words(EXPORT, "html /tmp/two words.html") == ["html", "/tmp/two words.html"]


@pytest.mark.parametrize(
    ("command", "line", "message"),
    [
        (
            LIST,
            "",
            "ft list wants ADDRESS; usage: ft list [--stale] [--limit N] ADDRESS [FIRST:LAST]",
        ),
        (
            LIST,
            "v --fresh",
            (
                "ft list has no option --fresh; usage: ft list [--stale] [--limit N] ADDRESS "
                "[FIRST:LAST]"
            ),
        ),
        (
            LIST,
            "v --limit",
            "--limit wants N; usage: ft list [--stale] [--limit N] ADDRESS [FIRST:LAST]",
        ),
        (
            LIST,
            "v --stale=1",
            "--stale takes no value; usage: ft list [--stale] [--limit N] ADDRESS [FIRST:LAST]",
        ),
        (EXPORT, "json", "ft export wants FILE; usage: ft export [--redact] FORMAT FILE"),
        (SCAN, "all", "ft scan takes no arguments; usage: ft scan [--orphans]"),
        (
            Command("bt", "", "", nothing, ("[all]",)),
            "all all",
            "ft bt takes one argument; usage: ft bt [all]",
        ),
    ],
)
def test_a_mistake_is_named_with_the_usage(command: Command, line: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(command, line.split())
    assert str(raised.value) == message
