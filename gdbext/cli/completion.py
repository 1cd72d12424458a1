"""``gdbext completion bash|zsh|fish``: made from the commands' own parsers, so it cannot fall
behind them.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator

from gdbext.cli import parsers
from gdbext.cli.main import COMMANDS

HELP = """\
examples:
  gdbext completion bash > ~/.local/share/bash-completion/completions/gdbext
  gdbext completion zsh > "${fpath[1]}/_gdbext"
  gdbext completion fish > ~/.config/fish/completions/gdbext.fish"""
SHELLS = ("bash", "zsh", "fish")
FILE_ARGUMENTS = ("FILE", "DIR", "EXE", "CORE", "COMMAND", "PYTHON")

BASH = """\
_gdbext() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    local command=${{COMP_WORDS[1]}}
    local i; for ((i = 2; i < COMP_CWORD; i++)); do
        if [[ $command == run && ${{COMP_WORDS[i]}} == -- ]]; then
            COMPREPLY=($(compgen -c -f -- "$word"))
            return
        fi
    done
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "{commands} --help --version" -- "$word"))
        return
    fi
    case "$command $before" in
{values}
    esac
    if [[ $word == -* ]]; then
        case $command in
{options}
        esac
        return
    fi
    case $command in
{arguments}
    esac
    COMPREPLY=($(compgen -f -- "$word"))
}}
complete -o filenames -F _gdbext gdbext
"""
ZSH = """\
#compdef gdbext
_gdbext() {{
    local context state line
    _arguments -C '1:command:(({commands}))' '*::argument:->rest'
    case $line[1] in
{cases}
    esac
}}
if [ "$funcstack[1]" = _gdbext ]; then _gdbext "$@"; else compdef _gdbext gdbext; fi
"""


def parser() -> argparse.ArgumentParser:
    made = parsers.new("completion", HELP)
    made.add_argument("shell", choices=SHELLS)
    return made


def run(arguments: argparse.Namespace) -> int:
    print({"bash": bash, "zsh": zsh, "fish": fish}[arguments.shell](), end="")
    return 0


def _actions(command: str) -> Iterator[argparse.Action]:
    made: argparse.ArgumentParser = importlib.import_module(f"gdbext.cli.{command}").parser()
    seen: set[tuple[str, ...]] = set()
    for action in _with_subcommands(made):
        if not action.option_strings or tuple(action.option_strings) not in seen:
            seen.add(tuple(action.option_strings))
            yield action


def _with_subcommands(made: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    # argparse has no public way to its own declarations.
    for action in made._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _with_subcommands(inner)


def _choices(action: argparse.Action) -> list[str]:
    return [str(c) for c in action.choices or ()]


def bash() -> str:
    """The completion script for bash."""
    values, options, arguments = [], [], []
    for command in COMMANDS:
        actions = list(_actions(command))
        words = " ".join(option for action in actions for option in action.option_strings)
        options.append(f'{command}) COMPREPLY=($(compgen -W "{words}" -- "$word")) ;;')
        for action in actions:
            reply = None
            if choices := _choices(action):
                reply = f'COMPREPLY=($(compgen -W "{" ".join(choices)}" -- "$word")); return'
            elif action.option_strings and action.nargs != 0:
                reply = (
                    "return"
                    if action.metavar not in FILE_ARGUMENTS
                    else 'COMPREPLY=($(compgen -f -- "$word")); return'
                )
            if reply and action.option_strings:
                patterns = "|".join(f'"{command} {option}"' for option in action.option_strings)
                values.append(f"{patterns}) {reply} ;;")
            elif reply:
                arguments.append(f"{command}) {reply} ;;")
    indent = "\n        "
    return BASH.format(
        commands=" ".join(COMMANDS),
        values=indent[1:] + indent.join(values),
        options="            " + "\n            ".join(options),
        arguments=indent[1:] + indent.join(arguments),
    )


def zsh() -> str:
    """The completion script for zsh."""
    cases = []
    for command in COMMANDS:
        specifications = []
        for action in _actions(command):
            text = _zsh_text(action.help or "")
            value = ""
            if action.nargs != 0:
                what = (
                    f"({' '.join(_choices(action))})"
                    if action.choices
                    else "_files"
                    if action.metavar in FILE_ARGUMENTS
                    else " "
                )
                value = f":{action.metavar or action.dest}:{what}"
            if action.option_strings:
                specifications += [
                    f"'*{option}[{text}]{value}'" for option in action.option_strings
                ]
            else:
                specifications.append(f"'*{value}'")
        cases.append(f"        {command}) _arguments {' '.join(specifications)} ;;")
    commands = " ".join(f'{name}\\:"{_zsh_text(summary)}"' for name, summary in COMMANDS.items())
    return ZSH.format(commands=commands, cases="\n".join(cases))


def _zsh_text(text: str) -> str:
    return (
        text.replace("'", "")
        .replace(":", " -")
        .replace("[", "(")
        .replace("]", ")")
        .replace("%", "")
        .replace('"', "")
        .replace(";", ",")
    )


def fish() -> str:
    """The completion script for fish."""
    lines = ["complete -c gdbext -f"]
    for command, summary in COMMANDS.items():
        lines.append(
            f"complete -c gdbext -n __fish_use_subcommand -a {command} -d {_fish_text(summary)}"
        )
        chosen = f"complete -c gdbext -n '__fish_seen_subcommand_from {command}'"
        for action in _actions(command):
            if not action.option_strings:
                if action.choices:
                    lines.append(f"{chosen} -a '{' '.join(_choices(action))}'")
                elif action.metavar in FILE_ARGUMENTS:
                    lines.append(f"{chosen} -F")
                continue
            names = " ".join(
                f"-l {o[2:]}" if o.startswith("--") else f"-s {o[1:]}"
                for o in action.option_strings
            )
            value = ""
            if action.choices:
                value = f" -x -a '{' '.join(_choices(action))}'"
            elif action.nargs != 0:
                value = " -r -F" if action.metavar in FILE_ARGUMENTS else " -x"
            lines.append(f"{chosen} {names}{value} -d {_fish_text(action.help or '')}")
    return "\n".join(lines) + "\n"


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "").replace("'", "") + "'"
