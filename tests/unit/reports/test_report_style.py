"""Colours are by meaning, and never needed."""

import io
import subprocess
import sys

import pytest

from gdbext.reports.options import Options, detect
from gdbext.reports.style import ROLES, Style, plain, tokens

C_CODE = '    PyObject *p = PyTuple_GET_ITEM(alias->args, i);  /* "borrowed" */\n\tif (x != 0x10)'
PYTHON_CODE = (
    'threading.Thread(target=lambda: repr(lst), name="reader").start()  # go\n\n'
    "def f(): return None"
)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.mark.parametrize("colors", [16, 256, 1 << 24])
@pytest.mark.parametrize("name", ["default", "monokai", "no such style"])
@pytest.mark.parametrize("role", ROLES)
def test_paint_is_undone_by_plain(colors, name, role):
    painted = Style(colors, name)(role, "text")
    assert plain(painted) == "text"
    assert Style(0, name)(role, "text") == "text"
    if name == "default":
        assert painted.startswith("\x1b[")
        assert painted.endswith("\x1b[0m")


@pytest.mark.parametrize(
    ("code", "language"),
    [(C_CODE, "c"), (PYTHON_CODE, "python"), ("", "c"), ("\n\n", "python"), ("$ ? §", "c")],
)
def test_highlighting_changes_no_character(code, language):
    assert "".join(text for _, text in tokens(code, language)) == code
    assert plain(Style(16).highlight(code, language)) == code


def test_source_is_highlighted_by_what_it_is():
    roles = {text.strip(): role for role, text in tokens(PYTHON_CODE, "python") if text.strip()}
    assert roles["lambda"] == "keyword"
    assert roles["repr"] == "builtin"
    assert roles["# go"] == "comment"
    roles = {text.strip(): role for role, text in tokens(C_CODE, "c") if text.strip()}
    assert roles["if"] == "keyword"
    assert roles["0x10"] == "number"


def test_pygments_styles_have_their_own_colours():
    assert Style(1 << 24, "monokai")("keyword", "x") != Style(1 << 24)("keyword", "x")
    assert Style(1 << 24, "monokai")("keyword", "x").startswith("\x1b[38;2;")
    assert Style(256, "monokai")("keyword", "x").startswith("\x1b[38;5;")


def test_without_pygments_all_works_but_source_stays_plain():
    program = (
        "import sys; sys.modules['pygments'] = None\nfrom gdbext.reports.style import Style\n"
        "s = Style(256, 'monokai'); print(repr(s('error', 'x')), s.highlight('if x: pass', "
        "'python'))"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert out == "'\\x1b[1;31mx\\x1b[0m' if x: pass\n"


def test_no_pygments_is_loaded_where_no_colour_is_wanted():
    program = (
        "import sys; from gdbext.reports import text, json_report; from gdbext.reports.options "
        "import Options\nfrom unit.reports.samples import founding\n"
        "text.render(founding(), Options()); json_report.render(founding(), Options())\n"
        "heavy = {'pygments', 'urllib.parse', 'html', 'xml', 'base64', 'hashlib', "
        "'textwrap'} & set(sys.modules)\n"
        "ours = {m for m in sys.modules if m.startswith('gdbext.') and not "
        "m.startswith(('gdbext.frozen', 'gdbext.model', 'gdbext.reports', 'gdbext.wording', "
        "'gdbext.target'))}\n"
        "print(sorted(heavy), sorted(ours))"
    )
    path = {"PYTHONPATH": ":".join(p for p in sys.path if p)}
    out = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, env=path
    ).stdout
    assert out == "[] []\n"


@pytest.mark.parametrize(
    ("environ", "color", "colors"),
    [
        ({"TERM": "xterm-256color"}, None, 256),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, None, 1 << 24),
        ({"TERM": "linux"}, None, 16),
        ({"TERM": "dumb"}, None, 0),
        ({"TERM": "xterm", "NO_COLOR": "1"}, None, 0),
        ({"TERM": "xterm", "NO_COLOR": ""}, None, 16),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, 16),
        ({"TERM": "xterm"}, False, 0),
    ],
)
def test_the_terminal_and_the_user_decide_on_colours(environ, color, colors):
    assert detect(Terminal(), color=color, width=80, environ=environ).colors == colors


def test_what_is_no_terminal_gets_no_colours():
    assert detect(io.StringIO(), environ={"TERM": "xterm-256color"}).colors == 0


def test_widths_are_kept_readable():
    assert [detect(Terminal(), width=w, environ={}).width for w in (10, 80, 500)] == [40, 80, 130]
    assert detect(io.StringIO(), environ={}).width == Options().width


def test_an_output_without_unicode_gets_ascii():
    latin = Terminal()
    latin.encoding = "latin-1"
    assert detect(latin, width=80, environ={}).ascii
    assert not detect(Terminal(), width=80, environ={}).ascii
