"""Pieces that several sections of the page use."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from gdbext.model import Confidence, Evidence, Report, SourceLine, Subject, Verdict, hexaddr
from gdbext.reports import story
from gdbext.reports.markup import Html, el, join, source
from gdbext.reports.sanitize import source_line, visible
from gdbext.reports.style import Language

CLAIMS_SHOWN = 200


def address(value: int) -> Html:
    """An address to copy."""
    return el("code", hexaddr(value), class_="address")


def badge(confidence: Confidence) -> Html:
    """How sure it is."""
    return el("span", confidence.value, class_=f"badge {confidence}")


def subject(found: Subject) -> Html:
    """What the object is, and what it was taken for."""
    pieces = [address(found.address)]
    if found.expected_type:
        pieces.append(join([" expected ", el("code", found.expected_type)]))
    if found.type and found.type != found.expected_type:
        pieces.append(join([" found " if found.expected_type else " is ", el("code", found.type)]))
    if found.liveness is not None:
        dead = found.liveness.is_dead
        look = (
            "dead"
            if dead
            else "alive"
            if found.liveness in (Verdict.LIVE, Verdict.IMMORTAL)
            else "soft"
        )
        pieces.append(
            join([" ", el("span", f"{'✗ ' if dead else ''}{found.liveness}", class_=look)])
        )
    return join(pieces)


def claims(report: Report, evidence: Sequence[Evidence]) -> Html | None:
    """Claims; each unfolds to where it can be checked, and how."""
    if not evidence:
        return None
    shown = []
    for e in evidence[:CLAIMS_SHOWN]:
        sign = el("span", "✗ ", class_="broken") if e.broken else None
        said = el("span", claim(e), class_="broken" if e.broken else None)
        if e.address is None:
            shown.append(el("div", sign, said, class_="plain"))
            continue
        value = story.value_text(e.value)
        inside = [
            el(
                "p",
                "at ",
                address(e.address),
                join([" stands ", el("code", value)]) if value else None,
            )
        ]
        if isinstance(e.value, int):
            inside.append(
                el(
                    "p",
                    "Check it: ",
                    el("code", f"{report.tool.examine} {hexaddr(e.address)}", class_="address"),
                )
            )
        shown.append(el("details", el("summary", sign, said), el("div", *inside, class_="inside")))
    if len(evidence) > CLAIMS_SHOWN:
        shown.append(
            el("div", f"… and {len(evidence) - CLAIMS_SHOWN} more claims", class_="plain soft")
        )
    return el("div", *shown, class_="claims")


def claim(evidence: Evidence) -> Html:
    """A piece of evidence in words."""
    return prose(story.claim_text(evidence))


def prose(text: str) -> Html:
    """Free text; what stands between backticks is code."""
    pieces = visible(text).split("`")
    if len(pieces) % 2 == 0:
        return join([text])
    return join(
        el("code", piece) if number % 2 else piece for number, piece in enumerate(pieces) if piece
    )


def excerpt(
    lines: Sequence[SourceLine],
    current: int | None,
    language: Language,
    suspect: int | None = None,
) -> Html | None:
    """Numbered lines without their common indentation, the current one marked, and the one that
    did the damage.
    """
    if not lines:
        return None
    texts = textwrap.dedent("\n".join(source_line(line.text) for line in lines)).split("\n")
    shown = []
    for line, text in zip(lines, texts):
        look = "l now" if line.number == current else "l did" if line.number == suspect else "l"
        shown.append(el("span", source(text, language), class_=look, data_n=line.number))
    return el("pre", *shown, class_="excerpt")
