"""The contract itself: ``gdbext.triage/1`` as JSON.

``schema.json`` beside this file describes it.
"""

from __future__ import annotations

import json
from typing import Any

from gdbext.model import Report
from gdbext.reports.contract import to_json
from gdbext.reports.options import Options
from gdbext.reports.sanitize import CI_COMMAND


def render(report: Report, options: Options) -> str:
    """Strings are as the target has them, but written in ASCII, so that no terminal and no CI log
    obeys them.
    """
    text = json.dumps(to_json(options.prepared(report)), indent=2, ensure_ascii=True)
    return CI_COMMAND.sub(r"#\\u0023\1", text).replace("\x7f", "\\u007f") + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the contract."""
    from pathlib import Path

    return dict(json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8")))
