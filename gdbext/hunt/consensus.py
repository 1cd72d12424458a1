"""What the deaths of a group agree on, as one report: that of the death which agrees with most
others.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from gdbext.hunt.deaths import Death, ProgramLine, line_of, symptom
from gdbext.hunt.grouping import Group
from gdbext.model import (
    AgreedLine,
    Condition,
    Confidence,
    Consensus,
    KnownIssue,
    Operation,
    Report,
    Tally,
)

MOST_LINES = 4
FEW = 5
"""A line that no more than one of this many deaths name is an accident of these, beyond those that
most deaths have.
"""
MOST_SYMPTOMS = 6
MOST_ISSUES = 8


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of the command that has ended: how it was run, for how long, how many of its
    processes died.
    """

    condition: str
    seconds: float
    deaths: int


def conclude(group: Group, runs: Sequence[Run], others: int = 0) -> Report:
    """The report of the group: its most telling death, with what all of them agree on in
    ``consensus``.

    ``runs`` are all runs of the command, ``others`` how many deaths other groups have.
    """
    lines = agreed_lines(group)
    agreed = Consensus(
        runs=len(runs),
        survived=sum(run.deaths == 0 for run in runs),
        deaths=len(group.deaths),
        others=others,
        object_type=group.object_type,
        object_deaths=group.types[group.object_type] if group.object_type else 0,
        lines=lines,
        symptoms=_tallies(symptom(death.report) for death in group.deaths)[:MOST_SYMPTOMS],
        signatures=_tallies(death.signature for death in group.deaths),
        conditions=_conditions(group, runs),
    )
    return dataclasses.replace(
        spokesman(group, lines).report, consensus=agreed, known_issues=agreed_issues(group)
    )


def agreed_issues(group: Group) -> tuple[KnownIssue, ...]:
    """The known issues of all deaths: those that more of them name first stand first, each with its
    best match.
    """
    votes: Counter[str] = Counter()
    best: dict[str, KnownIssue] = {}
    for death in group.deaths:
        for place, issue in enumerate(death.report.known_issues):
            votes[issue.id] += place == 0 and issue.match != "possible"
            if issue.id not in best or _match_rank(issue) < _match_rank(best[issue.id]):
                best[issue.id] = issue
    ordered = sorted(best, key=lambda name: (-votes[name], _match_rank(best[name])))
    return tuple(best[name] for name in ordered[:MOST_ISSUES])


def _match_rank(issue: KnownIssue) -> int:
    order = ("exact", "likely", "possible")
    return order.index(issue.match) if issue.match in order else len(order)


def agreed_lines(group: Group) -> tuple[AgreedLine, ...]:
    """The lines that the deaths name for the object, the most frequent first."""
    said: dict[ProgramLine, list[tuple[Operation | str, str | None]]] = defaultdict(list)
    together: Counter[frozenset[ProgramLine]] = Counter()
    for death in group.deaths:
        if death.report.race is None or death.object_type != group.object_type:
            continue
        mine = {line: t for t in death.report.race.threads if (line := line_of(t)) is not None}
        together[frozenset(mine)] += 1
        for line, thread in mine.items():
            said[line].append((thread.operation, thread.function))
    ordered = sorted(said, key=lambda line: (-len(said[line]), line))
    # Where both threads are at one line there is not a second one to be reported.
    usual = max((len(lines) for lines, _ in together.most_common(1)), default=0)
    shown = [
        line
        for i, line in enumerate(ordered[:MOST_LINES])
        if i < usual or FEW * len(said[line]) > len(group.deaths)
    ]
    return tuple(_agreed(line, said[line]) for line in shown)


def _agreed(line: ProgramLine, said: Sequence[tuple[Operation | str, str | None]]) -> AgreedLine:
    return AgreedLine(
        operation=Counter(operation for operation, _ in said).most_common(1)[0][0],
        file=line.file,
        line=line.line or None,
        function=Counter(function for _, function in said).most_common(1)[0][0],
        deaths=len(said),
    )


def spokesman(group: Group, lines: Sequence[AgreedLine]) -> Death:
    """The death whose report stands for the group.

    It names the object and as much as possible of what the others name, and died as most of them
    did; of equal ones, the surest with fewest failed sections.
    """
    weights = {ProgramLine(line.file, line.line or 0): line.deaths for line in lines}
    operations = {ProgramLine(line.file, line.line or 0): line.operation for line in lines}
    symptoms = Counter(symptom(death.report) for death in group.deaths)

    def agreement(death: Death) -> tuple[object, ...]:
        race, findings = death.report.race, death.report.findings
        threads = race.threads if race else ()
        return (
            death.object_type == group.object_type,
            sum(weights.get(line, 0) for line in death.lines),
            sum(
                thread.operation == operations.get(line)
                for thread in threads
                if (line := line_of(thread)) is not None
            ),
            death.signature == group.signatures.most_common(1)[0][0],
            symptoms[symptom(death.report)],
            -(race.confidence.rank if race else len(Confidence)),
            -(findings[0].confidence.rank if findings else len(Confidence)),
            -len(death.report.errors),
        )

    return max(group.deaths, key=agreement)


def _tallies(texts: Iterable[str]) -> tuple[Tally, ...]:
    return tuple(Tally(text=text, deaths=count) for text, count in Counter(texts).most_common())


def _conditions(group: Group, runs: Sequence[Run]) -> tuple[Condition, ...]:
    made = []
    for name in dict.fromkeys(run.condition for run in runs):
        mine = [death for death in group.deaths if death.condition == name]
        made.append(
            Condition(
                text=name,
                runs=sum(run.condition == name for run in runs),
                deaths=len(mine),
            )
        )
    return tuple(made)
