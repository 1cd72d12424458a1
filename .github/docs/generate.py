"""Pages made of what the code declares: rules, commands, formats, the schema.

A hook of MkDocs.  Nothing made here is kept: the declarations are the only place where it is said.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("", "scripts", "tests")]

from gdbext.cli import explain  # noqa: E402
from gdbext.cli.main import COMMANDS  # noqa: E402
from gdbext.commands import dispatch  # noqa: E402
from gdbext.diagnosis.registry import rules  # noqa: E402
from gdbext.diagnosis.rule import Rule  # noqa: E402
from gdbext.reports.formats import FORMATS  # noqa: E402
from lab.examples import EXAMPLES  # noqa: E402

REPORTS = Path(__file__).parent / "reports"
ROLE = re.compile(r":(?:func|class|meth|mod|data|attr):(?=<code>)")
LINKS = re.compile(r"\]\((?!https?:|#)([^)]+)\)")
PAGES = ".github/docs/pages"
MADE_OF = {
    r"\.github/docs/reports/(FT\d+)\.txt": r"rules/\1.md",
    r"gdbext/diagnosis/rules": "rules/index.md",
    r"gdbext/commands/([a-z]+)_?\.py": r"ft.md#ft-\1",
    r"gdbext/commands": "ft.md",
    r"gdbext/cli/([a-z]+)\.py": r"commands.md#gdbext-\1",
    r"gdbext/cli": "commands.md",
    r"\.github/CONTRIBUTING\.md": "contributing.md",
}
"""What a written page links to, so that the link works in the checkout too, and the page that is
made of it here.
"""
SOURCE = "https://github.com/YOU/gdbext/blob/main/"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The rules' pages are in the navigation as there are rules."""
    config.nav = [
        {"Rules": ["rules/index.md", *(f"rules/{id}.md" for id in rules())]}
        if entry == {"Rules": "RULES"}
        else entry
        for entry in config.nav
    ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every page that is made here."""
    for path, text in pages():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(text: str, page: Page, **_: Any) -> str:
    """Fill in what a written page leaves to the code, and lead its links to what is made here."""
    if (ROOT / PAGES / page.file.src_uri).exists():
        folder = os.path.dirname(page.file.src_uri)
        text = LINKS.sub(lambda match: f"]({site_link(match[1], folder)})", text)
    for mark, made in {"formats": formats, "schema": schema}.items():
        if (comment := f"<!-- {mark} -->") in text:
            text = text.replace(comment, made())
    return text


def on_page_content(html: str, **_: Any) -> str:
    """Docstrings mark names by role, which Markdown does not know."""
    return ROLE.sub("", html)


def site_link(link: str, folder: str) -> str:
    """Where a link of a written page in ``folder`` leads on the site.

    >>> site_link("../../reports/FT101.txt", "start")
    '../rules/FT101.md'
    >>> site_link("../library.md", "start")
    '../library.md'
    """
    path = os.path.normpath(os.path.join(PAGES, folder, link))
    for source, page in MADE_OF.items():
        if match := re.fullmatch(source, path):
            return os.path.relpath(match.expand(page), folder or ".")
    return link if path.startswith(PAGES) else f"{SOURCE}{path}"


def pages() -> Iterator[tuple[str, str]]:
    """(path, Markdown) of each."""
    yield "rules/index.md", rule_index()
    for rule in rules().values():
        yield f"rules/{rule.id}.md", rule_page(rule)
    yield "commands.md", command_line()
    yield "ft.md", ft_commands()
    for path, name in (
        ("contributing.md", "CONTRIBUTING"),
        ("security.md", "SECURITY"),
        ("changes.md", "CHANGELOG"),
    ):
        yield path, linked((ROOT / ".github" / f"{name}.md").read_text())


# --- rules ---------------------------------------------------------------------------------------


def rule_index() -> str:
    lines = [
        "# Rules",
        "",
        "Each finding of a report is of one of these. A crash can have several.",
    ]
    start = ""
    for rule in rules().values():
        if rule.id[:3] != start:
            start = rule.id[:3]
            lines += [
                "",
                f"## {explain.GROUPS.get(start, start)}",
                "",
                "| rule | title |",
                "| --- | --- |",
            ]
        lines.append(f"| [{rule.id}]({rule.id}.md) | {rule.title} |")
    return "\n".join(lines)


def rule_page(rule: Rule) -> str:
    """Title, what it means, what to do, and a real report."""
    parts = [f"# {rule.id} {rule.title}", rule.explanation, "## What to do", rule.advice]
    kept = REPORTS / f"{rule.id}.txt"
    if kept.exists():
        script = EXAMPLES[rule.id].script
        source = (ROOT / "tests" / script).read_text()
        parts += [
            "## A real report",
            f"Of [`{script}`]({SOURCE}tests/{script}), which gdbext's tests run again and compare.",
            f"```text\n{kept.read_text()}```",
            '??? note "The script"\n\n' + indented(f"```python\n{source}```"),
        ]
    return "\n\n".join(parts)


def indented(text: str) -> str:
    return textwrap.indent(text, "    ", lambda line: True)


# --- commands ------------------------------------------------------------------------------------


def command_line() -> str:
    rows = "\n".join(f"| [`gdbext {n}`](#gdbext-{n}) | {what} |" for n, what in COMMANDS.items())
    parts = [
        "# Command line",
        "Every command has `--help`; this page is made of it.",
        f"| command | what it does |\n| --- | --- |\n{rows}",
    ]
    for name, summary in COMMANDS.items():
        parser: argparse.ArgumentParser = importlib.import_module(f"gdbext.cli.{name}").parser()
        parts += [f"## gdbext {name}", f"{summary[0].upper()}{summary[1:]}."]
        parts.append(f"```text\n{parser.format_help()}```")
        parts += [f"```text\n{inner.format_help()}```" for inner in subcommands(parser)]
    return "\n\n".join(parts)


def subcommands(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    # argparse has no public way to its own declarations.
    kinds = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return [inner for action in kinds for inner in action.choices.values()]


def ft_commands() -> str:
    parts = [
        "# ft commands",
        "The same in gdb and in LLDB. An ADDRESS is any expression that the debugger knows: a C "
        "variable, a register, a number.",
        "| command | what it shows |\n| --- | --- |\n"
        + "\n".join(
            f"| [`ft {n}`](#ft-{n}) | {dispatch.command(n).summary} |" for n in dispatch.NAMES
        ),
    ]
    for name in dispatch.NAMES:
        command = dispatch.command(name)
        parts += [f"## ft {name}", f"`{command.usage}`", command.description]
        if command.options:
            rows = "\n".join(f"| `{o.name}` | {o.help} |" for o in command.options)
            parts.append(f"| option | what it does |\n| --- | --- |\n{rows}")
        if command.examples:
            parts.append("```text\n" + "\n".join(command.examples) + "\n```")
    return "\n\n".join(parts)


# --- formats -------------------------------------------------------------------------------------


def formats() -> str:
    rows = "\n".join(
        f"| `{name}` | {', '.join(f'`{ending}`' for ending in known.endings)} |"
        for name, known in FORMATS.items()
    )
    return f"| format | endings |\n| --- | --- |\n{rows}"


def schema() -> str:
    """Its definitions as tables."""
    whole = json.loads((ROOT / "gdbext" / "reports" / "schema.json").read_text())
    parts = [fields("report", whole)]
    for name, part in whole.get("$defs", {}).items():
        if "properties" in part:
            parts += [f"### {name}", fields(name, part)]
    return "\n\n".join(parts)


def fields(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = [
        f"| `{key}` | {kind(part)} | {'always' if key in required else 'may be left out'} |"
        for key, part in schema["properties"].items()
    ]
    return f"| {name} | is | there |\n| --- | --- | --- |\n" + "\n".join(rows)


def kind(schema: dict[str, Any]) -> str:
    """A type of the schema in a few words.

    >>> kind({"type": "array", "items": {"$ref": "#/$defs/finding"}})
    'list of finding'
    """
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join("null" if v is None else f"`{v}`" for v in schema["enum"])
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(map(kind, choices))
    named = schema.get("type", "anything")
    if named == "array":
        return f"list of {kind(schema.get('items', {}))}"
    return " or ".join(named) if isinstance(named, list) else str(named)


def linked(text: str) -> str:
    """Links to files lead to the repository."""
    return LINKS.sub(rf"]({SOURCE}.github/\1)", text)
