"""`probant original`: the received bytes, out of a sealed file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.cli.files import content_of, named, new_file
from apps.output import DOES_NOT_HOLD, FAULT, complain, console, escape

if TYPE_CHECKING:
    from receipts.pades import Report


def original(
    file: Annotated[str, typer.Argument(help="A sealed file, or a receipt's id.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to; must not exist.", callback=new_file)],
) -> None:
    """Take the received bytes out of a sealed file, byte for byte.

    Exits with 1 if the file does not hold them, or was altered after it was sealed. Whose the seal is and what it is
    worth, `probant verify` says.
    """
    from receipts.pades import validate
    from receipts.pdfa import original_of

    [(name, read)] = named([file])
    content = content_of(name, read)
    if content is None:
        raise typer.Exit(FAULT)
    report = validate(content, [], at=datetime.now(UTC))
    try:
        received = original_of(report.sealed_part(content))
    except ValueError as error:
        complain(str(error))
        raise typer.Exit(DOES_NOT_HOLD) from error
    if altered := _altered(report):
        complain(f"what {name} holds is not what was sealed: {altered}", "See `probant verify`.")
        raise typer.Exit(DOES_NOT_HOLD)
    with output.open("xb") as target:
        target.write(received)
    console.print(f"{len(received)} bytes written to {escape(str(output))}", highlight=False)


def _altered(report: Report) -> str:
    """What was done to a sealed file, as far as it shows without anybody's trust; empty for one that has no seal."""
    from receipts.pades.report import FAILURES, SubIndication

    damaged = report.sub_indication in FAILURES - {SubIndication.NO_SIGNATURE}
    return report.why if damaged else ""
