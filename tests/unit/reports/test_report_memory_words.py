"""Which words of memory are data, and which say where or how much."""

import dataclasses

import pytest

from gdbext.reports.formats import FORMATS, render
from gdbext.reports.memory_words import Words
from gdbext.reports.options import Options
from unit.reports import samples

SECRET = int.from_bytes(b"hunter2!", "little")
SIX = int.from_bytes(b"secret", "little")


@pytest.mark.parametrize(
    "word",
    [
        *(0, 1, 257, 40_000_000, 0xFFFFFF, -1, (1 << 64) - 5),
        *(0xDDDDDDDDDDDDDDDD, 0xDDDDDDDDDDDDDDDD + 0x18, 0xFDFDFDFDFDFDFDFD),
        *(
            samples.UNION,
            samples.LIST + 10,
            samples.PAGE,
            0x5555559C4010,
            0x7FFFF7FB0230,
            0x7FFD_1234_5678,
        ),
    ],
)
def test_sizes_fills_and_addresses_stay(word):
    assert not Words(samples.founding()).is_data(word)


@pytest.mark.parametrize(
    "word",
    [SECRET, SIX, SIX + 0x68, int.from_bytes(b"abcd", "little"), 0x400921FB54442D18, 0x1234567890],
)
def test_text_and_numbers_are_data(word):
    assert Words(samples.founding()).is_data(word)


def test_a_wild_program_counter_proves_nothing():
    base = samples.founding()
    wild = dataclasses.replace(samples.native(0, None), pc=SIX, module=None)
    thread = dataclasses.replace(base.threads[1], native=(wild, *base.threads[1].native))
    assert Words(dataclasses.replace(base, threads=(base.threads[0], thread))).is_data(SIX)


def test_numbers_in_texts():
    words = Words(samples.founding())
    assert (
        words.without(f"args is {SECRET:#x}, not {samples.UNION:#x}", "…")
        == f"args is 0x…, not {samples.UNION:#x}"
    )
    assert words.without("item 123456789012 of 40 in LWP 18453", "…") == "item … of 40 in LWP 18453"
    assert (
        words.without("layout 3.1234567891, x123456789", "…") == "layout 3.1234567891, x123456789"
    )


def overwritten():
    """A report that is full of a word that was once a string."""
    base = samples.founding()
    finding = base.findings[0]
    evidence = tuple(
        dataclasses.replace(e, value=SECRET, address=SECRET, about=SECRET) for e in finding.evidence
    )
    frame = dataclasses.replace(
        base.threads[1].native[1], pc=SECRET, module=None, arguments=(f"self={SECRET:#x}",)
    )
    thread = dataclasses.replace(base.threads[1], native=(frame,), waits_for=None)
    view = base.containers[0]
    slots = (
        dataclasses.replace(view.slots[0], address=SECRET),
        dataclasses.replace(view.slots[1], index=SECRET),
    )
    race = dataclasses.replace(
        base.race, object=dataclasses.replace(base.race.object, address=SECRET)
    )
    return dataclasses.replace(
        base,
        crash=dataclasses.replace(
            base.crash, address=SECRET + 8, operand=f"8(%rax) = {SECRET + 8:#x}"
        ),
        findings=(
            dataclasses.replace(
                finding,
                title=f"args is {SECRET:#x}",
                subject=dataclasses.replace(finding.subject, address=SECRET),
                container=dataclasses.replace(finding.container, address=SECRET, index=SECRET),
                evidence=evidence,
                advice=f"look at {SECRET}",
            ),
        ),
        race=race,
        suspects=(race,),
        threads=(base.threads[0], thread),
        containers=(
            dataclasses.replace(
                view, address=SECRET, length=SECRET, capacity=SECRET, buffer=SECRET, slots=slots
            ),
        ),
    )


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("verbose", [False, True])
def test_no_format_shows_an_overwriting_string(format, verbose):
    options = Options(verbose=verbose, width=130)
    assert f"{SECRET:x}"[:12] in render(overwritten(), format, options)
    shown = render(overwritten(), format, dataclasses.replace(options, redact=True))
    assert f"{SECRET:x}"[:12] not in shown
    assert str(SECRET) not in shown
