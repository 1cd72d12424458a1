"""FT406: calls through pointers that lead to no code."""

from __future__ import annotations

import struct

import pytest

from fakes import FakeDebugger
from gdbext.diagnosis.facts.fault import BadCall, Fault, Target
from gdbext.diagnosis.facts.origin import Load, Origin
from gdbext.diagnosis.observe.bad_call import called_data, read_bad_call
from gdbext.diagnosis.rules import apply
from gdbext.model import Confidence, Finding
from gdbext.target.protocol import NativeFrame, Region, Signal
from gdbext.wording import sentence
from unit.diagnosis.crash_world import EXTENSION, LWP, HeapWorld, facts_of, stack_of

CODE, STACK_AT, NEXT, GONE = 0x7F0000001000, 0x7FFD00000000, 0x7F0000200000, 0x7F0000100000


class Stopped(FakeDebugger):
    """A thread that called through ``code``, in front of the return address."""

    def __init__(self, code: str, returns_to: int | None = None, **registers: int) -> None:
        data = bytes.fromhex(code.replace(" ", ""))
        self.behind = CODE + 16 + len(data)
        returns = self.behind if returns_to is None else returns_to
        super().__init__(
            {
                CODE: bytes(16) + data + bytes(16),
                NEXT: bytes(64),
                STACK_AT: struct.pack("<Q", returns) + bytes(56),
            }
        )
        self.register_sets = {(LWP, 0): {"rsp": STACK_AT, "rip": GONE, **registers}}

    def bad_call(self, to: int) -> BadCall | None:
        frames = (
            NativeFrame(0, to, STACK_AT, None),
            NativeFrame(1, self.behind, STACK_AT + 8, "fire", module=EXTENSION),
        )
        return read_bad_call(self, stack_of(*frames), to)


@pytest.mark.parametrize(
    ("to", "target"),
    [
        (0, Target.NULL),
        (0x28, Target.NULL),
        (0x4141414141414141, Target.NO_ADDRESS),
        (0x636261706F6E, Target.NO_ADDRESS),
        (GONE, Target.UNMAPPED),
        (NEXT + 8, Target.DATA),
        (0x12345678, Target.ELSEWHERE),
    ],
)
def test_where_a_call_through_a_register_went(to: int, target: Target) -> None:
    """call *%rbx"""
    assert Stopped("ffd3", rbx=to).bad_call(to) == BadCall(target=target, caller="fire")


@pytest.mark.parametrize(
    ("code", "may_be_inner"),
    [("ffd3", False), ("41ffd4", False), ("ff5318", False), ("ffd0", True), ("ff5018", True)],
)
def test_what_a_function_may_change_that_was_called_instead(code: str, may_be_inner: bool) -> None:
    """call *%rbx, *%r12, *0x18(%rbx); *%rax, *0x18(%rax): one that ended in a jump has spoilt the
    last two.
    """
    stopped = Stopped(code, **dict.fromkeys(("rax", "rbx", "r12"), NEXT))
    stopped.write_word(NEXT + 0x18, NEXT)
    found = stopped.bad_call(NEXT)
    assert found is not None
    assert found.may_be_inner is may_be_inner


@pytest.mark.parametrize(
    "code", ["ff5018", "ff9018000000", "41ff5018", "ff1503000000"], ids=lambda code: str(code)
)
def test_a_call_through_memory(code: str) -> None:
    """call *0x18(%rax), with a long displacement; *0x18(%r8); *3(%rip)."""
    stopped = Stopped(code, rax=NEXT, r8=NEXT)
    stopped.write_word(NEXT + 0x18, GONE)
    stopped.write(stopped.behind + 3, struct.pack("<Q", GONE))
    assert stopped.bad_call(GONE) is not None


def test_a_pointer_that_memory_has_no_more_is_not_this_call_s() -> None:
    assert Stopped("ff5018", rax=NEXT).bad_call(GONE) is None


def test_a_return_into_a_stack_that_was_written_over_is_no_call() -> None:
    assert Stopped("ffd0", returns_to=0x4141414141414141, rax=GONE).bad_call(GONE) is None
    assert Stopped("e800000000", rax=GONE).bad_call(GONE) is None


def test_a_file_that_is_mapped_without_being_code_is_named() -> None:
    class Mapped(Stopped):
        def regions(self) -> list[Region]:
            return [Region(NEXT, NEXT + 64, path="/srv/table.bin")]

    found = Mapped("ffd3", rbx=NEXT).bad_call(NEXT)
    assert found == BadCall(target=Target.DATA, caller="fire", mapped="/srv/table.bin")


