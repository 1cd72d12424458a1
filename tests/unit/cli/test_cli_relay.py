"""Signals for gdbext are passed on once, and only if the command did not get them itself."""

from __future__ import annotations

import os
import signal

import pytest

from gdbext.tracing import relay

PID, TASK = 4711, 4712
SENDER = 99
LOOKS: list[int] = []


def made() -> relay.Relay:
    return relay.Relay(PID, lambda task: PID if task == TASK else 1, lambda: LOOKS.append(PID))


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(relay, "time", clock)
    return clock


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: calls.append((pid, number)))
    return calls


def test_signal_for_gdbext_alone_is_passed_on(clock: Clock, sent: list[tuple[int, int]]) -> None:
    passing = made()
    passing.received(signal.SIGTERM, SENDER)
    assert passing.due == clock.now + relay.WAIT_SECONDS
    passing.send_due()
    assert sent == []
    clock.now += relay.WAIT_SECONDS
    passing.send_due()
    assert sent == [(PID, signal.SIGTERM)]
    assert passing.due is None


@pytest.mark.parametrize("command_first", [True, False])
def test_signal_for_the_group_is_not(
    clock: Clock, sent: list[tuple[int, int]], command_first: bool
) -> None:
    passing = made()
    steps = [
        lambda: passing.seen(TASK, signal.SIGTERM, SENDER),
        lambda: passing.received(signal.SIGTERM, SENDER),
    ]
    for step in steps if command_first else reversed(steps):
        step()
    clock.now += 1
    passing.send_due()
    assert sent == []


def test_terminals_signal_is_not(clock: Clock, sent: list[tuple[int, int]]) -> None:
    passing = made()
    passing.received(signal.SIGINT, None)
    clock.now += 1
    passing.send_due()
    assert sent == []


def test_other_sender_or_signal_does_not_count(clock: Clock, sent: list[tuple[int, int]]) -> None:
    passing = made()
    passing.seen(TASK, signal.SIGTERM, SENDER + 1)
    passing.seen(TASK, signal.SIGHUP, SENDER)
    passing.received(signal.SIGTERM, SENDER)
    clock.now += 1
    passing.send_due()
    assert sent == [(PID, signal.SIGTERM)]


def test_what_another_process_got_does_not_count(clock: Clock, sent: list[tuple[int, int]]) -> None:
    passing = made()
    passing.seen(5000, signal.SIGTERM, SENDER)
    passing.received(signal.SIGTERM, SENDER)
    passing.seen(5000, signal.SIGTERM, SENDER)
    clock.now += 1
    passing.send_due()
    assert sent == [(PID, signal.SIGTERM)]


def test_what_the_command_got_long_ago_does_not_count(
    clock: Clock, sent: list[tuple[int, int]]
) -> None:
    passing = made()
    passing.seen(TASK, signal.SIGUSR2, SENDER)
    clock.now += relay.MEMORY_SECONDS + 1
    passing.received(signal.SIGUSR2, SENDER)
    clock.now += 1
    passing.send_due()
    assert sent == [(PID, signal.SIGUSR2)]


def test_command_that_is_gone(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_pid: int, _number: int) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(os, "kill", gone)
    passing = made()
    passing.received(signal.SIGTERM, SENDER)
    clock.now += 1
    passing.send_due()
    assert passing.due is None


@pytest.mark.parametrize("to_the_group", [False, True])
def test_the_signal_to_look_is_for_gdbext_unless_the_group_got_it(
    clock: Clock, sent: list[tuple[int, int]], to_the_group: bool
) -> None:
    LOOKS.clear()
    passing = made()
    passing.received(relay.LOOK, SENDER)
    if to_the_group:
        passing.seen(TASK, relay.LOOK, SENDER)
    clock.now += 1
    passing.send_due()
    assert sent == []
    assert len(LOOKS) == (not to_the_group)
