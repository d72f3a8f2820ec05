"""Draws docs/settings.md from the settings: `python -m tests.config.page` writes it anew."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from config.settings import FolderSource, ImapSource, MobileSource, Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"

_HEAD = """# All settings

Drawn from config/settings.py and config/sources.py by `python -m tests.config.page`; a test holds this page to them. A
setting is an environment variable, or a line in `probant.env` in the home folder; the environment wins. Lists are JSON.
Names that are no settings are refused. [production.md](production.md) shows a whole set.

"""
_WORDS = {str: "text", int: "number", float: "number", bool: "`true` or `false`", Path: "path", SecretStr: "secret"}


def page() -> str:
    """The text of docs/settings.md."""
    parts = [_table("setting", "PROBANT_", Settings)]
    parts.append("`PROBANT_SOURCES` is a JSON list of objects, each of one of these kinds:")
    for model, kind in ((FolderSource, "folder"), (ImapSource, "imap"), (MobileSource, "mobile")):
        parts.append(f"## A source of kind `{kind}`\n\n{model.__doc__}\n\n{_table('key', '', model)}")
    return _HEAD + "\n\n".join(parts) + "\n"


def _table(title: str, prefix: str, model: type[BaseModel]) -> str:
    rows = [f"| {title} | value | default | |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if name != "kind":
            shown = f"{prefix}{name.upper()}" if prefix else name
            rows.append(f"| `{shown}` | {_kind(field.annotation)} | {_default(field)} | {field.description or ''} |")
    return "\n".join(rows)


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is list:
        return "list"
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{each}`" for each in get_args(annotation))
    if isinstance(annotation, types.UnionType):
        return _kind(next(each for each in get_args(annotation) if each is not types.NoneType))
    return _WORDS[annotation]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if value in (None, "", []):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
