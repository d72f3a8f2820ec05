"""Draws docs/formats.md from a run over tests/samples: `python -m tests.receipts.formats` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from receipts.errors import Code, Refused
from receipts.pdfa import detect
from receipts.policy import Limits
from receipts.quality import Flag
from tasks.isolation import Bounds, isolation
from tests.conftest import SAMPLES
from tests.receipts.pdfa_cases import facts

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"

_HEAD = """# What becomes of which file

Drawn from a run of the normaliser over tests/samples by `python -m tests.receipts.formats`; a test holds this page to
it. Every file ends archived with its original inside, or refused with a code that tells its sender what to do. What a
file is, its content says, never its name. `probant normalise PATH… --out DIR --report report.jsonl` tells the same, and
more, of any file.

| file | is | becomes | pages | fidelity | flags |
|---|---|---|---|---|---|
"""


def rows() -> Iterator[str]:
    """One line a sample."""
    opened = isolation(Bounds())
    for path in sorted(SAMPLES.glob("*/*")):
        original = path.read_bytes()
        result, _ = opened.measure(original, facts(original), Limits())
        if isinstance(result, Refused):
            cells = [_media_type(original), f"**{result.code}**", "", "", ""]
        else:
            flags = result.quality.get("flags")
            shown = ", ".join(map(str, flags)) if isinstance(flags, list | tuple) else ""
            claim = str(result.fidelity.get("claim", ""))
            cells = [result.media_type, result.route, str(result.pages), claim, shown]
        yield f"| {' | '.join([f'`{path.parent.name}/{path.name}`', *cells])} |"


def page() -> str:
    """The text of docs/formats.md."""
    codes = "\n".join(f"| `{code}` | {Refused(code, '').advice} |" for code in Code)
    flags = ", ".join(f"`{flag}`" for flag in Flag)
    return (
        _HEAD
        + "\n".join(rows())
        + "\n\nFlags are measured (receipts/quality.py), recorded and told to the sender; each blocks «you may\n"
        + f"destroy the paper»: {flags}.\nNothing is ever corrected.\n\n## Codes of a refusal\n\n"
        + f"| code | what its sender is told |\n|---|---|\n{codes}\n"
    )


def _media_type(original: bytes) -> str:
    try:
        return detect(original)
    except Refused:
        return "?"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
