"""The JSON contract ``gdbext.triage/1``: a report, or a part of one, as plain data.

A claim is there as a sentence (``claim``), and as what programs should go by: its ``kind`` and its
``arguments``.  So is what a thread does: a few words (``operation``), and its ``kind``, ``name``,
``type`` and ``slot`` (``operation_value``).

>>> evidence = Evidence(Claim("type-is", type="list"), 0x200000AFF28, 0x9C1A40)
>>> to_json(evidence)["claim"], to_json(evidence)["kind"], to_json(evidence)["value"]
('ob_type is list', 'type-is', '0x9c1a40')
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from itertools import groupby
from typing import Any

from gdbext.model import (
    Address,
    Argument,
    Claim,
    Crash,
    Evidence,
    Operation,
    OperationKind,
    PythonFrame,
    Signature,
    ThreadInfo,
)
from gdbext.wording import sentence
from gdbext.wording.operations import operation_text

ADDRESS_FIELDS = frozenset(
    {
        "address",
        "about",
        "base",
        "frame",
        "code",
        "pc",
        "start",
        "page",
        "buffer",
        "owner_tstate",
        "owner_tid",
        "waits_for",
        "tstate",
    }
)
"""Integer fields that are addresses, and so are strings ("0x…") in JSON."""

OPERATION_VALUE = "operation_value"


def to_json(value: Any, name: str = "") -> Any:
    """Plain JSON data for any of the model's dataclasses; addresses become ``"0x…"``."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Claim):
        return sentence(value)
    if isinstance(value, Operation):
        return operation_text(value)
    if hasattr(value, "__dataclass_fields__"):
        converted = {
            f.name: to_json(getattr(value, f.name), _address_name(value, f.name))
            for f in fields(value)
        }
        if isinstance(value, Evidence):
            converted |= _as_value(value.claim)
        if isinstance(getattr(value, "operation", None), Operation):
            converted[OPERATION_VALUE] = _parts(value.operation)
        if isinstance(value, Signature):
            converted["features"] = _features(value.features)
        return (
            {"schema": converted.pop("schema"), **converted} if "schema" in converted else converted
        )
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [to_json(v, name) for v in value]
    if isinstance(value, Address):
        return hex(value)
    if isinstance(value, int) and not isinstance(value, bool) and name in ADDRESS_FIELDS:
        return hex(value)
    return value


def _parts(operation: Operation) -> dict[str, Any]:
    return {f.name: to_json(getattr(operation, f.name), f.name) for f in fields(operation)}


def _as_value(claim: Claim | str) -> dict[str, Any]:
    """Kind and arguments of a claim; of claims in it, too."""
    if isinstance(claim, str):
        return {"kind": None, "arguments": {}}
    arguments = {name: _argument(value) for name, value in claim.arguments}
    return {"kind": claim.kind, "arguments": arguments}


def _argument(value: Argument) -> Any:
    if isinstance(value, Claim):
        return _as_value(value)
    return [_argument(part) for part in value] if isinstance(value, tuple) else to_json(value)


SLOT_FEATURES = {
    "tp_call": "calling a {}",
    "tp_richcompare": "comparing a {}",
    "tp_dealloc": "deallocating a {}",
    "tp_traverse": "garbage-collecting a {}",
    "tp_clear": "clearing a {}",
    "tp_getattro": "reading an attribute of a {}",
    "tp_setattro": "setting an attribute of a {}",
}
"""Features are names, and stay, whatever words a report has for an operation: signatures are kept
and compared.  What has other words now has the name here that it had.
"""


def feature(one: Operation | str) -> str:
    """A feature of a signature as the contract has it.

    >>> feature(Operation(kind=OperationKind.SLOT, type="int", slot="tp_richcompare"))
    'comparing a int'
    """
    if isinstance(one, Operation) and one.kind is OperationKind.SLOT:
        kept = SLOT_FEATURES.get(one.slot or "")
        if kept:
            return kept.format(one.type)
    return operation_text(one)


def _features(features: Iterable[Operation | str]) -> list[str]:
    """Each feature once; the operations of a race, which is an unordered pair, in the order of the
    alphabet.
    """
    texts: list[str] = []
    for is_operation, group in groupby(features, lambda each: isinstance(each, Operation)):
        said = [feature(each) for each in group]
        texts += sorted(said) if is_operation else said
    return list(dict.fromkeys(texts))


def _address_name(owner: Any, name: str) -> str:
    """Field names whose integers are addresses only in some classes."""
    if isinstance(owner, ThreadInfo) and name == "holds":
        return "address"
    if isinstance(owner, Evidence) and name == "value":
        return "address"
    if isinstance(owner, PythonFrame) and name == "code":
        return "code"
    if isinstance(owner, Crash) and name == "code":
        return ""
    return name
