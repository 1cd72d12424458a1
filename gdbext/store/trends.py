"""Does a crash happen more often than before?

The last days are compared with four times as many before them, as far as the store reaches back.
If nothing had changed, each of the crashes would have fallen into the last days with the same
probability: their share of the whole time.  How probable it is that so many or more did is the tail
of a binomial distribution (the conditional test of two Poisson rates). A signature rises where that
is below one in a thousand and it is at least twice as frequent as before.

The test takes crashes for independent.  One machine that starts a crashing program again and again
is not, but there is no less to look at then.  It says nothing where the store has no crash at all
from before: then the store is new, not the crash.
"""

from __future__ import annotations

import math

from gdbext.frozen import dataclass
from gdbext.store.database import Store, Summary

DAY = 86400
WINDOW = 7 * DAY
BEFORE = 4
"""How many windows the last one is compared with."""
RARE = 0.001
TWICE = 2.0


@dataclass(frozen=True, kw_only=True)
class Window:
    """The last days, from ``since`` to before ``until``, in seconds since the epoch.

    ``before`` is where the time begins that they are compared with; None where there is none.
    """

    since: int
    until: int
    before: int | None


@dataclass(frozen=True, kw_only=True)
class Trend:
    """How often a signature crashed in the last days, and before."""

    recent: int
    before: int
    share: float | None
    """The last days' part of the whole time; None where there is no time before them."""

    @property
    def rises(self) -> bool:
        """Whether it is more frequent than before, and more than chance makes it."""
        if self.share is None or not self.recent:
            return False
        usual = self.before * self.share / (1 - self.share)
        return self.recent >= TWICE * usual and self.probability < RARE

    @property
    def probability(self) -> float:
        """Of so many crashes in the last days or more, if nothing had changed; 1 where that cannot
        be told.
        """
        if self.share is None:
            return 1.0
        return tail(self.recent, self.recent + self.before, self.share)


def window(store: Store, length: int = WINDOW, until: int | None = None) -> Window | None:
    """The last ``length`` seconds before ``until``, which is the newest crash unless given; None
    of an empty store.
    """
    span = store.span
    if span is None:
        return None
    first, last = span
    end = last + 1 if until is None else until
    since = end - length
    before = max(first, since - BEFORE * length)
    return Window(since=since, until=end, before=before if before < since else None)


def trend(store: Store, signature: str, looked_at: Window) -> Trend:
    """How a signature does in that window."""
    recent = store.count(signature, looked_at.since, looked_at.until)
    if looked_at.before is None:
        return Trend(recent=recent, before=0, share=None)
    whole = looked_at.until - looked_at.before
    return Trend(
        recent=recent,
        before=store.count(signature, looked_at.before, looked_at.since),
        share=(looked_at.until - looked_at.since) / whole,
    )


def is_new(summary: Summary, looked_at: Window) -> bool:
    """Whether a signature appeared in the window, in a store that is older than it."""
    return looked_at.before is not None and summary.appeared >= looked_at.since


@dataclass(frozen=True)
class SignatureTrend:
    """A signature, and how it does."""

    summary: Summary
    trend: Trend
    is_new: bool


def rows(
    store: Store, looked_at: Window | None, since: int | None = None, until: int | None = None
) -> list[SignatureTrend]:
    """Each signature of that span, the most frequent first, and how it does in the window."""
    if looked_at is None:
        return []
    return [
        SignatureTrend(
            summary, trend(store, summary.signature, looked_at), is_new(summary, looked_at)
        )
        for summary in store.summaries(since, until)
    ]


def tail(least: int, trials: int, probability: float) -> float:
    """The probability of ``least`` or more successes in so many trials.

    >>> round(tail(2, 2, 0.5), 6), tail(0, 10, 0.2), round(tail(9, 10, 0.2), 7)
    (0.25, 1.0, 4.2e-06)
    """
    if least <= 0:
        return 1.0
    if least > trials:
        return 0.0
    if not 0 < probability < 1:
        return 1.0 if probability >= 1 else 0.0
    # Logarithms, since the factors of large numbers of crashes leave the range of a float.
    total = 0.0
    for successes in range(least, trials + 1):
        term = math.exp(
            math.lgamma(trials + 1)
            - math.lgamma(successes + 1)
            - math.lgamma(trials - successes + 1)
            + successes * math.log(probability)
            + (trials - successes) * math.log1p(-probability)
        )
        total += term
        if successes > trials * probability and term < total * 1e-12:
            break
    return min(total, 1.0)
