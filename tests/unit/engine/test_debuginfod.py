"""A symbol server that the user has named: asked for what is missing, believed by build id."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gdbext.cli.main import main
from gdbext.engine import debuginfod
from gdbext.engine.debuginfod import Wanted
from gdbext.engine.outcome import USAGE
from unit.binfmt import elf_segments

ID = b"\x5a" * 20
PYTHON = Wanted("/opt/python3.15t", ID.hex())
OTHER = Wanted("/opt/libother.so", "77" * 20)


@dataclass
class Server:
    """``files``: what it has, by path; ``asked``: the paths that it was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            content = found.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        found.url = f"http://127.0.0.1:{running.server_address[1]}"
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GDBEXT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "debug" / ".build-id"


def test_what_the_server_has_is_kept_by_build_id(server: Server, cache: Path) -> None:
    content = elf_segments.program(build_id=ID)
    server.files[f"/buildid/{ID.hex()}/debuginfo"] = content
    said = list(debuginfod.Server(server.url + "/").fetch([OTHER, PYTHON]))
    assert server.asked == [f"/buildid/{w.build_id}/debuginfo" for w in (OTHER, PYTHON)]
    assert said == [f"debug information of python3.15t from {server.url}/ (0 MB)"]
    assert (cache / "5a" / f"{ID.hex()[2:]}.debug").read_bytes() == content
    assert not list(cache.glob("*/*.part"))


def test_another_builds_file_is_not_used(server: Server, cache: Path) -> None:
    server.files[f"/buildid/{ID.hex()}/debuginfo"] = elf_segments.program(build_id=b"\1" * 20)
    (said,) = debuginfod.Server(server.url).fetch([PYTHON])
    assert "is not used: it is of another build" in said
    assert not list(cache.glob("*/*"))


def test_a_server_that_does_not_answer_is_asked_once() -> None:
    silent = debuginfod.Server("http://127.0.0.1:9")
    (said,) = silent.fetch([PYTHON, OTHER])
    assert "cannot be reached" in said
    assert list(silent.fetch([Wanted("/opt/libthird.so", "66" * 20)])) == []


def test_what_a_server_has_not_is_not_asked_for_with_the_next_core(server: Server) -> None:
    asked = debuginfod.server(server.url)
    assert asked is debuginfod.server(server.url)
    assert list(asked.fetch([OTHER])) == list(asked.fetch([OTHER])) == []
    assert len(server.asked) == 1


def test_a_request_gets_the_folder_of_what_the_server_sent(
    server: Server, tmp_path: Path, cache: Path
) -> None:
    content = elf_segments.program(build_id=ID)
    server.files[f"/buildid/{ID.hex()}/debuginfo"] = content
    python = elf_segments.write(tmp_path / "python", content)
    request = {"core": core(tmp_path, python, content), "debuginfod": server.url}
    said: list[str] = []
    assert debuginfod.with_folder(request, said.append) == {
        **request,
        "debug_folder": str(cache.parent),
    }
    assert said == [f"debug information of python from {server.url} (0 MB)"]
    plain = {"core": request["core"]}
    assert debuginfod.with_folder(plain, said.append) == plain


def core(tmp_path: Path, python: str, image: bytes) -> str:
    return elf_segments.write(tmp_path / "core", elf_segments.core(python, image))


def test_only_what_is_not_here_is_asked_for(tmp_path: Path, cache: Path) -> None:
    image = elf_segments.program(build_id=ID)
    python = elf_segments.write(tmp_path / "python", image)
    path = core(tmp_path, python, image)
    assert debuginfod.missing(path) == [Wanted(python, ID.hex())]
    elf_segments.write(cache / "5a" / f"{ID.hex()[2:]}.debug", image)
    assert debuginfod.missing(path) == []
    assert debuginfod.missing(str(tmp_path / "none")) == []


COMMANDS = ("triage", "batch", "run", "hunt", "gdb", "lldb")


@pytest.mark.parametrize("url", ["debuginfod.example", "file:///etc", "ftp://a/b", "https://"])
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_server(
    command: str, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = core(tmp_path, "/opt/python", elf_segments.program(build_id=ID))
    assert main([command, "--debuginfod", url, path]) == USAGE
    assert "--debuginfod: a server's address is https://" in capsys.readouterr().err
