"""Find free-threaded interpreters, and build the lab's own from source.

The lab needs CPython in five builds (``VARIANTS``) and in the shapes in which users have it
(``SHAPES``).  They are compiled from Debian's source package of ``python3.13``, fetched through the
mirror that this machine's apt is set up with, as any user, and cached per user::

    $ python scripts/interpreters.py           # build what is missing of VARIANTS, print a table
    $ python scripts/interpreters.py release   # one of them only, or a shape
    $ python scripts/interpreters.py --shapes  # the shapes: the tests that need one build it, too
    $ python scripts/interpreters.py --found   # the free-threaded interpreters of this machine

The Python is ``.venv/bin/python``; besides gdbext only the standard library is used.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

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
CLANG_PACKAGES = ["clang-19", "lld-19", "llvm-19"]
PATCH = Path(__file__).with_name("gh-132713.patch")


class Symbols(Enum):
    """What a copy of a build keeps of its symbols and debug information."""

    LINKED = "debuglink"
    """All of it in files apart, ``.debug/NAME.debug``, which ``.gnu_debuglink`` names."""
    MINIMAL = "minidebug"
    """Functions' names in ``.gnu_debugdata``, as Fedora ships every binary; no DWARF."""
    NONE = "stripped"
    """``.dynsym`` alone."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One build.

    ``base`` names the variant whose tree it starts from, so that only changed files compile;
    with ``keeps`` it is a copy of that one's binaries that keeps those symbols.  ``tools`` are
    words for ``configure``'s environment, ``needs`` commands that must be there.
    """

    name: str
    configure: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    needs: tuple[str, ...] = ("gcc",)
    base: str | None = None
    patch: Path | None = None
    keeps: Symbols | None = None


def _by_name(*variants: Variant) -> dict[str, Variant]:
    return {variant.name: variant for variant in variants}


VARIANTS = _by_name(
    Variant(name="release"),
    Variant(name="debug", configure=("--with-pydebug",)),
    Variant(name="release-unfixed", base="release", patch=PATCH),
    Variant(name="debug-unfixed", base="debug", patch=PATCH),
    Variant(name="stripped", base="release", keeps=Symbols.NONE),
)
"""What most tests need."""

SHAPES = _by_name(
    # As Fedora, setup-python and others build it: a shared libpython, gcc's LTO.
    Variant(
        name="shared-lto",
        patch=PATCH,
        configure=("--enable-shared", "--with-lto=full", "--disable-test-modules"),
        tools=("LDFLAGS=-Wl,--build-id -Wl,-rpath,'$$ORIGIN'",),
    ),
    *(
        Variant(name=f"shared-lto-{symbols.value}", base="shared-lto", keeps=symbols)
        for symbols in Symbols
    ),
    # As uv's and conda-forge's: one executable, clang's thin LTO.
    Variant(
        name="clang-lto",
        patch=PATCH,
        configure=("--with-lto=thin", "--disable-test-modules"),
        tools=(
            "CC=clang-19",
            "CXX=clang++-19",
            "LLVM_AR=/usr/bin/llvm-ar-19",
            "LDFLAGS=-fuse-ld=lld-19",
        ),
        needs=("clang-19", "ld.lld-19", "llvm-ar-19"),
    ),
    Variant(name="clang-lto-stripped", base="clang-lto", keeps=Symbols.NONE),
    Variant(name="static-stripped", base="release-unfixed", keeps=Symbols.NONE),
)
"""The shapes in which users have it, without gh-132713's fixes; the first test that needs one
builds it.
"""

ALL = VARIANTS | SHAPES


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


# --- fetching the source -------------------------------------------------------------------------