class InPage(Stopped):
    """The call went to a page of callbacks, which is mapped as data is: ``word`` stands there."""

    def __init__(self, code: str, word: int, **registers: int) -> None:
        super().__init__(code, **registers)
        self.write(NEXT, struct.pack("<Q", word))

    def data(self, pc: int = NEXT, module: str | None = None) -> int | None:
        frames = (
            NativeFrame(0, pc, STACK_AT, None, module=module),
            NativeFrame(1, self.behind, STACK_AT + 8, "fire", module=EXTENSION),
        )
        return called_data(self, stack_of(*frames))


def test_the_link_of_a_free_callback_is_no_code() -> None:
    """call *%rbx"""
    assert InPage("ffd3", NEXT + 32, rbx=NEXT).data() == NEXT


def test_what_begins_as_code_may_be_code() -> None:
    assert InPage("ffd3", 0x0000D7FF0000BA49, rbx=NEXT).data() is None


def test_code_that_went_on_or_is_a_file_s_is_not_asked() -> None:
    stopped = InPage("ffd3", NEXT + 32, rbx=NEXT)
    assert stopped.data(pc=NEXT + 8) is None
    assert stopped.data(module=EXTENSION) is None
    assert InPage("ffd3", NEXT + 32, rbx=GONE).data() is None


def found(
    target: Target,
    to: int = GONE,
    origin: Origin | None = None,
    *,
    may_be_inner: bool = False,
    is_alone: bool = False,
) -> Finding:
    signal = Signal("SIGSEGV", LWP, 11, "SEGV_MAPERR", to)
    fault = Fault(
        signal=signal,
        jumped_to=to,
        bad_call=BadCall(target=target, caller="fire", may_be_inner=may_be_inner),
        origin=origin or Origin(),
    )
    world = HeapWorld()
    world.threads = world.threads[:1] if is_alone else world.threads
    return apply.findings(facts_of(world, fault=fault))[0]


@pytest.mark.parametrize(
    ("target", "to", "said", "sure"),
    [
        (Target.NULL, 0, "fire calls a NULL function pointer", Confidence.PROVEN),
        (Target.UNMAPPED, GONE, "a stale function pointer: nothing is mapped", Confidence.LIKELY),
        (Target.DATA, NEXT, "which is data", Confidence.LIKELY),
        (Target.NO_ADDRESS, 1 << 62, "not the address of anything", Confidence.LIKELY),
        (Target.ELSEWHERE, 0x12345678, "not the address of anything", Confidence.LIKELY),
    ],
)
def test_what_is_said(target: Target, to: int, said: str, sure: Confidence) -> None:
    finding = found(target, to)
    assert finding.rule == "FT406"
    assert said in sentence(finding.title)
    assert finding.confidence is sure


def test_where_the_pointer_was_read_is_shown() -> None:
    load = Load(place=0x5000, value=GONE, symbol="handler")
    finding = found(Target.UNMAPPED, origin=Origin(loads=(load,)))
    assert any("`handler`" in sentence(e.claim) for e in finding.evidence)


def test_another_pointer_than_the_caller_s_was_jumped_to() -> None:
    """`if (hook) hook(self)`, and what `hook` leads to ends in a call through NULL."""
    load = Load(place=0x5000, value=0, now=CODE, symbol="hook")
    origin = Origin(loads=(load,))
    finding = found(Target.NULL, 0, origin, may_be_inner=True, is_alone=True)
    assert finding.confidence is Confidence.LIKELY
    inner = "a function that fire called ended in a call through a NULL pointer"
    assert inner in sentence(finding.title)
    assert any("`hook`" in sentence(e.claim) for e in finding.evidence)
    # Another thread may have set the pointer since.
    shared = found(Target.NULL, 0, origin, may_be_inner=True)
    assert shared.confidence is Confidence.LIKELY
    assert "fire calls a NULL function pointer" in sentence(shared.title)


def test_a_pointer_that_memory_still_has_is_the_caller_s() -> None:
    load = Load(place=0x5000, value=0, now=0, symbol="hook")
    finding = found(Target.NULL, 0, Origin(loads=(load,)), may_be_inner=True)
    assert finding.confidence is Confidence.PROVEN
    assert "fire calls a NULL function pointer" in sentence(finding.title)


def test_a_pointer_of_unknown_place_is_not_proven() -> None:
    assert found(Target.NULL, 0, may_be_inner=True).confidence is Confidence.LIKELY


def test_without_a_call_it_is_a_plain_fault() -> None:
    fault = Fault(signal=Signal("SIGSEGV", LWP, 11, "SEGV_MAPERR", GONE), jumped_to=GONE)
    assert apply.findings(facts_of(HeapWorld(), fault=fault))[0].rule == "FT404"
