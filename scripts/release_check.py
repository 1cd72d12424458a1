"""Could this checkout be released today?  (scripts/release_check)

The version is one everywhere; wheel and sdist are built in isolation, and hold all that they should
and nothing else; then the wheel is installed into a bare environment of each Python at hand, with
no index of packages but for what it depends on, and run: ``--version``, ``explain``, ``doctor``,
and the triage of a core with the environment's own gdb and LLDB.  What was built stays in
``dist/``, beside a bill of materials (CycloneDX) of what an installation brings.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import gdbext
import interpreters

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent
VERSION = gdbext.__version__
WITH_DRGN = ("python3.10", "python3.11", "python3.12", "python3.14")
"""Pythons for which drgn comes with the wheel (``dependencies`` in pyproject.toml)."""
MINORS = range(10, 16)
NAME = """
import sys, sysconfig
free = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print(f"python{sys.version.split()[0]}{free}")
"""
CRASH = "list_union_freed"
"""The corpus script whose core is diagnosed, and its rule."""
RULE = "FT101"
NAMES_A_VERSION = ("README.md", ".ci/gitlab.yml", ".github/docs/*.md", ".github/docs/**/*.md")
RELEASE = re.compile(r"(?:/gdbext/\S+@|\bref: )v(\d+\.\d+\.\d+)")


class Unfit(Exception):
    """The checkout cannot be released; the message says why."""


def say(line: str) -> None:
    print(line, flush=True)


def run(*command: str | Path, **variables: str) -> str:
    """The command's output.

    Raises:
        Unfit: when it fails.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=tempfile.gettempdir(),
        env={**environment, **variables},
    )
    if done.returncode:
        raise Unfit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}")
    return done.stdout


# --- the version ---------------------------------------------------------------------------------


def check_version() -> None:
    """The changelog's newest release is it, and what tells people which release to use names it.

    What is not released yet may stand above, but not when a tag is built.
    """
    tag = (
        os.environ.get("GITHUB_REF_NAME", "") if os.environ.get("GITHUB_REF_TYPE") == "tag" else ""
    )
    changelog = (ROOT / ".github" / "CHANGELOG.md").read_text()
    entries = re.findall(r"^## (\S+)", changelog, re.MULTILINE)
    if not tag:
        entries = [entry for entry in entries if entry != "Unreleased"]
    if entries[:1] != [VERSION]:
        raise Unfit(f"the first entry of CHANGELOG.md is {entries[:1]}, not {VERSION}")
    for pattern in NAMES_A_VERSION:
        for path in ROOT.glob(pattern):
            for named in RELEASE.findall(path.read_text()):
                if named != VERSION:
                    raise Unfit(f"{path.relative_to(ROOT)} names v{named}, this is v{VERSION}")
    if tag not in ("", f"v{VERSION}"):
        raise Unfit(f"the tag is {tag}, the version {VERSION}")
    say(f"version     {VERSION}, in the changelog and the recipes too")


# --- what is built -------------------------------------------------------------------------------


def build(folder: Path) -> tuple[Path, Path]:
    """(wheel, sdist): the sdist of a clean copy of what git has, the wheel of that sdist."""
    source = folder / "source"
    source.mkdir()
    archive = subprocess.run(
        ["git", "archive", "--format=tar", tree()], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive.stdout, check=True)
    run(TOOLS / "python", "-m", "build", "--outdir", folder / "dist", source)
    (wheel,) = (folder / "dist").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    return wheel, sdist


