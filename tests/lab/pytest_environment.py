"""The lab's interpreter with the pytest plugins that authors of free-threaded code use."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

import interpreters

PLUGINS = (
    "pytest==9.*",
    "pytest-xdist==3.*",
    "pytest-timeout==2.*",
    "pytest-run-parallel==0.10.*",
    "pytest-freethreaded==0.1.*",
)


def python(build: str = "release") -> Path:
    """The interpreter of a virtual environment that has them, made once and kept beside
    the builds.
    """
    folder = interpreters.cache_dir() / f"pytest-{build}"
    stamp, wanted = folder / "installed", "\n".join(PLUGINS)
    with (interpreters.cache_dir() / f".pytest-{build}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            make = [str(interpreters.build(build)), "-m", "venv", "--clear", str(folder)]
            subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
            install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *PLUGINS]
            subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
            stamp.write_text(wanted)
    return folder / "bin" / "python"
