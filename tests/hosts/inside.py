"""Runs in the debugger: opens the target, calls the function, writes what it returned."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    """Never returns: the debugger ends here."""
    request = json.loads(os.environ["GDBEXT_HOST"])
    try:
        result: dict[str, Any] = {"value": _call(request)}
    except BaseException:  # Whatever it was, the test outside shall see it.
        result = {"error": traceback.format_exc()}
    answer = Path(request["answer"])
    answer.with_suffix(".part").write_text(json.dumps(result, default=_plain))
    answer.with_suffix(".part").rename(answer)
    os._exit(0)


def _call(request: dict[str, Any]) -> Any:
    module, name = request["function"].split(":")
    function = getattr(importlib.import_module(module), name)
    adapter = importlib.import_module(f"gdbext.backends.{request['debugger']}.adapter")
    if request["cores"]:
        return [_of_core(adapter, function, *each) for each in request["cores"]]
    if request["command"]:
        debugger = importlib.import_module("hosts.starting").start(
            request["debugger"], request["command"]
        )
    elif request["pid"]:
        debugger = adapter.attach(request["pid"])
    elif request["core"]:
        debugger = adapter.open_core(request["executable"], request["core"])
    else:
        debugger = importlib.import_module("hosts.starting").empty(request["debugger"])
    try:
        return function(debugger, *request["arguments"])
    finally:
        if request["pid"]:
            adapter.leave()


def _of_core(
    adapter: Any, function: Callable[..., Any], executable: str, core: str, arguments: list[Any]
) -> dict[str, Any]:
    """One of several cores, which this debugger opens one after the other."""
    try:
        return {"value": function(adapter.open_core(executable, core), *arguments)}
    except Exception:
        return {"error": traceback.format_exc()}


def _plain(value: Any) -> Any:
    """Dataclasses and bytes as JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} is no JSON")
