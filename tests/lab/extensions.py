"""Crashing extension modules: built from ``tests/extensions`` for the lab's interpreters, and run
until they die.

Each is a source (C, C++, Cython, Rust; pybind11's and nanobind's by what they include) and, of the
same stem, the script that crashes it and says what is true of the crash
(``tests/extensions/README.md``).  What was built stays in the user's cache, by source, command and
interpreter.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
from importlib import import_module, metadata
from pathlib import Path

import interpreters
from lab import builds
from lab.crash import CrashRun, environment
from lab.hang import end, hang, settle
from lab.kept import kept
from lab.script import Script
from lab.session import Lab

FOLDER = Path(__file__).parent.parent / "extensions"
SOURCES = (".c", ".cpp", ".pyx", ".rs")
BUILD = "release"
ENVIRONMENT = {"PYTHON_GIL": "0", "PYTHONSAFEPATH": "1"}
"""The GIL stays off, whatever a module says; and the script, which has the module's name, is not
imported for it.
"""
COMPILE = ("-shared", "-fPIC", "-g", "-O2", "-pthread")
RUST = ("--edition=2021", "--crate-type=cdylib", "-g", "-O", "-Cpanic=abort")
NANOBIND = ("-DNB_FREE_THREADED", "-fvisibility=hidden", "-fno-strict-aliasing", "-O1")
TIMEOUT = 60.0
LOOKS = 30
"""How often a hang's threads must be found asleep: some sleep for a moment before they hang."""


class BuildFailed(Exception):
    """An extension could not be built; the message has the compiler's last words."""


class Extension(Script):
    """One crash; the source is beside the script."""

    @property
    def source(self) -> Path:
        return next(
            found for suffix in SOURCES if (found := self.path.with_suffix(suffix)).exists()
        )

    @property
    def build(self) -> str:
        """The lab's interpreter that it is run on."""
        return str(self.expect.get("build", BUILD))

    @property
    def hangs(self) -> int:
        """How many threads it hangs with; 0 for a crash."""
        return int(self.expect.get("hang", 0))


def extensions() -> dict[str, Extension]:
    """Every crash of an extension, by name."""
    return {path.stem: Extension(path) for path in sorted(FOLDER.glob("*.py"))}


def built(extension: Extension) -> Path:
    """The folder with the module and its sources, compiled now unless the cache has it.  Raises
    BuildFailed.
    """
    python = builds.python(extension.build)
    flags = _flags(extension)
    folder = interpreters.cache_dir() / "extensions" / _key(extension, flags, python)
    return kept(folder, lambda work: _compile(extension, flags, python, work, folder))


def died(lab: Lab, extension: Extension) -> CrashRun:
    """Its death, once a session.  One that hangs is ended where it is."""
    build = extension.build
    lab = Lab(lab.root / "extensions")
    env = {**ENVIRONMENT, **extension.expect.get("env", {}), "PYTHONPATH": str(built(extension))}
    if not extension.hangs:
        return lab.crash_of(Script(extension.path), build, env=env)
    folder = lab.root / build / extension.name
    folder.mkdir(parents=True, exist_ok=True)
    with interpreters.locked(folder / "lock"):
        saved = folder / "run.json"
        if not saved.exists():
            _hung(extension, folder / "0", env).save(saved)
        return CrashRun.load(saved)


def _hung(extension: Extension, folder: Path, env: dict[str, str]) -> CrashRun:
    python = builds.python(extension.build)
    with hang(python, extension.path, folder=folder, env=env) as process:
        settle(process, extension.hangs, TIMEOUT, LOOKS)
        core = end(process, folder)
    return CrashRun(core, "SIGQUIT", "", python, extension.path, {}, 0.0)


def _sources(extension: Extension) -> list[Path]:
    """All files that it is made of."""
    header = extension.path.with_suffix(".h")
    shared = FOLDER / ("module.rs" if extension.source.suffix == ".rs" else "module.h")
    return [extension.source, *(path for path in (header, shared) if path.exists())]


def _flags(extension: Extension) -> list[str]:
    """What the compiler is told, but for paths."""
    own = tuple(extension.expect.get("flags", ()))
    if extension.source.suffix == ".rs":
        return [*RUST, *own]
    bindings = {"pybind11": ("-fvisibility=hidden",), "nanobind": NANOBIND}
    return [*COMPILE, *own, *(flag for name in _uses(extension) for flag in bindings[name])]


def _uses(extension: Extension) -> list[str]:
    text = extension.source.read_text()
    return [name for name in ("pybind11", "nanobind") if f"<{name}/" in text]


def _key(extension: Extension, flags: list[str], python: Path) -> str:
    packages = [*_uses(extension), *(["Cython"] if extension.source.suffix == ".pyx" else [])]
    versions = [f"{name} {metadata.version(name)}" for name in packages]
    digest = hashlib.sha256("\n".join([*flags, *versions, str(python), _abi(python)]).encode())
    for path in _sources(extension):
        digest.update(path.read_bytes())
    return f"{extension.name}-{digest.hexdigest()[:16]}"


@functools.cache
def ask(python: Path, question: str) -> str:
    """What that interpreter says of itself, about an expression over ``sys`` and ``sysconfig``."""
    command = [str(python), "-c", f"import sys, sysconfig; print({question})"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    return done.stdout.strip()


def _abi(python: Path) -> str:
    return ask(python, "sys.version + sys.abiflags")


def _compile(extension: Extension, flags: list[str], python: Path, work: Path, final: Path) -> Path:
    """The module and its sources, in a folder of ``work`` that is to become ``final``: debug
    information says so.
    """
    folder = work / extension.name
    folder.mkdir()
    for path in _sources(extension):
        shutil.copy(path, folder)
    source = folder / extension.source.name
    if source.suffix == ".pyx":
        _run([sys.executable, "-m", "cython", source.name], folder)
        source = source.with_suffix(".c")
    suffix = ask(python, "sysconfig.get_config_var('EXT_SUFFIX')")
    if source.suffix == ".rs":
        paths = f"--remap-path-prefix={folder}={final}"
        output = ["-o", f"{extension.name}{suffix}"]
        _run([os.environ.get("RUSTC", "rustc"), *flags, paths, str(source), *output], folder)
        return folder
    is_cpp = source.suffix == ".cpp"
    compiler = os.environ.get("CXX", "g++") if is_cpp else os.environ.get("CC", "gcc")
    config = ask(python, "sysconfig.get_config_h_filename()")
    folders = [Path(ask(python, "sysconfig.get_path('include')")), Path(config).parent]
    others: list[str] = []
    if "pybind11" in _uses(extension):
        folders.append(Path(import_module("pybind11").get_include()))
    if "nanobind" in _uses(extension):
        include = Path(import_module("nanobind").include_dir())
        folders += [include, include.parent / "ext" / "robin_map" / "include"]
        others.append(str(include.parent / "src" / "nb_combined.cpp"))
    _run(
        [
            compiler,
            *flags,
            f"-ffile-prefix-map={folder}={final}",
            *(f"-I{path}" for path in folders),
            str(source),
            *others,
            "-o",
            f"{extension.name}{suffix}",
        ],
        folder,
    )
    return folder


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment())
    if done.returncode:
        raise BuildFailed(f"`{' '.join(command)}`: {(done.stderr or done.stdout)[-1500:]}")
