"""Crashes in the wheels of public packages: installed from the package registry for the lab's
interpreter, run until they die (scripts/accuracy --packages).

Each is a script that crashes the package and says what is true of it
(``tests/packages/README.md``).
What was installed stays in the user's cache, by requirement and interpreter.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import interpreters
from lab import builds
from lab.crash import CrashRun, NoCrash, environment
from lab.extensions import ENVIRONMENT, ask
from lab.judge import Check, words
from lab.judge_extension import Told, judge, triage
from lab.kept import kept
from lab.script import Script
from lab.session import Lab
from lab.triage import TriageFailed

FOLDER = Path(__file__).parent.parent / "packages"
BUILD = "release"
SECONDS = 60
"""A race that has not happened by then is tried again."""
ATTEMPTS = 3
PIP = (
    "-m pip install --disable-pip-version-check --no-input --quiet --root-user-action=ignore "
    "--no-deps --no-compile --only-binary=:all: --implementation cp"
).split()
LEGACY = ("manylinux1", "manylinux2010", "manylinux2014")
OLDEST = 5
"""The oldest glibc that wheels are built for: ``manylinux_2_5``."""


class NotInstalled(Exception):
    """The registry has no such wheel for the interpreter, or cannot be reached; the message has
    pip's last words.
    """


class Package(Script):
    """One crash."""

    @property
    def requires(self) -> tuple[str, ...]:
        """What is installed for it, the package that crashes first: ``numpy==2.4.6``."""
        return tuple(self.expect["requires"])


@dataclass(frozen=True)
class PackageRow:
    """What was found in one death."""

    package: Package
    signal: str = ""
    checks: tuple[Check, ...] = ()
    told: Told | None = None
    problem: str | None = None

    @property
    def wrong(self) -> list[str]:
        said = [str(check) for check in self.checks if not check.right]
        return said + ([self.problem] if self.problem else [])

    @property
    def is_right(self) -> bool:
        """Nothing is wrong but what is known to be (``fails``)."""
        fails = self.package.expect.get("fails", {})
        return not self.problem and all(c.right or c.what in fails for c in self.checks)


@dataclass
class Rows:
    """All deaths, and of which packages they are."""

    rows: list[PackageRow] = field(default_factory=list)

    @property
    def died(self) -> list[PackageRow]:
        return [row for row in self.rows if row.told is not None]

    @property
    def packages(self) -> set[str]:
        """The packages that died at least once."""
        return {row.package.requires[0].split("==")[0] for row in self.died}


def packages() -> dict[str, Package]:
    """Every crash of a package, by name."""
    return {path.stem: Package(path) for path in sorted(FOLDER.glob("*.py"))}


def installed(requirement: str, python: Path) -> Path:
    """The folder with that wheel, installed now unless the cache has it.  Raises NotInstalled."""
    mark = hashlib.sha256(f"{python} {ask(python, 'sys.version')}".encode()).hexdigest()[:16]
    folder = interpreters.cache_dir() / "packages" / f"{requirement.replace('==', '-')}-{mark}"
    return kept(folder, lambda work: _install(requirement, python, work / "wheel"))


def _install(requirement: str, python: Path, target: Path) -> Path:
    done = subprocess.run(
        [sys.executable, *PIP, *_tags(python), "--target", str(target), requirement],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    if done.returncode:
        raise NotInstalled(f"{requirement}: {(done.stderr or done.stdout).strip()[-400:]}")
    return target


def _tags(python: Path) -> list[str]:
    """The interpreter's tags, for a pip that may be older than free threading: ``--abi cp313t``,
    ``--platform manylinux_2_17_x86_64`` …
    """
    version, abi, machine = (
        ask(
            python,
            "'%d.%d' % sys.version_info[:2], sysconfig.get_config_var('SOABI').split('-')[1], "
            "sysconfig.get_platform().split('-')[1]",
        )
        .translate(str.maketrans("", "", "()',"))
        .split()
    )
    glibc = int(os.confstr("CS_GNU_LIBC_VERSION").split(".")[1])
    platforms = [f"manylinux_2_{number}" for number in range(OLDEST, glibc + 1)]
    words = ["--python-version", version, "--abi", f"cp{abi}"]
    for platform in (*platforms, *LEGACY):
        words += ["--platform", f"{platform}_{machine}"]
    return words


def died(lab: Lab, package: Package, build: str, number: int) -> CrashRun:
    """Its death of that number.  Raises NoCrash, NotInstalled."""
    python = builds.python(build)
    folders = [str(installed(requirement, python)) for requirement in package.requires]
    env = ENVIRONMENT | {"PYTHONPATH": ":".join(folders)}
    own = Lab(lab.root / "packages")
    return own.crash_of(
        Script(package.path), build, number, env=env, seconds=SECONDS, attempts=ATTEMPTS
    )


def measure(lab: Lab, chosen: Iterable[Package], build: str, runs: int) -> Rows:
    """Every crash ``runs`` times; printed as a table of what was expected and found."""
    found = Rows()
    print(f"{'package':<24} {'crash':<20} {'expected':<50} {'found':<74} right", flush=True)
    for package in chosen:
        for number in range(runs):
            row = _row(lab, package, build, number)
            found.rows.append(row)
            mark = "✓" if not row.wrong else "known" if row.is_right else "✗"
            print(
                f"{package.requires[0]:<24} {package.name:<20} {_expected(package):<50} "
                f"{_found(row):<74} {mark}"
            )
            for line in row.wrong:
                print(f"    {line}")
            sys.stdout.flush()
    return found


def _row(lab: Lab, package: Package, build: str, number: int) -> PackageRow:
    try:
        run = died(lab, package, build, number)
        told = triage(run.core, run.core.parent / "told")
    except (NoCrash, NotInstalled, TriageFailed) as error:
        return PackageRow(package, problem=str(error)[-600:])
    return PackageRow(package, run.signal, tuple(judge(package, run.signal, told)), told)


def _expected(package: Package) -> str:
    expect = package.expect
    race = expect.get("race")
    if race is None:
        what = words(expect.get("rule")) if expect.get("rule") else ""
    else:
        what = f"{race['type']}: {'/'.join(dict.fromkeys(race['operations']))}"
    return " ".join(filter(None, (what, *expect.get("headline", expect.get("shows", ())))))[:50]


def _found(row: PackageRow) -> str:
    if row.told is None:
        return "-"
    report = row.told.report
    first = report["findings"][0] if report["findings"] else {}
    race, issues = report["race"], report["known_issues"]
    text = f"{row.signal} {first.get('rule')} {first.get('confidence')}"
    if race:
        told = "/".join(str(thread["operation"]) for thread in race["threads"][:2])
        text += f"; {race['object']['type'].split('.')[-1]}: {told} ({race['confidence']})"
    if issues:
        text += f"; {issues[0]['id']} {issues[0]['match']}"
    return text
