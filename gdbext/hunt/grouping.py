"""Which deaths of one command are deaths of one defect.

Equal signatures are one defect.  A race dies at another victim each time, so one defect may have
several signatures; what does not change from run to run is the program.  Signatures are therefore
joined

1. where their deaths name the same two lines or more: whatever part of the object each names, the
   same code raced;
2. where they name an object of the same type, and share a line (or one of the two knows no line);
3. where the deaths of one name no cause of their own (no race, or one that is merely possible), but
   have the other's object at the other's lines among their suspects, or its threads stood at those
   lines: such a death is a victim, and there is one cause at hand.  If several fit, it is laid to
   the one with most deaths;
4. where neither names a race, and they died at the same functions by the same rule, and one of them
   does not know the object's type: a fill of freed memory takes the type away with all else.

A death that names another object with confidence is never joined by rule 3: a program may have two
defects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

from gdbext.frozen import dataclass
from gdbext.hunt.deaths import Death, ProgramLine
from gdbext.model import Confidence

PAIR = 2
"""Lines of a race: one of each side."""


@dataclass(frozen=True)
class Group:
    """Deaths of one defect, in the order in which they came."""

    deaths: tuple[Death, ...]

    @cached_property
    def signatures(self) -> Counter[str]:
        """How many deaths have each signature."""
        return Counter(death.signature for death in self.deaths)

    @cached_property
    def types(self) -> Counter[str]:
        """How many deaths name an object of each type."""
        return Counter(death.object_type for death in self.deaths if death.object_type)

    @property
    def object_type(self) -> str | None:
        """The type that most deaths name; of as many, the one that they are surest of."""
        return max(
            self.types,
            key=lambda kind: (self.types[kind], self._certainty(kind), kind),
            default=None,
        )

    def _certainty(self, kind: str) -> int:
        return -min(
            (
                d.report.race.confidence.rank
                for d in self.deaths
                if d.report.race and d.object_type == kind
            ),
            default=len(Confidence),
        )

    @cached_property
    def lines(self) -> frozenset[ProgramLine]:
        """Lines that any of the deaths names for the object."""
        return frozenset(
            line
            for death in self.deaths
            if death.object_type == self.object_type
            for line in death.lines
        )

    @property
    def names_its_cause(self) -> bool:
        """Whether at least one death names a race, and is surer of it than merely possible."""
        return any(
            d.report.race is not None and d.report.race.confidence is not Confidence.POSSIBLE
            for d in self.deaths
        )


def group(deaths: Iterable[Death]) -> list[Group]:
    """The deaths as groups, the largest first."""
    by_signature: dict[str, list[Death]] = {}
    for death in deaths:
        by_signature.setdefault(death.signature, []).append(death)
    groups = [Group(tuple(members)) for members in by_signature.values()]
    groups = _joined(groups)
    clear = [g for g in groups if g.names_its_cause]
    vague = [g for g in groups if not g.names_its_cause]
    for lost in vague:
        home = max(
            (g for g in clear if _may_be_victims(lost, g)),
            key=lambda g: len(g.deaths),
            default=None,
        )
        if home is None:
            clear.append(lost)
        else:
            clear[clear.index(home)] = _union(home, lost)
    return sorted(clear, key=lambda g: -len(g.deaths))


def is_same_defect(one: Death, other: Death) -> bool:
    """Whether two deaths, of one command at different times perhaps, are of one defect."""
    return len(group((one, other))) == 1


def _joined(groups: Sequence[Group]) -> list[Group]:
    """The groups with those that are one race put together, whichever links them."""
    joined: list[Group] = []
    for each in groups:
        same = [g for g in joined if _is_same_race(g, each)]
        joined = [g for g in joined if g not in same]
        joined.append(_union(*same, each))
    return joined


def _union(*members: Group) -> Group:
    return Group(tuple(death for member in members for death in member.deaths))


def _is_same_race(one: Group, other: Group) -> bool:
    """Rules 1, 2 and 4."""
    if any(len(a.lines) >= PAIR and a.lines == b.lines for a in one.deaths for b in other.deaths):
        return True
    if (one.object_type is None) is not (other.object_type is None):
        return any(a.site and a.site == b.site for a in one.deaths for b in other.deaths)
    if one.object_type is None or one.object_type != other.object_type:
        return False
    if not (one.lines and other.lines):
        return True
    return bool(one.lines & other.lines)


def _may_be_victims(lost: Group, cause: Group) -> bool:
    """Rule 3, for most of the deaths that tell no cause."""
    return 2 * sum(_is_victim(death, cause) for death in lost.deaths) > len(lost.deaths)


def _is_victim(death: Death, cause: Group) -> bool:
    suspected = any(
        kind == cause.object_type and lines & cause.lines for kind, lines in death.suspected
    )
    return suspected or len(death.stopped_at & cause.lines) >= min(PAIR, len(cause.lines) or PAIR)
