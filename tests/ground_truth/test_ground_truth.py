"""No living address is called dead, dead ones are, and nothing wrong is proven: on each build, over
200,000 addresses.
"""

from __future__ import annotations

import pytest

from ground_truth.table import LEAST, configurations, run
from lab import builds


@pytest.mark.parametrize(("build", "env"), configurations().values(), ids=list(configurations()))
def test_the_heap_tells_the_truth(build: str, env: dict[str, str]) -> None:
    table = run(builds.python(build), env=env)
    print(table)
    assert table.alive >= LEAST
    assert table.dead >= LEAST
    assert table.alive_called_dead == 0, table.wrong
    assert table.proven_wrongly == 0, table.wrong
    assert table.dead_called_dead >= 0.99 * table.dead, table.wrong
    assert table.misplaced == ()
