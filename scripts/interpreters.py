#!/usr/bin/env python3
"""Find free-threaded interpreters, and build the lab's own from source.

The lab needs CPython in five builds (see ``VARIANTS``).  They are compiled from Debian's source
package of ``python3.13``, fetched through the mirror that this machine's apt is set up with, as any
user, and cached per user::

    $ scripts/interpreters.py            # build what is missing, print a table
    $ scripts/interpreters.py release    # one of them only
    $ scripts/interpreters.py --found    # the free-threaded interpreters that this machine has

Only the standard library is used: this runs before any environment exists.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from gdbext import user_cache
from gdbext.cli import interpreters as finder

SOURCE_PACKAGE = "python3.13"
SUITE = "trixie"
# Compiler runs of a full build, measured; the progress bar's 100 %.
COMPILATIONS = 560
BUILD_PACKAGES = [
    "gcc",
    "make",
    "git",
    "xz-utils",
    "pkg-config",
    "libc6-dev",
    "libffi-dev",
    "zlib1g-dev",
    "libssl-dev",
    "libbz2-dev",
    "liblzma-dev",
    "libsqlite3-dev",
]
PATCH = Path(__file__).with_name("gh-132713.patch")


@dataclass(frozen=True)
class Variant:
    """One build.  ``base`` names the variant whose tree it starts from, so that only changed files compile."""

    name: str
    configure: tuple[str, ...] = ()
    base: str | None = None
    patch: Path | None = None
    strip: bool = False


VARIANTS = {
    v.name: v
    for v in (
        Variant("release"),
        Variant("debug", configure=("--with-pydebug",)),
        Variant("release-unfixed", base="release", patch=PATCH),
        Variant("debug-unfixed", base="debug", patch=PATCH),
        Variant("stripped", base="release", strip=True),
    )
}


class BuildError(Exception):
    """Building failed; the message says why and what to try."""


def cache_dir() -> Path:
    """The per-user cache."""
    return Path(user_cache.folder())


def tree(name: str) -> Path:
    """Where the build of that name lives (source, objects and interpreter together)."""
    return Path(finder.folder()) / name


def executable(name: str) -> Path:
    """The interpreter of that name, whether built yet or not."""
    return tree(name) / "python"


def is_free_threaded(python: str) -> bool:
    """Whether that command is a CPython 3.13 or later without a GIL."""
    wanted = "sysconfig.get_config_var('Py_GIL_DISABLED') and sys.version_info >= (3, 13)"
    check = f"import sys, sysconfig; sys.exit(not ({wanted}))"
    try:
        return (
            subprocess.run([python, "-c", check], capture_output=True, timeout=30).returncode == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def found() -> list[str]:
    """Free-threaded interpreters of this machine, best first, without building anything."""
    return [path for path in finder.found() if is_free_threaded(path)]


def find_or_build(name: str = "release") -> str:
    """One free-threaded interpreter: this machine's own where it has one, else the lab's build of that name."""
    return next(filter(is_free_threaded, finder.installed()), None) or str(build(name))


# --- fetching the source -------------------------------------------------------------------------


def fetch_source(folder: Path) -> Path:
    """Download and unpack the upstream tarball of Debian's source package; return the source tree."""
    unpacked = folder / "source"
    if (unpacked / "configure").exists():
        return unpacked
    if not shutil.which("apt-get"):
        raise BuildError(
            "no apt-get here to fetch CPython's source with; set GDBEXT_PYTHON to a free-threaded python, "
            f"or unpack a CPython 3.13.5 source tree at {unpacked}"
        )
    errors = apt_download(
        folder, "deb-src", SUITE, ["source", "--download-only", f"{SOURCE_PACKAGE}/{SUITE}"]
    )
    archives = sorted(folder.glob(f"{SOURCE_PACKAGE}_*.orig.tar.xz"))
    if not archives:
        raise BuildError("apt could not fetch CPython's source: " + "; ".join(errors))
    with tarfile.open(archives[-1]) as archive:
        top = archive.getnames()[0].split("/")[0]
        archive.extractall(folder, filter="data") if hasattr(
            tarfile, "data_filter"
        ) else archive.extractall(folder)
    (folder / top).rename(unpacked)
    return unpacked


