"""CONTRIBUTING and the packages' READMEs name what there is, and links of the documentation lead
to it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[3]
PACKAGES = sorted(path.parent for path in (ROOT / "gdbext").glob("*/__init__.py"))
CONTRIBUTING = ROOT / ".github" / "CONTRIBUTING.md"
GUIDES = [
    CONTRIBUTING,
    ROOT / "tests" / "README.md",
    *(package / "README.md" for package in PACKAGES),
]
PAGES = [ROOT / "README.md", *sorted((ROOT / ".github" / "docs" / "pages").rglob("*.md"))]
PATH = re.compile(r"[\w.-]+(?:/[\w.*{},-]*)+|\w+\.(?:py|json|md|c)")
PLACEHOLDERS = re.compile(r"NNN|NAME|BASE|gdbext\.triage/|…|,")


def named(guide: Path) -> list[str]:
    """Every path in backticks, braces expanded."""
    inline = [
        child.content
        for token in MarkdownIt("commonmark").enable("table").parse(guide.read_text())
        for child in token.children or ()
        if child.type == "code_inline"
    ]
    words = [word for code in inline if " " not in code for word in expanded(code)]
    return [word for word in words if PATH.fullmatch(word) and not PLACEHOLDERS.search(word)]


def expanded(word: str) -> list[str]:
    """As a shell expands braces.

    >>> expanded("a/{b,c}/")
    ['a/b/', 'a/c/']
    """
    match = re.search(r"\{([^}]*)\}", word)
    if match is None:
        return [word]
    return [word[: match.start()] + each + word[match.end() :] for each in match[1].split(",")]


def is_there(guide: Path, path: str) -> bool:
    """From the checkout, the guide's folder, the package or the tests; a bare file's
    name anywhere.
    """
    if "/" not in path:
        return any(
            next(folder.rglob(path), None)
            for folder in (ROOT / "gdbext", ROOT / "tests", guide.parent)
        )
    homes: tuple[Path, ...] = (ROOT, guide.parent, ROOT / "gdbext", ROOT / "tests")
    if guide == CONTRIBUTING:
        homes = (*homes, ROOT / "gdbext" / "cpython", ROOT / "gdbext" / "diagnosis")
    return any(next(home.glob(path.rstrip("/")), None) for home in homes)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: str(guide.relative_to(ROOT)))
def test_what_a_guide_names_exists(guide: Path) -> None:
    paths = named(guide)
    assert paths, "a guide that names no file"
    assert [path for path in paths if not is_there(guide, path)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_to_what_is_in_the_checkout(page: Path) -> None:
    """The pages are read there too; the site has its own for some of it (docs/generate.py)."""
    links = [
        str(child.attrGet("href" if child.type == "link_open" else "src"))
        for token in MarkdownIt("commonmark").enable("table").parse(page.read_text())
        for child in token.children or ()
        if child.type in ("link_open", "image")
    ]
    paths = [link.partition("#")[0] for link in links if "://" not in link]
    assert [path for path in paths if not (page.parent / path).exists()] == []


def test_every_package_has_a_readme_that_names_its_parts() -> None:
    for package in PACKAGES:
        text = (package / "README.md").read_text()
        parts = {path.parent.name for path in package.glob("*/__init__.py")}
        assert all(f"{part}/" in text or "*/" in text for part in parts), package
