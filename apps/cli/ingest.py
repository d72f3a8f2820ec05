"""`probant ingest`: take files and folders through the real flow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.cli.receipts import as_entry, print_rows
from apps.output import DOES_NOT_HOLD, FAULT, complain, console, errors, escape, print_json, refusal

if TYPE_CHECKING:
    from apps.running import Ingested
    from connectors.ports import Row


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders; they are left as they are.", exists=True)],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a receipt, as in `receipts list`.")] = False,
) -> None:
    """Take files and folders into custody and lead them to their outcome: archived or refused.

    Runs the same flows as the worker does. Exits with 1 if a receipt was refused, with 3 if a file could not be taken
    or a receipt still waits, for revocation information or because of a technical fault: nothing is lost, and a later
    ingest goes on with it.
    """
    for path in paths:
        if not path.is_dir() and not path.is_file():
            raise typer.BadParameter(f"{escape(str(path))} is neither a file nor a folder")
    from apps.running import flow_environment, ingest_paths

    with errors.status("starting"), flow_environment():
        ingested = ingest_paths([path.resolve() for path in paths])
    from tasks.connections import connections

    rows = [row for receipt in ingested.receipts if (row := connections().registry.row(receipt))]
    if as_json:
        for row in rows:
            print_json(as_entry(row))
    else:
        print_rows("Ingested", iter(rows))
        _tell_refusals(rows)
    waiting = [row for row in rows if row.state not in ("ARCHIVED", "REFUSED", "DISPOSED")]
    _tell(waiting, ingested)
    if waiting or ingested.not_taken:
        raise typer.Exit(FAULT)
    if any(row.state == "REFUSED" for row in rows):
        raise typer.Exit(DOES_NOT_HOLD)


def _tell_refusals(rows: list[Row]) -> None:
    """Say of each refused receipt what is wrong with it and what to do."""
    from receipts.errors import ADVICE, Code

    for row in rows:
        if row.state == "REFUSED":
            known = row.summary
            said = refusal(known["source_name"], known["code"], known["detail"], ADVICE[Code(str(known["code"]))])
            console.print(escape(said), highlight=False, soft_wrap=True)


def _tell(waiting: list[Row], ingested: Ingested) -> None:
    """Say what has no outcome yet, and that it is not lost."""
    for name in ingested.not_taken:
        complain(f"not taken into custody: {name}")
    stamped = [row for row in waiting if row.state == "TIME_STAMPED"]
    if stamped:
        why = "have their time-stamp and wait for revocation information that is younger"
        complain(f"{len(stamped)} receipts {why}", "Nothing is lost: a later ingest goes on with them.")
    if len(waiting) > len(stamped):
        faulty = len(waiting) - len(stamped)
        complain(f"{faulty} receipts wait because of a technical fault", "Nothing is lost: run ingest again.")
    if ingested.not_taken:
        complain(f"{len(ingested.not_taken)} could not be taken: {ingested.why}", "They are as they were.")