def fetch_source(folder: Path) -> Path:
    """Download and unpack the upstream tarball of Debian's source package; return the
    source tree.
    """
    unpacked = folder / "source"
    if (unpacked / "configure").exists():
        return unpacked
    if not shutil.which("apt-get"):
        raise BuildError(
            "no apt-get here to fetch CPython's source with; set GDBEXT_PYTHON to a free-threaded "
            f"python, or unpack a CPython 3.13.5 source tree at {unpacked}"
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
    """Run ``apt-get COMMAND`` in ``folder`` as any user, with a state of its own; return what went
    wrong.

    ``kind`` is ``deb`` or ``deb-src``; only ``suite`` is known to that apt.  The mirrors that this
    machine's apt is set up with are tried in turn.
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
            if line.startswith((b"gcc ", b"cc ", b"x86_64", b"clang")):
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
    variant = ALL[name]
    with locked(cache_dir() / f".{name}.lock"):
        if (tree(name) / ".complete").exists():
            return executable(name)
        ensure_build_tools(variant)
        if variant.base:
            build(variant.base)
        shutil.rmtree(tree(name), ignore_errors=True)
        progress = Progress(name)
        if variant.keeps and variant.base:
            copy_binaries(tree(variant.base), tree(name), variant.keeps)
        else:
            compile_variant(variant, progress)
        (tree(name) / ".complete").touch()
        progress.done("ready")
    return executable(name)


def compile_variant(variant: Variant, progress: Progress) -> None:
    """Configure and make in a tree of the variant's own, so that DWARF's source paths
    stay valid.
    """
    target = tree(variant.name)
    progress.last = time.monotonic() - 9 if not progress.tty else 0.0
    progress.show(0, "source")
    origin = tree(variant.base) if variant.base else fetch_source(cache_dir() / "cpython")
    shutil.copytree(
        origin, target, symlinks=True, ignore=shutil.ignore_patterns(".complete", "Doc")
    )
    log = target / "build.log"
    make = ["make", f"-j{os.cpu_count() or 2}"]
    if variant.patch:
        subprocess.run(
            ["git", "apply", str(variant.patch)],
            cwd=target,
            check=True,
            env={**os.environ, "GIT_DIR": "/nonexistent"},
        )
    if variant.base is None:
        configure = ["./configure", "--disable-gil", "--with-ensurepip=no"]
        run_with_progress([*configure, *variant.configure, *variant.tools], target, progress, log)
    if variant.name in SHAPES:
        make += shape_goals(build("release"))
    # Several at once would each take longer.
    with locked(cache_dir() / ".make.lock"):
        run_with_progress(make, target, progress, log)
    if not is_free_threaded(str(executable(variant.name))):
        raise BuildError(
            f"{executable(variant.name)} was built, but does not start as a free-threaded Python; "
            f"see {log}"
        )


def shape_goals(release: Path) -> list[str]:
    """Words for ``make``: no second and third link of the whole interpreter, each with LTO.

    The frozen modules come from the release interpreter, which is of the same version, instead
    of ``_bootstrap_python`` and ``_freeze_module``; ``_testembed`` is left out.
    """
    freeze = f"{release} Programs/_freeze_module.py"
    return [
        f"FREEZE_MODULE_BOOTSTRAP={freeze}",
        "FREEZE_MODULE_BOOTSTRAP_DEPS=",
        f"FREEZE_MODULE={freeze}",
        "FREEZE_MODULE_DEPS=",
        "python",
        "platform",
        "sharedmods",
    ]


def copy_binaries(origin: Path, target: Path, keeps: Symbols) -> None:
    """Python, libpython and the extension modules as a distribution ships them."""
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
    for library in origin.glob("libpython*.so*"):
        shutil.copy(library, target, follow_symlinks=False)
    shutil.copy(origin / "python", target)
    libraries = [path for path in target.glob("libpython*.so*") if not path.is_symlink()]
    for binary in [target / "python", *libraries, *(target / build_folder).glob("*.so")]:
        strip_binary(binary, keeps)


def strip_binary(binary: Path, keeps: Symbols) -> None:
    """Take out of a binary what ``keeps`` does not name."""
    apart = binary.parent / ".debug" / f"{binary.name}.debug"
    apart.parent.mkdir(exist_ok=True)
    if keeps is Symbols.LINKED:
        run_quietly("objcopy", "--only-keep-debug", binary, apart)
    elif keeps is Symbols.MINIMAL:
        # What is left without DWARF, and without what .dynsym says anyway.
        run_quietly("objcopy", "--only-keep-debug", binary, apart)
        run_quietly("strip", "--strip-debug", "--remove-section=.comment", apart)
    run_quietly("strip", "--strip-all", binary)
    if keeps is Symbols.LINKED:
        run_quietly("objcopy", f"--add-gnu-debuglink={apart}", binary)
    elif keeps is Symbols.MINIMAL:
        packed = apart.with_suffix(".xz")
        packed.write_bytes(lzma.compress(apart.read_bytes()))
        run_quietly("objcopy", f"--add-section=.gnu_debugdata={packed}", binary)
        packed.unlink()
        apart.unlink()


def run_quietly(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)


def ensure_build_tools(variant: Variant) -> None:
    """Install what compiling needs where we may; else say in one line what is missing and how to
    get it.
    """
    headers = {"libffi-dev": "ffi.h", "zlib1g-dev": "zlib.h"}
    tools = ("gcc", *variant.needs, "make", "git", "strip", "objcopy")
    missing = [tool for tool in tools if not shutil.which(tool)]
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
    packages = [*BUILD_PACKAGES, *(CLANG_PACKAGES if "clang-19" in variant.needs else ())]
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
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
        help=f"which ({', '.join(ALL)}); {', '.join(VARIANTS)} by default",
    )
    parser.add_argument("--shapes", action="store_true", help=f"build {', '.join(SHAPES)}")
    parser.add_argument(
        "--found",
        action="store_true",
        help="list this machine's own free-threaded interpreters instead",
    )
    arguments = parser.parse_args()
    if arguments.found:
        print("\n".join(found()))
        return 0
    unknown = [name for name in arguments.variants if name not in ALL]
    if unknown:
        parser.error(f"no such variant: {', '.join(unknown)}; there are {', '.join(ALL)}")
    try:
        for name in arguments.variants or (SHAPES if arguments.shapes else VARIANTS):
            path = build(name)
            version = subprocess.run([path, "-VV"], capture_output=True, text=True).stdout.strip()
            print(f"{name:<16} {path}  {re.sub(r' *[(].*', '', version)}")
    except (BuildError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"interpreters: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
