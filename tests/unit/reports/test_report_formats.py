"""The registry and the writing of files."""

import os
import subprocess
import sys

import pytest

from gdbext.reports import formats
from gdbext.reports.options import Options
from unit.reports import samples


@pytest.mark.parametrize("format", formats.FORMATS)
def test_every_format_is_written_whole(format, tmp_path):
    path = tmp_path / "new" / "report"
    options = Options(colors=256, ascii=True)
    formats.write(samples.founding(), format, path, options)
    rendered = formats.render(samples.founding(), format, Options())
    assert path.read_bytes().decode() == rendered
    assert os.listdir(path.parent) == ["report"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "report"
    path.write_text("old")
    monkeypatch.setattr(
        "pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full"))
    )
    with pytest.raises(OSError, match="disk full"):
        formats.write(samples.founding(), "json", path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report"]


def test_standard_output(capsys):
    formats.write(samples.founding(), "text")
    assert capsys.readouterr().out == formats.render(samples.founding(), "text", Options())


def test_a_device_is_written_to_not_replaced():
    formats.write(samples.founding(), "text", "/dev/null")
    assert not os.path.isfile("/dev/null")


def test_an_unknown_format_names_the_known_ones():
    with pytest.raises(
        formats.UnknownFormat, match=r"no report format 'pdf'; there are text, json, .*html"
    ):
        formats.render(samples.founding(), "pdf", Options())


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.html", "html"),
        ("A.MD", "markdown"),
        ("x.sarif", "sarif"),
        ("x.sarif.json", "sarif"),
        ("x.json", "json"),
        ("x.xml", "junit"),
        ("x.junit.xml", "junit"),
        ("x.github.txt", "github"),
        ("x.txt", "text"),
        ("x", None),
        ("html", None),
    ],
)
def test_the_file_name_tells_the_format(name, format):
    assert formats.format_of(name) == format


def test_a_format_loads_only_its_own_module():
    program = (
        "import sys; from gdbext.reports import formats; from gdbext.reports.options import "
        "Options\nfrom unit.reports.samples import founding\n"
        "formats.render(founding(), 'json', Options())\n"
        "print(sorted(m.rpartition('.')[2] for m in sys.modules if "
        "m.startswith('gdbext.reports.')))"
    )
    path = os.pathsep.join(p for p in sys.path if p)
    out = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": path},
    ).stdout
    assert out == "['contract', 'formats', 'json_report', 'options', 'sanitize']\n"
