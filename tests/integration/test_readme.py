"""README and site do not lie: their commands are run and print what is shown, the recipes work, the
tables are the product's own.

Where a command wants what is not here, something small stands in for it: ``python3.13t`` and its
like are the lab's interpreter with this environment's pytest; ``pip``, ``apt-get`` and ``git
clone`` check what they are asked for, and fetch nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import interpreters
from gdbext.backends.gdb import launcher as gdb_launcher
from gdbext.backends.lldb import launcher as lldb_launcher
from gdbext.backends.programs import Program
from gdbext.cli.main import COMMANDS
from gdbext.commands import dispatch
from gdbext.diagnosis.registry import rules
from gdbext.engine import launch
from gdbext.model import Confidence, Verdict
from gdbext.reports.formats import FORMATS
from gdbext.reports.json_report import schema
from integration import actions, readme
from integration.commandline import ROOT, environment
from integration.dask_cluster import Cluster
from lab import CrashRun, Lab, hang, triage_json

PURE = ("pytest", "_pytest", "py.py", "pluggy", "iniconfig", "packaging", "pygments")
# What pip leaves of a package's metadata; gdbext's tells pytest of the plugin.
METADATA = ("pytest", "pluggy", "gdbext")
DIES = "import ctypes\ndef test_fine(): pass\ndef test_dies(): ctypes.string_at(1)\n"
LIVES = "def test_fine(): pass\n"
SERVER = 'import threading\nprint("READY", flush=True)\nthreading.Event().wait()\n'
PIP = """
case "$1" in install) shift;; *) echo "pip: $1?" >&2; exit 1;; esac
for word; do
    case "$word" in
        --no-deps | --quiet | pytest) continue;;
        .* | /* ) folder=${word%%[*}; extras=${word#"$folder"};;
        * ) echo "pip: $word?" >&2; exit 1;;
    esac
    [ "$folder" = . ] && folder=ROOT
    [ -e "$folder/pyproject.toml" ] || { echo "pip: $folder is no project" >&2; exit 1; }
    for extra in $(echo "$extras" | tr '[],' '   '); do
        grep -q "^$extra = \\[" "$folder/pyproject.toml" ||
            { echo "pip: no extra $extra" >&2; exit 1; }
    done
done
"""
VENV = """
[ "$1 $2" = "-m venv" ] || { echo "python3: $*?" >&2; exit 1; }
mkdir -p "$3/bin" && ln -s "$(command -v gdbext)" "$(command -v pip)" "$3/bin/"
"""
PYTHON = """
if [ "$1 $2" = "-m pip" ]; then shift 2; exec pip "$@"; fi
export PYTHONPATH=SITE PYTHONDONTWRITEBYTECODE=1
exec INTERPRETER "$@"
"""
GIT = """
[ "$1" = clone ] || exit 1
for folder; do :; done
ln -s ROOT "$folder"
"""


@pytest.fixture(scope="module")
def crash(lab: Lab) -> CrashRun:
    return lab.crash("debug-unfixed", "list_union_freed")


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the README's commands call by name."""
    folder = tmp_path_factory.mktemp("readme")
    site, made = folder / "site", folder / "bin"
    site.mkdir()
    made.mkdir()
    libraries = Path(pytest.__file__).parents[1]
    for path in [libraries / name for name in PURE] + [
        p for name in METADATA for p in libraries.glob(f"{name}-*.dist-info")
    ]:
        (site / path.name).symlink_to(path)
    (site / "gdbext").symlink_to(ROOT / "gdbext")
    python = PYTHON.replace("SITE", str(site)).replace(
        "INTERPRETER", str(interpreters.build("release"))
    )
    scripts = {
        **dict.fromkeys(("python", "python3.13t", "python3.14t"), python),
        "gdbext": f'exec {sys.executable} -m gdbext "$@"',
        "pip": PIP.replace("ROOT", str(ROOT)),
        "system-python": VENV,
        "sudo": 'exec "$@"',
        "apt-get": '[ "$1 $2" = "install -y" ]',
        "git": GIT.replace("ROOT", str(ROOT)),
    }
    for name, script in scripts.items():
        (made / name).write_text(f"#!/bin/bash\n{script}\n")
        (made / name).chmod(0o755)
    return made


@pytest.fixture
def workshop(tools: Path, crash: CrashRun, tmp_path: Path) -> Path:
    """A new folder with a core, a folder of cores, and a test suite that dies."""
    (tmp_path / "core").symlink_to(crash.core)
    (tmp_path / "cores").mkdir()
    os.link(crash.core, tmp_path / "cores" / "core.1")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_suite.py").write_text(DIES)
    (tmp_path / "home" / ".cache" / "gdbext").mkdir(parents=True)
    (tmp_path / "home" / ".cache" / "gdbext" / "interpreters").symlink_to(
        interpreters.executable("debug").parents[1]
    )
    return tmp_path


def shell(
    command: str,
    folder: Path,
    tools: Path,
    stderr: int = subprocess.PIPE,
    variables: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    path = f"{tools}:{os.environ['PATH']}"
    env = environment(
        PATH=path, HOME=str(folder / "home"), PYTHONPATH=str(ROOT), **(variables or {})
    )
    command = command.replace("/usr/bin/python3 ", "system-python ")
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        timeout=120,
    )


def by_line(language: str) -> pytest.MarkDecorator:
    found = readme.blocks(language)
    assert found, f"no page has a {language} block"
    return pytest.mark.parametrize(
        "block", [pytest.param(block, id=f"{block.file}-{block.line}") for block in found]
    )


def compare(block: readme.Block, command: str, expected: str, actual: str) -> None:
    lost = readme.missing(expected, actual)
    assert lost is None, (
        f"{block.file}:{block.line}: `{command}` does not print\n  {lost}\nbut\n{actual[-6000:]}"
    )


# --- blocks --------------------------------------------------------------------------------------


def test_every_block_is_of_a_kind_that_is_run_here() -> None:
    kinds = {"console", "gdb", "gdb-live", "gdb-mi", "lldb", "python", "yaml", "cron"}
    # test_editors.py has the conversations that these lead to.
    editors = {"json", "lua"}
    assert {block.language for block in readme.BLOCKS} == kinds | editors
    assert {b.file for b in readme.BLOCKS if b.language in editors} == {"editors.md"}


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("server")
    script = folder / "server.py"
    script.write_text(SERVER)
    with hang(interpreters.build("release"), script, folder=folder / "run") as process:
        yield process.pid
        assert process.poll() is None


@pytest.fixture
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    cluster = Cluster(tmp_path_factory.mktemp("dask"))
    try:
        cluster.start()
        yield cluster.address
    finally:
        cluster.close()


@by_line("console")
def test_console(
    block: readme.Block, workshop: Path, tools: Path, request: pytest.FixtureRequest
) -> None:
    variables = {
        name: str(request.getfixturevalue(fixture))
        for name, fixture in (("PID", "server"), ("SCHEDULER", "scheduler"))
        if f"${name}" in block.text
    }
    for command, expected in block.steps("$ "):
        # A person sees both: reports of `gdbext run` go to stderr.
        done = shell(command, workshop, tools, subprocess.STDOUT, variables)
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        compare(block, command, expected, done.stdout)
        made = re.findall(r"(?:-o|--html|--markdown) (\S+)|> (\S+)", command)
        assert all((workshop / (one or other)).stat().st_size > 0 for one, other in made)


def gdb(commands: list[str], target: list[str], folder: Path) -> list[str]:
    """What each command prints."""
    debugger = launch.find("gdb")
    words = [word for setting in gdb_launcher.SETTINGS for word in ("-iex", setting)]
    for command in commands:
        words += ["-ex", "echo @@@\\n", "-ex", command]
    return run_debugger(
        [*debugger.command, "-nx", "-batch", *words, *target], debugger, folder
    ).split("@@@\n")[1:]


def lldb(commands: list[str], target: list[str], folder: Path) -> list[str]:
    debugger = launch.find("lldb")
    words = [word for setting in lldb_launcher.SETTINGS for word in ("-O", setting)]
    for command in commands:
        words += ["-o", command]
    text = run_debugger(
        [*debugger.command, "--no-lldbinit", "--batch", *words, *target], debugger, folder
    )
    # LLDB repeats each command in front of what it prints.
    said = []
    for command in commands:
        _, found, text = text.partition(f"(lldb) {command}\n")
        assert found, f"{command} was not run: {text[-2000:]}"
        said.append(text.partition("\n(lldb) ")[0])
    return said


def run_debugger(command: list[str], debugger: Program, folder: Path, text: str = "") -> str:
    env = {**environment(), **debugger.environment}
    done = subprocess.run(
        command,
        cwd=folder,
        env=env,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    return done.stdout


def here(command: str) -> str:
    return command.replace("…/", f"{ROOT}/")


def check_session(block: readme.Block, steps: list[tuple[str, str]], said: list[str]) -> None:
    assert len(said) == len(steps)
    for (command, expected), actual in zip(steps, said):
        compare(block, command, expected, actual)
        for mishap in ("Traceback", "ft: `", "Undefined command", "No symbol", "error:"):
            assert mishap not in actual, f"{command}\n{actual}"


@by_line("gdb")
def test_gdb(block: readme.Block, crash: CrashRun, workshop: Path) -> None:
    steps = block.steps("(gdb) ")
    said = gdb([here(command) for command, _ in steps], [str(crash.executable), "core"], workshop)
    check_session(block, steps, said)
    assert (workshop / "crash.html").stat().st_size > 10_000


@by_line("gdb-live")
def test_gdb_live(block: readme.Block, workshop: Path) -> None:
    (workshop / "script.py").write_text("import ctypes\nctypes.string_at(1)\n")
    steps = block.steps("(gdb) ")
    target = ["--args", str(interpreters.build("release")), "script.py"]
    check_session(block, steps, gdb([here(command) for command, _ in steps], target, workshop))


@by_line("gdb-mi")
def test_gdb_machine_interface(block: readme.Block, crash: CrashRun, workshop: Path) -> None:
    command, expected = block.text.split("\n", 1)
    debugger = launch.find("gdb")
    words = [word for setting in gdb_launcher.SETTINGS for word in ("-iex", setting)]
    words += [
        "--interpreter=mi3",
        "-nx",
        "-q",
        "-ix",
        str(ROOT / "gdbext" / "gdbinit.py"),
        str(crash.executable),
        "core",
    ]
    said = run_debugger([*debugger.command, *words], debugger, workshop, f"{command}\n-gdb-exit\n")
    (answer,) = [
        line for line in said.splitlines() if line.startswith("^done") and "schema=" in line
    ]
    compare(block, command, expected, answer)


@by_line("lldb")
def test_lldb(block: readme.Block, crash: CrashRun, workshop: Path) -> None:
    steps = block.steps("(lldb) ")
    said = lldb(
        [here(command) for command, _ in steps], ["-c", "core", str(crash.executable)], workshop
    )
    check_session(block, steps, said)


@by_line("python")
def test_python(block: readme.Block, workshop: Path, tools: Path) -> None:
    (workshop / "script.py").write_text(block.text)
    done = shell(f"{sys.executable} script.py", workshop, tools)
    assert done.returncode == 0, done.stderr
    expected = [
        line.removeprefix("# ") for line in block.text.splitlines() if line.startswith("# ")
    ]
    assert expected
    assert done.stdout.splitlines() == expected


@by_line("cron")
def test_cron(block: readme.Block, workshop: Path, tools: Path) -> None:
    for line in block.text.splitlines():
        fields, command = line.split(None, 5)[:5], line.split(None, 5)[5]
        assert all(re.fullmatch(r"[\d*,/-]+", field) for field in fields)
        assert "%" not in command  # cron makes a line break of it
        cores = workshop / "cores"
        done = shell(command.replace("/var/crash", str(cores)), workshop, tools)
        assert done.returncode == 0, done.stderr
        assert len((cores / "reports.jsonl").read_text().splitlines()) == 1
        assert "gh-132713" in (cores / "overview.md").read_text()
        assert (cores / "overview.html").stat().st_size > 1000


# --- recipes -------------------------------------------------------------------------------------


def recipe(name: str) -> dict[str, Any]:
    """The YAML block whose first line is a comment with that file's name."""
    texts = {b.text for b in readme.blocks("yaml") if b.text.startswith(f"# {name}")}
    assert len(texts) == 1, f"the recipes for {name} differ"
    found: dict[str, Any] = yaml.load(texts.pop(), yaml.BaseLoader)
    return found


def follow(
    commands: list[str], folder: Path, tools: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the commands as a CI service does, up to the last, whose end is the job's."""
    for command in commands[:-1]:
        done = shell(command, folder, tools, variables=variables)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert "gdbext run" in commands[-1]
    return shell(commands[-1], folder, tools, variables=variables)


def test_all_recipes_are_followed() -> None:
    assert {block.text.split("\n")[0] for block in readme.blocks("yaml")} == {
        "# .github/workflows/free-threaded.yml",
        "# .gitlab-ci.yml",
        "# .pre-commit-config.yaml",
    }


@pytest.mark.parametrize("suite", [DIES, LIVES], ids=["dies", "lives"])
def test_github_actions(suite: str, workshop: Path, tools: Path, tmp_path: Path) -> None:
    workflow = recipe(".github/workflows/free-threaded.yml")
    (job,) = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read", "security-events": "write"}
    own = [step for step in job["steps"] if "/gdbext/" in step.get("uses", "")]
    (workshop / "tests" / "test_suite.py").write_text(suite)
    summary, runner = workshop / "summary.md", tmp_path / "runner"
    runner.mkdir()

    def run(script: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return shell(f"set -e\n{script}", workshop, tools, variables=variables)

    for step in job["steps"]:
        if step in own:
            continue
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])
        else:
            assert run(step["run"], {}).returncode == 0
    (step,) = own
    match = re.fullmatch(r"YOU/gdbext/(\S+)@v\d+\.\d+\.\d+", step["uses"])
    assert match, step["uses"]
    done = actions.run(
        ROOT / match[1],
        {**step["with"], "tool-python": "system-python"},
        lambda script, variables: run(script, {**variables, "GITHUB_STEP_SUMMARY": str(summary)}),
        runner,
    )
    if suite == LIVES:
        assert done.status == 0, done.log
        assert done.outputs == {"crashed": "false", "exit-status": "0", "reports": "crash-reports"}
        assert done.used == []
        assert not (workshop / "crash-reports").exists()
        return
    assert done.status == 139, done.log
    assert done.outputs["crashed"] == "true"
    assert done.outputs["exit-status"] == "139"
    uploads = dict(done.used)
    assert list(uploads) == ["actions/upload-artifact@v4", "github/codeql-action/upload-sarif@v3"]
    assert uploads["actions/upload-artifact@v4"]["path"] == "crash-reports"
    (sarif,) = uploads["github/codeql-action/upload-sarif@v3"].values()
    assert list((workshop / sarif).glob("*.sarif"))
    assert "FT404" in summary.read_text()
    assert "test_suite.py::test_dies" in summary.read_text()
    assert re.search(r"^::error ", done.log, re.MULTILINE)


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"command": "exit 7", "plugin": "false"}, (7, "false")),
        (
            {"command": "python tests/test_suite.py\npython -c 'import os; os.abort()'\n:"},
            (134, "true"),
        ),
        (
            {
                "command": "python -c 'import time; time.sleep(60)'",
                "timeout": "3",
                "redact": "true",
            },
            (143, "true"),
        ),
    ],
    ids=["fails", "second-line-aborts", "hangs"],
)
def test_the_action_fails_as_its_command_does(
    inputs: dict[str, str], expected: tuple[int, str], workshop: Path, tools: Path, tmp_path: Path
) -> None:
    (workshop / "tests" / "test_suite.py").write_text("")
    runner = tmp_path / "runner"
    runner.mkdir()
    done = actions.run(
        ROOT / ".github" / "actions" / "run",
        {**inputs, "tool-python": "system-python", "artifact": "", "on-crash": "out here"},
        lambda script, variables: shell(f"set -e\n{script}", workshop, tools, variables=variables),
        runner,
    )
    assert (done.status, done.outputs["crashed"]) == expected, done.log
    assert done.used == []
    assert (workshop / "out here").exists() == (expected[1] == "true")


def test_gitlab_ci(workshop: Path, tools: Path) -> None:
    (included,) = recipe(".gitlab-ci.yml")["include"]
    template = (ROOT / included["file"].lstrip("/")).read_text()
    header, body = yaml.load_all(template, yaml.BaseLoader)
    declared = header["spec"]["inputs"]
    assert set(included["inputs"]) <= set(declared)
    values = {name: each.get("default") for name, each in declared.items()} | included["inputs"]
    assert None not in values.values(), "an input without a default has to be given"
    filled = re.sub(
        r"\$\[\[ inputs\.(\w+) \]\]", lambda match: values[match[1]], template.split("\n---\n")[1]
    )
    (job,) = yaml.load(filled, yaml.BaseLoader).values()
    assert set(body) == {"$[[ inputs.job ]]"}
    done = follow(
        [*job["before_script"], *job["script"]],
        workshop,
        tools,
        GITLAB_CI="true",
        CI="true",
        CI_SERVER_URL="https://gitlab.example",
        **job["variables"],
    )
    assert done.returncode == 139, done.stderr
    assert all((workshop / path).is_dir() for path in job["artifacts"]["paths"])
    assert list(workshop.glob(job["artifacts"]["reports"]["junit"]))


def test_pre_push(workshop: Path, tools: Path) -> None:
    (hook,) = recipe(".pre-commit-config.yaml")["repos"][0]["hooks"]
    assert (hook["stages"], hook["language"]) == (["pre-push"], "system")
    (workshop / ".git").mkdir()
    done = shell(hook["entry"], workshop, tools)
    assert done.returncode == 139, done.stderr
    assert "FT404 native fault" in done.stderr
    assert list((workshop / ".git" / "gdbext").glob("*.html"))


# --- tables --------------------------------------------------------------------------------------


def test_the_words() -> None:
    found = [row[0].strip("`") for row in readme.tables("word", "meaning")]
    assert found == [*Confidence, *Verdict]


def test_the_reports_entries() -> None:
    found = [
        name.strip(" `")
        for row in readme.tables("entry", "what it holds")
        for name in row[0].split(",")
    ]
    assert sorted(found) == sorted(schema()["properties"])
    assert found[: len(schema()["required"])] == schema()["required"]


def test_the_exit_statuses(workshop: Path, tools: Path) -> None:
    found = [row[0] for row in readme.tables("status", "meaning")]
    helps = shell("gdbext triage --help; gdbext attach --help", workshop, tools).stdout
    told = re.findall(r"^  (\d)  ", helps, re.MULTILINE)
    assert found + found == told
    for command, status in (
        ("triage core", 0),
        ("triage", 2),
        ("triage nothing", 3),
        ("attach 999999999", 3),
    ):
        assert shell(f"gdbext {command}", workshop, tools).returncode == status


def test_the_packages() -> None:
    found = {row[0].strip("`") for row in readme.tables("package", "what it does", "to change")}
    folders = {f"{path.parent.name}/" for path in (ROOT / "gdbext").glob("*/__init__.py")}
    assert found == folders


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["demo", "test", "accuracy", "bench"])
def test_scripts_are_there(name: str) -> None:
    path = ROOT / "scripts" / name
    assert any(f"`scripts/{name}`" in text for text in readme.TEXTS.values())
    assert os.access(path, os.X_OK)
    assert subprocess.run(["bash", "-n", path]).returncode == 0


