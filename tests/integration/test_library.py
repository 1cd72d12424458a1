"""gdbext from a script: the founding crash, a running process, and no process of a debugger."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

import gdbext
import interpreters
from gdbext.model import Verdict
from gdbext.reports.formats import UnknownFormat
from gdbext.reports.json_report import schema
from lab import CrashRun, Lab, hang
from lab.hang import settle

STARTS = ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty", "os.exec", "os.system")
WAITER = """
import threading
lock = threading.Lock()
lock.acquire()
threading.Thread(target=lock.acquire, name="waiter", daemon=True).start()
print("READY", flush=True)
threading.Event().wait()
"""
_watch: list[str] | None = None


def _audit(event: str, _arguments: object) -> None:
    if _watch is not None and event in STARTS:
        _watch.append(event)


sys.addaudithook(_audit)


@pytest.fixture
def run(lab: Lab) -> CrashRun:
    return lab.crash("debug-unfixed", "list_union_freed")


@pytest.fixture
def session(run: CrashRun) -> Iterator[gdbext.Session]:
    with gdbext.open(run.core) as session:
        yield session


def test_a_core_is_diagnosed_without_another_process(run: CrashRun, tmp_path: Path) -> None:
    global _watch
    _watch = []
    try:
        report = gdbext.triage(run.core)
        started = list(_watch)
    finally:
        _watch = None
    assert not started
    first = report.findings[0]
    assert (first.rule, str(first.confidence)) == ("FT101", "proven")
    assert first.subject is not None
    assert first.subject.address == int(run.truth["subject"], 16)
    assert repr(report) == f"<Report {report.title}>"
    assert report.title.startswith("FT101 proven: ")
    assert report.title == f"FT101 proven: {gdbext.text_of(first.title)}"
    assert "FT101" in str(report)
    jsonschema.validate(report.json(), schema())
    assert report.json()["target"]["path"] == str(run.core)
    assert report._repr_html_().startswith('<iframe srcdoc="&lt;!DOCTYPE html')
    report.save(tmp_path / "crash.sarif", redact=True)
    assert json.loads((tmp_path / "crash.sarif").read_text())["runs"]
    with pytest.raises(UnknownFormat):
        report.save(tmp_path / "crash.doc")


def test_objects_are_values(session: gdbext.Session, run: CrashRun) -> None:
    dead = session.object(run.truth["subject"])
    assert (dead.verdict, dead.is_alive, dead.type) == (Verdict.FREED, False, None)
    assert repr(dead) == f"<no object at {run.truth['subject']}, freed proven>"
    assert "✗ no object" in dead._repr_html_()
    assert session.judge(dead.address) == dead.liveness
    kind = session.object("&PyList_Type")
    assert (kind.type, kind.text, kind.is_alive) == ("type", "<class 'list'>", True)
    bases = kind["tp_bases"]
    assert (bases.type, [each.text for each in bases]) == ("tuple", ["<class 'object'>"])
    assert bases[0].address == bases.items[0].address
    assert bases.items[0].verdict is Verdict.IMMORTAL
    assert len(bases.stale_items()) == 0
    assert "tp_bases" in kind._repr_html_()


def test_threads_locks_and_referrers_are_tables(session: gdbext.Session, run: CrashRun) -> None:
    names = {thread.name for thread in session.threads}
    assert names == {"MainThread", "reader"}
    assert "✗" in repr(session.threads)
    shown = repr(session.threads[0])
    assert shown.startswith("<ThreadInfo lwp=")
    assert len(shown) < 200
    assert re.search(r"<td>reader</td>.*<td>✗</td>", session.threads._repr_html_())
    finding = session.report.findings[0]
    assert finding.container is not None
    container = session.object(finding.container.address)
    assert container.type == "list"
    assert any(row.lock.address - container.address < 64 for row in session.locks)
    found = session.referrers(container.address)
    assert any(referrer.kind == "global" for referrer in found)
    assert len(found[:2]) == 2
    assert "certain" not in repr(found)
    assert session.ft(f"list {container.address:#x}").startswith(hex(container.address))
    assert repr(session).startswith("<Session CPython 3.13.5, ")
    assert "reader" in session._repr_html_()


def test_mistakes_say_what_to_do(session: gdbext.Session, tmp_path: Path) -> None:
    with pytest.raises(gdbext.DebuggerError, match="no command `ft lost`"):
        session.ft("lost")
    with pytest.raises(gdbext.DebuggerError, match="there is no `no_such_name`"):
        session.object("no_such_name")
    with pytest.raises(gdbext.DebuggerError, match="there is no "):
        gdbext.triage(tmp_path / "core")
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        gdbext.nonsense  # type: ignore[attr-defined]  # noqa: B018  that is the test
    assert {"triage", "open", "attach", "Session"} <= set(dir(gdbext))


def test_a_running_process_goes_on(tmp_path: Path) -> None:
    script = tmp_path / "wait.py"
    script.write_text(WAITER)
    with hang(interpreters.build("release"), script, folder=tmp_path / "run") as process:
        settle(process, threads=2)
        with gdbext.attach(process.pid) as session:
            assert {thread.name for thread in session.threads} == {"MainThread", "waiter"}
            assert "waits for" in repr(session.locks)
            assert session.report.target.kind == "live"
            assert session.report.findings[0].rule == "FT000"
            assert repr(session).endswith(f"process {process.pid}, 2 threads>")
        assert process.poll() is None
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert re.search(r"TracerPid:\s+0\n", status)
    with pytest.raises(gdbext.DebuggerError):
        gdbext.attach(process.pid)
