"""Make code/MINOR.json, the bytecode that the tests of this folder look at: run it with the Python
whose code is wanted.

$ python3.14 tests/unit/interpreter/compile_snippets.py
"""

from __future__ import annotations

import dis
import inspect
import json
import sys
import textwrap
import types
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

lst: list[Any] = [3, 1, 2]
namespace = SimpleNamespace(items=[1], inner=SimpleNamespace(count=0))


def clears() -> None:
    lst.clear()


def shows(value: Any) -> str:
    text = repr(value)
    return f"{value!r}: {text}"


def changes_attributes(owner: Any) -> None:
    owner.inner.count = 1
    owner.extra = owner.items
    del owner.extra


def changes_items(table: Any, key: Any) -> None:
    table[key] = 1
    table[key] += 2
    del table[key]


def slices(value: Any) -> None:
    value[1:2] = value[key_of(value) : 2]


def key_of(value: Any) -> int:
    return 0 if not value else 1


def loops(values: Any) -> list[Any]:
    total = []
    for value in values:
        total.append(value)
    return [item for item in total]  # noqa: C416 (its bytecode is wanted)


def compares(left: Any, right: Any) -> bool:
    return left < right or left in lst


def adds(left: Any) -> Any:
    left += [1]
    return left + left


def unpacks(values: Any) -> Any:
    first, *rest = values
    return [*rest, first]


def enters(manager: Any) -> None:
    with manager as inside:
        inside.append(1)


def calls(function: Any, *values: Any, **named: Any) -> None:
    function(*values, **named)
    sorted(values, key=id)


def chooses(left: Any, right: Any) -> None:
    (left or right).append(1)


def shares() -> Callable[[], None]:
    counter = 0

    def bump() -> None:
        nonlocal counter
        counter += 1

    return bump


def catches(table: Any) -> None:
    try:
        table.pop(1)
    except KeyError:
        table.clear()


class Manager(list[Any]):
    def __enter__(self) -> Manager:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass


def examples() -> dict[Any, tuple[Any, ...]]:
    """The functions, each with arguments that it can be warmed up with."""
    return {
        clears: (),
        shows: (1,),
        changes_attributes: (namespace,),
        changes_items: ({}, 1),
        slices: ([1, 2, 3],),
        key_of: (lst,),
        loops: ([1, 2],),
        compares: (1, 2),
        adds: ([],),
        unpacks: ([1, 2],),
        enters: (Manager(),),
        calls: (print_nothing,),
        chooses: ([], []),
        shares: (),
        shares(): (),
        catches: ({},),
    }


def print_nothing(*_values: Any, **_named: Any) -> None:
    pass


def describe(function: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    for _ in range(100):
        function(*arguments)
    code = function.__code__
    adaptive = code._co_code_adaptive.hex()
    sys.monitoring.use_tool_id(0, "test")
    sys.monitoring.set_local_events(
        0,
        code,
        sys.monitoring.events.LINE | sys.monitoring.events.PY_START | sys.monitoring.events.CALL,
    )
    function(*arguments)
    instrumented = code._co_code_adaptive.hex()
    sys.monitoring.free_tool_id(0)
    source, first_line = inspect.getsourcelines(function)
    plain = [i for i in dis.get_instructions(code, show_caches=False) if i.opname != "EXTENDED_ARG"]
    return {
        "source": textwrap.dedent("".join(source)),
        "code": code.co_code.hex(),
        "adaptive": adaptive,
        "instrumented": instrumented,
        "names": list(code.co_names),
        "slots": list(code.co_varnames + code.co_cellvars + code.co_freevars),
        "first_line": 1,
        "line_table": code.co_linetable.hex(),
        "lines": [
            [start // 2, end // 2, line and line - first_line + 1]
            for start, end, line in code.co_lines()
        ],
        "positions": positions(code, first_line),
        "instructions": [[i.offset // 2, i.opname, i.arg or 0] for i in plain],
    }


def positions(code: types.CodeType, first_line: int) -> list[list[Any]]:
    """[code units, line, end line, column, end column] of each run of equal positions."""
    runs: list[list[Any]] = []
    for line, end_line, *columns in code.co_positions():
        position = [line and line - first_line + 1, end_line and end_line - first_line + 1]
        position += columns
        if runs and runs[-1][1:] == position:
            runs[-1][0] += 1
        else:
            runs.append([1, *position])
    return runs


def main() -> None:
    found = {
        function.__name__: describe(function, arguments)
        for function, arguments in examples().items()
    }
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in found.items()]
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    path = Path(__file__).with_name("code") / f"{version}.json"
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
