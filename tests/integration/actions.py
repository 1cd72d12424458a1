"""Runs a composite action of GitHub's as a job does: inputs, steps in their order, conditions,
outputs.

Steps that use another action are not run; what they would have got is in the result.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
CONTEXT = re.compile(r"\b(inputs|steps)\.([\w-]+)(?:\.outputs\.([\w-]+))?")
FUNCTIONS = {
    "always()": "True",
    "success()": "_succeeded",
    "failure()": "(not _succeeded)",
    "&&": " and ",
    "||": " or ",
}
Shell = Callable[[str, Mapping[str, str]], "subprocess.CompletedProcess[str]"]
"""Runs a script with an environment."""


@dataclass
class Done:
    """What became of an action: ``status`` of the first step that failed, else 0."""

    status: int = 0
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    used: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """(action, its inputs) of each step that uses another action."""


def run(folder: Path, given: Mapping[str, str], shell: Shell, temporary: Path) -> Done:
    """Run the action in ``folder`` with the inputs that a workflow gives."""
    action: dict[str, Any] = yaml.load((folder / "action.yml").read_text(), yaml.BaseLoader)
    declared = action["inputs"]
    assert set(given) <= set(declared), set(given) - set(declared)
    missing = [n for n, i in declared.items() if i.get("required") == "true" and n not in given]
    assert not missing, f"a workflow has to give {missing}"
    inputs = {name: given.get(name, each.get("default", "")) for name, each in declared.items()}
    steps: dict[str, dict[str, str]] = {}
    done = Done()

    def evaluate(text: str) -> str:
        return EXPRESSION.sub(lambda match: str(_value(match[1])), text)

    def _value(expression: str) -> Any:
        def context(match: re.Match[str]) -> str:
            if match[1] == "inputs":
                return repr(inputs[match[2]])
            return repr(steps.get(match[2], {}).get(match[3], ""))

        python = CONTEXT.sub(context, expression)
        for word, replacement in FUNCTIONS.items():
            python = python.replace(word, replacement)
        return eval(python, {"_succeeded": done.status == 0})

    for number, step in enumerate(action["runs"]["steps"]):
        condition = step.get("if", "success()")
        wanted = EXPRESSION.fullmatch(condition)
        if not _value(wanted[1] if wanted else condition):
            continue
        if "uses" in step:
            values = {name: evaluate(value) for name, value in step.get("with", {}).items()}
            done.used.append((step["uses"], values))
            continue
        assert step["shell"] == "bash", "a composite action's step has to name its shell"
        output = temporary / f"output-{number}"
        output.touch()
        environment = {name: evaluate(value) for name, value in step.get("env", {}).items()}
        environment |= {
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(folder),
            "GITHUB_OUTPUT": str(output),
            "RUNNER_TEMP": str(temporary),
        }
        assert "${{" not in step["run"], "what a workflow gives belongs in env, not in a script"
        finished = shell(step["run"], environment)
        done.log += finished.stdout + finished.stderr
        lines = output.read_text().splitlines()
        steps[step.get("id", "")] = dict(line.split("=", 1) for line in lines)
        done.status = done.status or finished.returncode
    for name, each in action.get("outputs", {}).items():
        done.outputs[name] = evaluate(each["value"])
    return done
