"""Finds the rules: each file ``ftNNN_name.py`` of :mod:`gdbext.diagnosis.rules` has one."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from collections.abc import Mapping

from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.model import LockProblemKind

PACKAGE = "gdbext.diagnosis.rules"
FILE = re.compile(r"ft\d{3}_\w+")
UNKNOWN = RuleTraits(kind=Kind.PLAIN, order=1000)
"""Of a finding of another version of gdbext."""
OWN_DEFECTS = frozenset(defect.value for defect in Defect)


@functools.cache
def rules() -> Mapping[str, Rule]:
    """All rules by id, in the order of the ids.

    >>> rules()["FT101"].title
    'stale container item'
    """
    folders = importlib.import_module(PACKAGE).__path__
    names = sorted(m.name for m in pkgutil.iter_modules(folders) if FILE.fullmatch(m.name))
    found: list[Rule] = [importlib.import_module(f"{PACKAGE}.{name}").RULE for name in names]
    return {rule.id: rule for rule in found}


def in_order() -> list[Rule]:
    """All rules, the more specific cause first."""
    return sorted(rules().values(), key=lambda rule: (rule.traits.order, rule.id))


def traits(rule: str) -> RuleTraits:
    """The traits of the rule of that id.

    >>> traits("FT105").is_victim, traits("FT999").is_victim
    (True, False)
    """
    known = rules().get(rule)
    return known.traits if known else UNKNOWN


def rule_of(problem: LockProblemKind) -> Rule:
    """The rule whose findings problems of the locks of that kind are.

    >>> rule_of(LockProblemKind.DEADLOCK).id
    'FT303'
    """
    return next(rule for rule in rules().values() if rule.traits.lock_problem is problem)


@functools.cache
def showing(defect: str) -> frozenset[str]:
    """The ids of the rules that a known issue of that class may show as.

    >>> sorted(showing("deadlock"))
    ['FT302', 'FT303', 'FT304']
    """
    wanted = Defect(defect if defect in OWN_DEFECTS else Defect.MEMORY)
    return frozenset(rule.id for rule in rules().values() if wanted in rule.traits.defects)


def forget() -> None:
    """Look for rules again when next asked, as after a file was added."""
    rules.cache_clear()
    showing.cache_clear()