def tree() -> str:
    """The tree of this work tree as it is, uncommitted changes included."""
    with tempfile.TemporaryDirectory() as folder:
        index = {**os.environ, "GIT_INDEX_FILE": f"{folder}/index"}
        subprocess.run(["git", "add", "--all"], cwd=ROOT, env=index, check=True)
        written = subprocess.run(
            ["git", "write-tree"],
            cwd=ROOT,
            env=index,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    return written.stdout.strip()


def check_content(wheel: Path, sdist: Path) -> None:
    """Every file of the package but its guides is in the wheel; the sdist has that and what builds
    it.
    """
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", tree(), "gdbext/"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    wanted = {name for name in listed.stdout.split() if not name.endswith("README.md")}
    packed = set(zipfile.ZipFile(wheel).namelist())
    shipped = {name for name in packed if ".dist-info/" not in name}
    if shipped != wanted:
        raise Unfit(f"the wheel and the checkout differ in {sorted(shipped ^ wanted)}")
    with tarfile.open(sdist) as archive:
        sources = {name.partition("/")[2] for name in archive.getnames()}
    if missing := {*wanted, "pyproject.toml", "LICENSE", "README.md"} - sources:
        raise Unfit(f"the sdist lacks {sorted(missing)}")
    run(TOOLS / "twine", "check", "--strict", wheel, sdist)
    run(TOOLS / "check-wheel-contents", "--config", ROOT / "pyproject.toml", wheel)
    sizes = " and ".join(f"{path.stat().st_size / 1000:.0f} kB" for path in (wheel, sdist))
    say(
        f"packages    {len(shipped)} files, wheel and sdist of {sizes}; twine, check-wheel-contents"
    )


# --- what is installed ---------------------------------------------------------------------------


def pythons(more: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """(name, path) of each Python from 3.10 to 3.15 at hand: on PATH, pyenv's, the lab's own, and
    ``more``.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for minor in MINORS:
        for name in (f"python3.{minor}", f"python3.{minor}t"):
            on_path = shutil.which(name)
            candidates = [Path(on_path)] if on_path else []
            candidates += sorted(pyenv.glob(f"*/bin/{name}"), reverse=True)
            if (working := next(filter(starts, candidates), None)) is not None:
                yield name, working
    yield "the lab's 3.13 free-threaded", interpreters.build("release")
    for path in more:
        yield run(path, "-c", NAME).strip(), path


def starts(python: Path) -> bool:
    """Whether it is more than pyenv's shim for a version that is not chosen."""
    return subprocess.run([python, "-c", "import venv"], capture_output=True).returncode == 0


def install(python: Path, folder: Path, *what: str) -> Path:
    """The ``bin`` of a bare environment of that Python with something installed."""
    # The lab's Pythons have no ensurepip: this environment's pip installs into the new one.
    run(python, "-m", "venv", "--without-pip", folder)
    run(TOOLS / "pip", "--python", folder / "bin" / "python", "install", "--quiet", *what)
    return folder / "bin"


def check_installed(name: str, python: Path, wheel: Path, core: Path, folder: Path) -> None:
    """A bare wheel explains and diagnoses: with the drgn that it brings where neither gdb nor LLDB
    is, and with a debugger of the system's, if there is one.
    """
    made = install(python, folder / "bare", str(wheel))
    if (version := run(made / "gdbext", "--version").strip()) != f"gdbext {VERSION}":
        raise Unfit(f"{name}: --version says {version}")
    if "What to do:" not in run(made / "gdbext", "explain", RULE):
        raise Unfit(f"{name}: explain {RULE} does not say what to do")
    said = [version]
    if (made / "drgn").exists():
        says = triage(made, core, PATH=f"{made}:/usr/bin/nowhere")
        said.append(f"{says}, no gdb and no LLDB")
    elif name in WITH_DRGN:
        raise Unfit(f"{name}: no drgn came with the wheel")
    if system := next((path for path in map(shutil.which, ("gdb", "lldb")) if path), None):
        says = triage(made, core, **{f"GDBEXT_{Path(system).name.upper()}": system})
        said.append(f"{says} in {system}")
    say(f"install     {name:<30}{' · '.join(said)}")


def check_debuggers(wheel: Path, core: Path, folder: Path) -> Path:
    """The extras bring their debuggers: each diagnoses the core where no other is on PATH."""
    for extra in ("gdb", "lldb", "drgn"):
        made = install(Path(sys.executable), folder / extra, f"gdbext[{extra}] @ {wheel.as_uri()}")
        says = triage(made, core, "--debugger", extra, PATH=f"{made}:/usr/bin/nowhere")
        say(f"extra       gdbext[{extra}]{'':<{22 - len(extra)}}{says}")
    return folder / "gdb"


def triage(made: Path, core: Path, *options: str, **variables: str) -> str:
    """The headline's rule, the confidence and the debugger."""
    text = run(made / "gdbext", "triage", core, "--format", "json", *options, **variables)
    report = json.loads(text[text.index("{") :])
    first = report["findings"][0]
    if (first["rule"], report["errors"]) != (RULE, []):
        raise Unfit(f"triage says {first['rule']} with errors {report['errors']}, not {RULE}")
    return f"{first['rule']} {first['confidence']}, {report['tool']['debugger']}"


def check_runners(wheel: Path) -> None:
    """``pipx run`` and ``uvx`` work from the wheel, as far as these are here."""
    runners: dict[str, Sequence[str | Path]] = {
        "pipx": ("run", "--spec", wheel, "gdbext"),
        "uvx": ("--from", wheel, "gdbext"),
    }
    for name, words in runners.items():
        with tempfile.TemporaryDirectory() as home:
            homes = {"PIPX_HOME": f"{home}/pipx", "UV_CACHE_DIR": f"{home}/uv"}
            said = run(TOOLS / name, *words, "--version", **homes)
        if f"gdbext {VERSION}" not in said:
            raise Unfit(f"{name} says {said}")
        say(f"runner      {name} runs the wheel")


def bill_of_materials(environment: Path, target: Path) -> None:
    """What an installation of ``gdbext[gdb]`` brings, as CycloneDX JSON."""
    tool = TOOLS / "cyclonedx-py"
    run(tool, "environment", "--output-format", "JSON", "-o", target, environment)
    content = json.loads(target.read_text())
    names = {part["name"]: part["version"] for part in content["components"]}
    if names.get("gdbext") != VERSION or "Pygments" not in {n.capitalize() for n in names}:
        raise Unfit(f"the bill of materials lists {names}")
    say(f"materials   {', '.join(f'{name} {version}' for name, version in sorted(names.items()))}")


def the_core(folder: Path) -> Path:
    """The core of the corpus's crash."""
    from lab.session import Lab

    return Lab(folder).crash("debug-unfixed", CRASH).core


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/release_check", description="Build, check, install and run a release."
    )
    parser.add_argument(
        "--packages",
        action="store_true",
        help="only version, build and content: needs no interpreter and no debugger",
    )
    parser.add_argument(
        "--python",
        metavar="PATH",
        type=Path,
        action="append",
        default=[],
        help="another Python, of 3.10 or later, to install the wheel for; may be repeated",
    )
    given = parser.parse_args()
    try:
        check_version()
        with tempfile.TemporaryDirectory(prefix="gdbext-release-") as name:
            folder = Path(name)
            wheel, sdist = build(folder)
            check_content(wheel, sdist)
            shutil.rmtree(ROOT / "dist", ignore_errors=True)
            shutil.copytree(wheel.parent, ROOT / "dist")
            if given.packages:
                return 0
            core = the_core(folder / "lab")
            for number, (python, path) in enumerate(pythons(given.python)):
                check_installed(python, path, wheel, core, folder / str(number))
            environment = check_debuggers(wheel, core, folder)
            check_runners(wheel)
            bill_of_materials(environment, ROOT / "dist" / f"gdbext-{VERSION}.cdx.json")
    except (Unfit, interpreters.BuildError) as error:
        print(f"release_check: {error}", file=sys.stderr)
        return 1
    say(f"ready       {', '.join(sorted(path.name for path in (ROOT / 'dist').iterdir()))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
