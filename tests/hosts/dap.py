"""A conversation in the Debug Adapter Protocol, as an editor has it with a debugger."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class Conversation:
    """Requests go out, responses come back; events in between are kept."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._sent = 0
        self.events: list[dict[str, Any]] = []

    def send(self, command: str, **arguments: Any) -> int:
        """A request, without waiting for its response; returns its number."""
        self._sent += 1
        request = {"seq": self._sent, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(request).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()
        return self._sent

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """The response to a request, which has to succeed."""
        response = self.response(self.send(command, **arguments))
        assert response["success"], response
        body: dict[str, Any] = response.get("body") or {}
        return body

    def response(self, number: int) -> dict[str, Any]:
        """The response to the request of that number, which may have failed."""
        while True:
            message = self._receive()
            if message["type"] == "response" and message["request_seq"] == number:
                return message
            self.events.append(message)

    def _receive(self) -> dict[str, Any]:
        stream = self._process.stdout
        assert stream is not None
        length = 0
        while line := stream.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the debugger has ended"
        message: dict[str, Any] = json.loads(stream.read(length))
        return message


@contextlib.contextmanager
def conversation(
    command: Sequence[str], environment: Mapping[str, str], timeout: float = 120
) -> Iterator[Conversation]:
    """With a debug adapter that is started, and ended with the block."""
    process = subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    watch = threading.Timer(timeout, process.kill)
    watch.start()
    try:
        yield Conversation(process)
    finally:
        watch.cancel()
        process.kill()
        process.communicate()
