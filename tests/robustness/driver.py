"""Starts gdb on a core and has it triaged under many damages; the core's own file may be damaged as
well.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 10.0
BYTES = 1 << 20
GDB = ["-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set auto-load no"]


@dataclass(frozen=True)
class Result:
    """``problem`` is None, ``exception``, ``hang``, ``oversize`` or ``died`` (no answer);
    ``detail`` says more.
    """

    what: str
    problem: str | None
    detail: str = ""
    seconds: float = 0.0


def damaged_memory(core: Path, executable: Path, first: int, end: int) -> Iterator[Result]:
    """One result a seed; the damage is done to what gdb reads, the file stays as it is."""
    request = {
        "core": str(core),
        "executable": str(executable),
        "seeds": [first, end],
        "seconds": SECONDS,
        "bytes": BYTES,
    }
    gdb = [
        str(ROOT / ".venv" / "bin" / "gdb"),
        *GDB,
        "-x",
        str(Path(__file__).with_name("inside.py")),
    ]
    environment = {**os.environ, "MUTATE_REQUEST": json.dumps(request), "GDBEXT_ROOT": str(ROOT)}
    process = subprocess.Popen(
        gdb,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    seen, noise = first, ""
    for line in process.stdout:
        if line.startswith("RESULT "):
            found = json.loads(line[7:])
            seen = found["seed"] + 1
            detail = (
                found.get("detail") or ", ".join(found.get("rules", ())) or found.get("refused", "")
            )
            yield Result(
                f"seed {found['seed']}", found["problem"], detail, found.get("seconds", SECONDS)
            )
        else:
            noise = (noise + line)[-2000:]
    process.wait()
    if seen < end:
        yield Result(f"seed {seen}", "died", noise)
        if seen + 1 < end:
            yield from damaged_memory(core, executable, seen + 1, end)


def damaged_files(
    core: Path, executable: Path, folder: Path, first: int, end: int
) -> Iterator[Result]:
    """Copies of the core cut short, with bytes overwritten, or read with another program."""
    size = core.stat().st_size
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(first, end):
        chance = random.Random(seed)
        copy = folder / f"core-{seed}"
        arguments: list[str] = []
        kind = ("truncated", "overwritten", "headers", "other program")[seed % 4]
        subprocess.run(
            ["cp", "--sparse=always", "--reflink=auto", str(core), str(copy)], check=True
        )
        with copy.open("r+b") as stream:
            if kind == "truncated":
                stream.truncate(
                    chance.choice(
                        (
                            chance.randrange(4096),
                            chance.randrange(size),
                            size - chance.randrange(1 << 20),
                        )
                    )
                )
            elif kind == "other program":
                arguments = ["--exe", chance.choice((sys.executable, "/bin/true", str(core)))]
            else:
                reach = 1 << 16 if kind == "headers" else size
                for _ in range(chance.choice((1, 10, 200))):
                    stream.seek(chance.randrange(reach))
                    stream.write(chance.randbytes(chance.choice((1, 8, 64))))
        yield _whole(f"{kind} {seed}", copy, arguments)
        copy.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _whole(what: str, core: Path, arguments: list[str]) -> Result:
    """``gdbext triage`` as a person runs it."""
    command = [
        str(ROOT / ".venv" / "bin" / "gdbext"),
        "triage",
        str(core),
        "--format",
        "json",
        *arguments,
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return Result(what, "hang")
    errors = done.stderr.decode(errors="replace")
    if len(done.stdout) + len(done.stderr) > BYTES:
        return Result(what, "oversize", str(len(done.stdout)))
    if done.returncode not in (0, 3, 4) or "Traceback" in errors or "internal error" in errors:
        return Result(what, "exception", f"{done.returncode}: {errors[-1500:]}")
    if done.returncode != 3:
        for error in json.loads(done.stdout)["errors"]:
            kind = error["message"].split(":")[0]
            if kind.isidentifier() and kind.endswith(("Error", "Exception")):
                return Result(what, "exception", f"{error['section']}: {error['message']}")
    return Result(what, None, errors[-200:])
