"""The vocabulary that every package shares, and the dataclasses that are the JSON contract.

Everything here is plain data: no debugger, no memory, no layout, and no sentences.  What is to be
said is a :class:`Claim`, a kind and its arguments; :mod:`gdbext.wording` turns it into English.
Addresses are ``int`` in Python and ``"0x…"`` in JSON (:func:`gdbext.reports.contract.to_json`);
``None`` means "not known", never a default.
"""

from __future__ import annotations

from gdbext.model.arguments import Address, Data, FilePath, Foreign, ThreadName, hexaddr
from gdbext.model.claims import Argument, Claim, Confidence, Evidence, kind_of
from gdbext.model.consensus import AgreedLine, Blame, Condition, Consensus, Freeing, Tally
from gdbext.model.findings import Container, Crash, Finding, Subject
from gdbext.model.liveness import Block, Liveness, Verdict
from gdbext.model.locks import LockInfo, LockProblemKind
from gdbext.model.operations import Operation, OperationKind
from gdbext.model.races import Race, RaceThread, SharedObject
from gdbext.model.report import (
    SCHEMA_ID,
    KnownIssue,
    ModuleInfo,
    Problems,
    Report,
    SectionError,
    Signature,
    TargetInfo,
    Tool,
)
from gdbext.model.slots import AttributeSlot, EntrySlot, KeySlot, Slot, ValueSlot, index_of
from gdbext.model.threads import NativeFrameInfo, PythonFrame, SourceLine, ThreadInfo
from gdbext.model.views import BlockRun, ContainerView, HeapPage, ItemView

__all__ = [
    "Address",
    "AgreedLine",
    "Argument",
    "AttributeSlot",
    "Blame",
    "Block",
    "BlockRun",
    "Claim",
    "Condition",
    "Confidence",
    "Consensus",
    "Container",
    "ContainerView",
    "Crash",
    "Data",
    "EntrySlot",
    "Evidence",
    "FilePath",
    "Finding",
    "Foreign",
    "Freeing",
    "HeapPage",
    "ItemView",
    "KeySlot",
    "KnownIssue",
    "Liveness",
    "LockInfo",
    "LockProblemKind",
    "ModuleInfo",
    "NativeFrameInfo",
    "Operation",
    "OperationKind",
    "Problems",
    "PythonFrame",
    "Race",
    "RaceThread",
    "Report",
    "SCHEMA_ID",
    "SectionError",
    "SharedObject",
    "Signature",
    "Slot",
    "SourceLine",
    "Subject",
    "Tally",
    "TargetInfo",
    "ThreadInfo",
    "ThreadName",
    "Tool",
    "ValueSlot",
    "Verdict",
    "hexaddr",
    "index_of",
    "kind_of",
]
