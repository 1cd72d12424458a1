"""Finds the rules: each file ``ftNNN_name.py`` of this package has one."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from collections.abc import Mapping

from gdbext.diagnosis import rules as package
from gdbext.diagnosis.rules.rule import Defect, Kind, Rule, RuleTraits

FILE = re.compile(r"ft\d{3}_\w+")
UNKNOWN = RuleTraits(kind=Kind.PLAIN, order=1000)
"""Of a finding of another version of gdbext."""


@functools.cache
def rules() -> Mapping[str, Rule]:
    """All rules by id, in the order of the ids."""
    names = sorted(m.name for m in pkgutil.iter_modules(package.__path__) if FILE.fullmatch(m.name))
    found = [importlib.import_module(f"{package.__name__}.{name}").RULE for name in names]
    return {rule.id: rule for rule in found}


def in_order() -> list[Rule]:
    """All rules, the more specific cause first."""
    return sorted(rules().values(), key=lambda rule: (rule.traits.order, rule.id))


def traits(rule: str) -> RuleTraits:
    """The traits of the rule of that id."""
    known = rules().get(rule)
    return known.traits if known else UNKNOWN


def showing(defect: str) -> frozenset[str]:
    """The ids of the rules that a known issue of that class may show as."""
    own = {d.value for d in Defect}
    wanted = defect if defect in own else Defect.MEMORY.value
    return frozenset(
        rule.id
        for rule in rules().values()
        if any(shown.value == wanted for shown in rule.traits.defects)
    )
