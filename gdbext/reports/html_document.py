"""A page that stands alone.

Nothing is loaded from elsewhere; its content security policy allows exactly its own style and
script.
"""

from __future__ import annotations

import base64
import hashlib

from gdbext.reports.markup import Html, el
from gdbext.reports.sanitize import inert


def document(title: str, body: Html, style: str, script: str, generator: str) -> str:
    """The whole page.  ``style`` and ``script`` are ours; whatever comes from a target is in
    ``body``, escaped.
    """
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=Html(policy)),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="generator", content=generator),
        el("title", title),
        el("style", Html(style)),
    )
    whole = el("html", head, el("body", body, el("script", Html(script))), lang="en")
    return inert(f"<!DOCTYPE html>\n{whole}\n")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