def test_what_is_named_exists(workshop: Path, tools: Path) -> None:
    code = readme.inline_code()
    for path in (word for word in code if re.match(r"(?:scripts|tests|gdbext|triage|\.ci)/", word)):
        assert (ROOT / path).exists() or (ROOT / "gdbext" / path).exists(), path
    for word in code:
        if (command := re.match(r"gdbext (\w+)", word)) is not None:
            assert command[1] in COMMANDS, word
        if (rule := re.search(r"\bFT\d{3}\b", word)) is not None:
            assert rule[0] in rules(), word
    helps = "".join(
        shell(f"gdbext {command} --help", workshop, tools).stdout for command in COMMANDS
    )
    helps += "".join(dispatch.command(name).usage for name in dispatch.NAMES)
    helps += (ROOT / "gdbext" / "pytest_plugin.py").read_text()
    helps += "--no-deps --args --sparse"  # pip's, gdb's, cp's
    for option in (
        found for word in code for found in re.findall(r"(?<![\w-])--[a-z][a-z-]+", word)
    ):
        assert option in helps, option


def test_links_lead_somewhere() -> None:
    """Those of the README; the site's own are checked when it is built."""
    links = [
        str(child.attrs["href"])
        for token in readme.TOKENS[readme.ROOT / "README.md"]
        for child in token.children or ()
        if child.type == "link_open"
    ]
    assert links
    for link in links:
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_links_into_the_repository_lead_somewhere() -> None:
    into = re.compile(r"github\.com/YOU/gdbext/blob/main/([^)\s]+)")
    links = [link for text in readme.TEXTS.values() for link in into.findall(text)]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_redacted_reports_have_no_source_in_them(workshop: Path, tools: Path) -> None:
    files = [f"redacted{known.ending}" for known in FORMATS.values()]
    done = shell(
        f"gdbext triage core --redact {' '.join(f'-o {file}' for file in files)}", workshop, tools
    )
    assert done.returncode == 0, done.stderr
    for file in files:
        text = (workshop / file).read_text()
        assert "FT101" in text
        assert not re.search(r"\blst\b", text), file


def test_the_debuggers_differ_in_what_is_listed_only(crash: CrashRun) -> None:
    one, other = (triage_json(crash.core, name) for name in ("gdb", "lldb"))
    for report in (one, other):
        del report["tool"]
        for thread in report["threads"]:
            for frame in thread["native"]:
                # "folders of the C library's source files"
                frame["file"] = frame["file"] and os.path.basename(frame["file"])
    assert one == other


def test_the_licence() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert text.startswith("MIT License\n")
    assert "gdbext developers" in text
    assert textwrap.dedent(text) == text
