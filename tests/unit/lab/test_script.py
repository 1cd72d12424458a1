"""What a corpus script's marks say of its lines."""

from __future__ import annotations

from pathlib import Path

from lab.script import Operation, Script

TEXT = """\
for number in range(50):  # op: iter, reads
    setattr(
        shared, "name", number
    )  # op: setattr or store
    shared.clear()  # op: clear
    print(number)
"""


def test_a_mark_holds_for_all_lines_of_its_statement(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(TEXT)
    stores = Operation("setattr or store")
    assert Script(path).operations == {
        1: Operation("iter", reads=True),
        2: stores,
        3: stores,
        4: stores,
        5: Operation("clear"),
    }
