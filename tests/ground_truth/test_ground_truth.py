"""No living address is called dead, dead ones are, and nothing wrong is proven: on each build, over 200,000 addresses."""

from __future__ import annotations

import pytest

import interpreters
from ground_truth.table import LEAST, run

CONFIGURATIONS = {
    "release": ("release", {}),
    "debug": ("debug", {}),
    "release-hooks": ("release", {"PYTHONMALLOC": "debug"}),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_heap_tells_the_truth(name: str) -> None:
    build, env = CONFIGURATIONS[name]
    table = run(interpreters.build(build), env=env)
    print(table)
    assert table.alive >= LEAST
    assert table.dead >= LEAST
    assert table.alive_called_dead == 0, table.wrong
    assert table.proven_wrongly == 0, table.wrong
    assert table.dead_called_dead >= 0.99 * table.dead, table.wrong
    assert table.misplaced == ()
