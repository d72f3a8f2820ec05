"""`probant normalise`: what would become of files, without custody, seal or archive."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.output import DOES_NOT_HOLD, FAULT, complain, console, escape, print_json, print_table, progress, refusal

if TYPE_CHECKING:
    from apps.normalising import Entry

SHOWN_MOST = 200


def normalise(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders; they are left as they are.", exists=True)],
    out: Annotated[Path, typer.Option("--out", help="Folder for the PDF/A-3 files; made if need be.", file_okay=False)],
    report: Annotated[
        Path | None, typer.Option("--report", help="Where to write one JSON line a file.", dir_okay=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the same lines.")] = False,
) -> None:
    """Normalise files to PDF/A-3, without sealing: for trying out what Probant makes of them.

    Each file is read in a process of its own, as in ingest. Exits with 1 if a file was refused, with 3 if one could not
    be worked on because of a technical fault.
    """
    from apps.normalising import files_in, normalise_all
    from tasks.connections import connections

    files = _without(report, list(dict.fromkeys(files_in(paths, leaving_out=out))))
    if not files:
        complain("no files found")
        raise typer.Exit(FAULT)
    out.mkdir(parents=True, exist_ok=True)
    entries: list[Entry] = []
    with progress() as bar, report.open("w", 1, encoding="utf-8") if report else nullcontext() as lines:
        for entry in bar.track(normalise_all(connections(), files, out), total=len(files), description="normalising"):
            entries.append(entry)
            if lines is not None:
                lines.write(json.dumps(entry, ensure_ascii=False) + "\n")
            if as_json:
                print_json(entry)
    outcomes = [entry["outcome"] for entry in entries]
    if not as_json:
        _print(entries)
        console.print(
            f"{outcomes.count('NORMALISED')} of {len(outcomes)} normalised, {outcomes.count('REFUSED')} refused."
        )
    if "FAULT" in outcomes:
        complain(f"{outcomes.count('FAULT')} files met a technical fault", "Try again.")
        raise typer.Exit(FAULT)
    if "REFUSED" in outcomes:
        raise typer.Exit(DOES_NOT_HOLD)


def _without(report: Path | None, files: list[Path]) -> list[Path]:
    """The files but the report of an earlier run, which is written anew; nothing else is ever overwritten."""
    same = [file for file in files if report and file.resolve() == report.resolve()]
    if same and same[0].suffix != ".jsonl":
        raise typer.BadParameter(f"{report} is one of the files to normalise", param_hint="--report")
    return [file for file in files if file not in same]


def _print(entries: list[Entry]) -> None:
    print_table(
        "Normalised",
        ("file", "outcome", "how, or why not", "pages", "flags", "CPU ms"),
        (
            (
                entry["path"],
                entry["outcome"],
                entry["route"] or entry["code"] or entry["detail"],
                entry["pages"],
                ", ".join((entry["quality"] or {}).get("flags", ())),
                entry["cpu_ms"],
            )
            for entry in entries[:SHOWN_MOST]
        ),
    )
    for entry in entries[:SHOWN_MOST]:
        if entry["outcome"] == "REFUSED":
            said = refusal(entry["path"], entry["code"], entry["detail"], entry["advice"])
            console.print(escape(said), highlight=False, soft_wrap=True)
    if len(entries) > SHOWN_MOST:
        console.print(f"... and {len(entries) - SHOWN_MOST} more; --report lists all of them.")