def apt_download(folder: Path, kind: str, suite: str, command: list[str]) -> list[str]:
    """Run ``apt-get COMMAND`` in ``folder`` as any user, with a state of its own; return what went wrong.

    ``kind`` is ``deb`` or ``deb-src``; only ``suite`` is known to that apt.  The mirrors that this machine's apt is set up
    with are tried in turn.
    """
    for archive in ("lists/partial", "archives/partial"):
        (folder / "apt" / archive).mkdir(parents=True, exist_ok=True)
    errors: list[str] = []
    for mirror in apt_mirrors():
        sources = folder / "apt" / "sources.list"
        keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
        signed = f"[signed-by={keyring}] " if keyring.exists() else ""
        sources.write_text(f"{kind} {signed}{mirror} {suite} main\n")
        options = [
            f"Dir::State={folder}/apt",
            "Dir::State::status=/var/lib/dpkg/status",
            f"Dir::State::lists={folder}/apt/lists",
            f"Dir::Cache={folder}/apt",
            f"Dir::Etc::SourceList={sources}",
            "Dir::Etc::SourceParts=-",
            "APT::Sandbox::User=" + (os.environ.get("USER") or "root"),
        ]
        apt = ["apt-get", "-q", *(f"-o{option}" for option in options)]
        for step in (["update"], command):
            done = subprocess.run([*apt, *step], cwd=folder, capture_output=True, text=True)
            if done.returncode != 0:
                errors.append(
                    f"{mirror}: {done.stderr.strip().splitlines()[-1:] or done.returncode}"
                )
                break
        else:
            return errors
    return errors or ["no Debian mirror is set up for apt"]


def apt_mirrors() -> list[str]:
    """The archive addresses that apt is set up with, security archives last."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True
    )
    mirrors = list(dict.fromkeys(line.strip() for line in done.stdout.splitlines() if line.strip()))
    return sorted(mirrors, key=lambda uri: "security" in uri)


# --- building ------------------------------------------------------------------------------------


class Progress:
    """One line on stderr: a bar on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.started = time.monotonic()
        self.last = 0.0
        self.tty = sys.stderr.isatty()

    def show(self, fraction: float, note: str) -> None:
        now = time.monotonic()
        if now - self.last < (0.2 if self.tty else 10):
            return
        self.last = now
        filled = int(min(fraction, 1.0) * 24)
        bar = "█" * filled + "░" * (24 - filled)
        line = f"  {self.title:<16} {bar} {now - self.started:4.0f} s  {note[:40]:<40}"
        sys.stderr.write(f"\r{line}" if self.tty else f"{line.rstrip()}\n")
        sys.stderr.flush()

    def done(self, note: str) -> None:
        line = f"  {self.title:<16} {note} ({time.monotonic() - self.started:.0f} s)"
        sys.stderr.write(f"\r{line:<90}\n" if self.tty else f"{line}\n")
        sys.stderr.flush()


def run_with_progress(command: list[str], cwd: Path, progress: Progress, log: Path) -> None:
    """Run one build step, its output in ``log``, counting compiler runs for the bar."""
    compiled = 0
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=build_environment(),
        )
        assert process.stdout
        for line in process.stdout:
            output.write(line)
            if line.startswith((b"gcc ", b"cc ", b"x86_64")):
                compiled += 1
            words = line.split()
            progress.show(
                compiled / COMPILATIONS, words[-1].decode(errors="replace") if words else ""
            )
    if process.wait() != 0:
        tail = "\n    ".join(log.read_text(errors="replace").splitlines()[-8:])
        raise BuildError(f"`{' '.join(command)}` failed in {cwd}; the end of {log}:\n    {tail}")


def build_environment() -> dict[str, str]:
    """The environment without what would change the build behind our back."""
    return {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("PYTHON", "VIRTUAL_ENV", "CFLAGS", "MAKEFLAGS"))
    }


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One builder at a time, across processes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build(name: str) -> Path:
    """The interpreter of variant ``name``; built now unless the cache has it."""
    variant = VARIANTS[name]
    with locked(cache_dir() / f".{name}.lock"):
        if (tree(name) / ".complete").exists():
            return executable(name)
        ensure_build_tools()
        if variant.base:
            build(variant.base)
        shutil.rmtree(tree(name), ignore_errors=True)
        progress = Progress(name)
        if variant.strip:
            make_stripped(tree(name), tree(variant.base or "release"))
        else:
            compile_variant(variant, progress)
        (tree(name) / ".complete").touch()
        progress.done("ready")
    return executable(name)


