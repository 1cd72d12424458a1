"""The contract itself: ``gdbext.triage/1`` as JSON.

``schema.json`` beside this file describes it.
"""

from __future__ import annotations

import contextlib
import json
import re
import types
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from gdbext.model import SCHEMA_ID, Operation, Report
from gdbext.reports.contract import OPERATION_VALUE, to_json
from gdbext.reports.options import Options
from gdbext.reports.sanitize import CI_COMMAND


def render(report: Report, options: Options) -> str:
    """Strings are as the target has them, but written in ASCII, so that no terminal and no CI log
    obeys them.
    """
    text = json.dumps(to_json(options.prepared(report)), indent=2, ensure_ascii=True)
    return CI_COMMAND.sub(r"#\\u0023\1", text).replace("\x7f", "\\u007f") + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the contract."""
    from pathlib import Path

    return dict(json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8")))


class NotAReport(ValueError):
    """Not the JSON of a report; the message says what is wrong with it."""


HEXADECIMAL = re.compile(r"-?0x[0-9a-f]+")


def parse(text: str | bytes) -> Report:
    """The report that a JSON text is.  Members that this version does not know are left out.

    Raises:
        NotAReport
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise NotAReport(f"not JSON: {error}") from None
    return from_data(data)


def from_data(data: Any) -> Report:
    """The report that decoded JSON is; claims are the texts that stand there.

    Raises:
        NotAReport
    """
    if not isinstance(data, dict) or data.get("schema") != SCHEMA_ID:
        raise NotAReport(f"not a report of schema {SCHEMA_ID}")
    try:
        report = _value(data, Report, "report")
    except RecursionError:
        raise NotAReport("nested too deep") from None
    assert isinstance(report, Report)
    return report


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(data: Any, kind: Any, where: str) -> Any:
    """``data`` as a value of the annotated type ``kind``; ``where`` is its path, for messages."""
    if get_origin(kind) in (Union, types.UnionType):
        return _alternative(data, get_args(kind), where)
    if get_origin(kind) is tuple:
        if not isinstance(data, list):
            raise NotAReport(f"{where} is not a list")
        return tuple(
            _value(item, get_args(kind)[0], f"{where}[{i}]") for i, item in enumerate(data)
        )
    if isinstance(kind, type) and hasattr(kind, "__dataclass_fields__"):
        return _dataclass(data, kind, where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(data)
        except ValueError:
            raise NotAReport(f"{where} is none of {', '.join(m.value for m in kind)}") from None
    if kind is int and isinstance(data, str) and HEXADECIMAL.fullmatch(data):
        return int(data, 16)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if isinstance(kind, type) and type(data) is kind:
        return data
    raise NotAReport(f"{where} is not of type {getattr(kind, '__name__', kind)}")


def _alternative(data: Any, kinds: tuple[Any, ...], where: str) -> Any:
    if data is None and types.NoneType in kinds:
        return None
    problem = NotAReport(f"{where} has no value")
    for kind in kinds:
        if kind is not types.NoneType:
            try:
                return _value(data, kind, where)
            except NotAReport as error:
                problem = error
    raise problem


def _dataclass(data: Any, kind: type, where: str) -> Any:
    if not isinstance(data, Mapping):
        raise NotAReport(f"{where} is not an object")
    hints = _hints(kind)
    values = {
        field.name: _value(data[field.name], hints[field.name], f"{where}.{field.name}")
        for field in fields(kind)
        if field.name in data
    }
    if "operation" in values and OPERATION_VALUE in data:
        # A kind that only a later version knows leaves the words.
        with contextlib.suppress(NotAReport):
            values["operation"] = _value(data[OPERATION_VALUE], Operation, where)
    try:
        return kind(**values)
    except TypeError as error:
        raise NotAReport(f"{where}: {error}") from None
