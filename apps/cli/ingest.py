"""`probant ingest`: take files and folders through the real flow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from apps.cli.receipts import as_entry, print_rows
from apps.output import DOES_NOT_HOLD, FAULT, complain, errors, print_json


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders; they are left as they are.", exists=True)],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a receipt, as in `receipts list`.")] = False,
) -> None:
    """Take files and folders into custody and lead them to their outcome: archived or refused.

    Runs the same flows as the worker does. Exits with 1 if a receipt was refused, with 3 if one still waits because
    of a technical fault: it is safe, and the next ingest goes on with it.
    """
    from apps.running import flow_environment, ingest_paths

    with errors.status("starting"), flow_environment():
        receipts = ingest_paths([path.resolve() for path in paths])
    from tasks.connections import connections

    rows = [row for receipt in receipts if (row := connections().registry.row(receipt))]
    if as_json:
        for row in rows:
            print_json(as_entry(row))
    else:
        print_rows("Ingested", iter(rows))
    waiting = [row for row in rows if row.state not in ("ARCHIVED", "REFUSED", "DISPOSED")]
    if waiting:
        complain(f"{len(waiting)} receipts wait because of a technical fault", "Nothing is lost: run ingest again.")
        raise typer.Exit(FAULT)
    if any(row.state == "REFUSED" for row in rows):
        raise typer.Exit(DOES_NOT_HOLD)