def compile_variant(variant: Variant, progress: Progress) -> None:
    """Configure and make in a tree of the variant's own, so that DWARF's source paths stay valid."""
    target = tree(variant.name)
    progress.last = time.monotonic() - 9 if not progress.tty else 0.0
    progress.show(0, "source")
    origin = tree(variant.base) if variant.base else fetch_source(cache_dir() / "cpython")
    shutil.copytree(
        origin, target, symlinks=True, ignore=shutil.ignore_patterns(".complete", "Doc")
    )
    log = target / "build.log"
    if variant.patch:
        subprocess.run(
            ["git", "apply", str(variant.patch)],
            cwd=target,
            check=True,
            env={**os.environ, "GIT_DIR": "/nonexistent"},
        )
    else:
        run_with_progress(
            ["./configure", "--disable-gil", "--with-ensurepip=no", *variant.configure],
            target,
            progress,
            log,
        )
    run_with_progress(["make", f"-j{os.cpu_count() or 2}"], target, progress, log)
    if not is_free_threaded(str(executable(variant.name))):
        raise BuildError(
            f"{executable(variant.name)} was built, but does not start as a free-threaded Python; see {log}"
        )


def make_stripped(target: Path, origin: Path) -> None:
    """A release interpreter as a distribution ships it: no DWARF and no .symtab, in python and in its modules."""
    target.mkdir(parents=True)
    build_folder = Path((origin / "pybuilddir.txt").read_text())
    shutil.copy(origin / "pybuilddir.txt", target)
    for entry in ("Lib", "Modules"):
        (target / entry).symlink_to(origin / entry)
    shutil.copytree(
        origin / build_folder,
        target / build_folder,
        symlinks=False,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(origin / "python", target)
    for binary in [target / "python", *(target / build_folder).glob("*.so")]:
        subprocess.run(["strip", "--strip-all", str(binary)], check=True)


def ensure_build_tools() -> None:
    """Install what compiling needs where we may; else say in one line what is missing and how to get it."""
    headers = {"libffi-dev": "ffi.h", "zlib1g-dev": "zlib.h"}
    missing = [tool for tool in ("gcc", "make", "git", "strip") if not shutil.which(tool)]
    if shutil.which("gcc"):
        missing += [
            package
            for package, header in headers.items()
            if subprocess.run(
                ["gcc", "-E", "-"], input=f"#include <{header}>\n", capture_output=True, text=True
            ).returncode
        ]
    if not missing:
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *BUILD_PACKAGES]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise BuildError(
            f"missing to build CPython: {', '.join(missing)}; run as root: {' '.join(install)}"
        )
    sys.stderr.write(f"  installing what building CPython needs ({', '.join(missing)})\n")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "-qq", "update"], check=True, env=environment)
    subprocess.run(install, check=True, env=environment, stdout=subprocess.DEVNULL)


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Find or build the lab's free-threaded interpreters."
    )
    parser.add_argument(
        "variants",
        nargs="*",
        metavar="VARIANT",
        help=f"which ({', '.join(VARIANTS)}); all by default",
    )
    parser.add_argument(
        "--found",
        action="store_true",
        help="list this machine's own free-threaded interpreters instead",
    )
    arguments = parser.parse_args()
    if arguments.found:
        print("\n".join(found()))
        return 0
    unknown = [name for name in arguments.variants if name not in VARIANTS]
    if unknown:
        parser.error(f"no such variant: {', '.join(unknown)}; there are {', '.join(VARIANTS)}")
    try:
        for name in arguments.variants or VARIANTS:
            path = build(name)
            version = subprocess.run([path, "-VV"], capture_output=True, text=True).stdout.strip()
            print(f"{name:<16} {path}  {re.sub(r' *[(].*', '', version)}")
    except (BuildError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"interpreters: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
