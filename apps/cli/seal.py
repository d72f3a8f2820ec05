"""`probant seal`: seals PDFs from outside the archive."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.output import DOES_NOT_HOLD, FAULT, STYLES, complain, console, escape, print_json, refusal

if TYPE_CHECKING:
    from apps.normalising import Entry


class Level(StrEnum):
    """PAdES baseline levels that a seal may be made at (EN 319 142-1)."""

    LT = "B-LT"
    LTA = "B-LTA"


Paths = Annotated[
    list[Path],
    typer.Argument(help="PDF files, or folders with such files; they are left as they are.", exists=True),
]
Out = Annotated[Path, typer.Option("--out", help="Folder for the sealed files; made if need be.", file_okay=False)]
AtLevel = Annotated[
    Level | None,
    typer.Option("--level", help="PAdES level; else PROBANT_SEAL_LEVEL, else B-LT.", case_sensitive=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON line a file.")]


def seal(paths: Paths, out: Out, level: AtLevel = None, as_json: AsJson = False) -> None:
    """Seal PDFs of your own with the installation's key, as updates of themselves.

    PDF/A stays PDF/A and the signatures of others stay what they are; nothing is archived. A preflight comes first, and
    each result is validated before it is called sealed. A file that was sealed into DIR before isn't sealed again.

    Exits with 1 if a file was refused, with 3 if one could not be sealed because of a technical fault or nothing could,
    because the preflight stopped it. What JSON says is in docs/machines.md.
    """
    from apps.sealing import seal_all
    from tasks.connections import connections
    from tasks.preflight import NotReady

    files = _files(paths, out)
    out.mkdir(parents=True, exist_ok=True)
    opened, outcomes = connections(), []
    try:
        for entry in seal_all(opened, files, out, level or opened.settings.seal_level):
            outcomes.append(entry["outcome"])
            if as_json:
                print_json(entry)
            else:
                console.print(escape(_line(entry)), style=STYLES.get(entry["outcome"]), soft_wrap=True, highlight=False)
    except NotReady as stopped:
        complain(f"nothing was sealed: {stopped}", "See `probant preflight`.")
        raise typer.Exit(FAULT) from stopped
    if not as_json:
        console.print(f"{outcomes.count('SEALED')} of {len(files)} sealed, {outcomes.count('REFUSED')} refused.")
    if "FAULT" in outcomes:
        complain(f"{outcomes.count('FAULT')} files met a technical fault", "Try again.")
        raise typer.Exit(FAULT)
    if "REFUSED" in outcomes:
        raise typer.Exit(DOES_NOT_HOLD)


def _files(paths: list[Path], out: Path) -> list[Path]:
    """Files named themselves, and the PDFs in folders, each once."""
    from apps.normalising import files_in

    found = dict.fromkeys(files_in(paths, leaving_out=out))
    files = [file for file in found if file in paths or file.suffix.lower() == ".pdf"]
    if not files:
        complain("no PDF files found")
        raise typer.Exit(FAULT)
    return files


def _line(entry: Entry) -> str:
    start = f"{entry['outcome']} {entry['path']}"
    if entry["outcome"] == "REFUSED":
        return refusal(start, entry["code"], entry["detail"], entry["advice"])
    if entry["outcome"] == "FAULT":
        return f"{start}: {entry['detail']}"
    said = [entry["level"], entry["qualification"] or "not proved qualified"]
    if entry["development"]:
        said.append("development key, worthless in law")
    if entry["others"]:
        said.append(f"beside {len(entry['others'])} earlier signatures")
    if entry["broken"]:
        said.append(f"which were broken before in {', '.join(entry['broken'])}")
    if entry["already"]:
        said.append("sealed before")
    return f"{start} -> {entry['output']}: {', '.join(said)}"
