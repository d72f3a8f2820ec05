"""`probant registry`: the journal and its index."""

from __future__ import annotations

from typing import Annotated

import typer

from apps.output import DOES_NOT_HOLD, complain, console, errors

app = typer.Typer(help="Check the journal and rebuild its index.", no_args_is_help=True)


@app.command("rebuild")
def rebuild(
    accept_loss: Annotated[bool, typer.Option(help="Also if the journal lost lines that the index knows of.")] = False,
) -> None:
    """Make the index tables anew from the journal alone. Safe at any time; state is never stored, only derived.

    Exits with 1 and changes nothing if the journal lost lines that the index still knows of: first restore the journal.
    """
    from tasks.checking import lost_lines
    from tasks.connections import connections
    from tasks.journal import project

    with errors.status("comparing the index with the journal"):
        lost = [] if accept_loss else lost_lines(connections().registry)
    for finding in lost:
        complain(f"{finding.receipt}: {finding.problem}")
    if lost:
        complain("nothing was rebuilt", "Restore the journal from its backup; --accept-loss forgets what is gone.")
        raise typer.Exit(DOES_NOT_HOLD)
    with errors.status("rebuilding the index from the journal"):
        streams = connections().registry.rebuild(project)
    console.print(f"Index rebuilt: {streams} receipts.")


@app.command("check")
def check() -> None:
    """Check every hash chain and index row. Exits with 1 if a line was removed, altered, swapped or added."""
    from tasks.checking import check_registry
    from tasks.connections import connections

    broken = checked = 0
    with errors.status("checking hash chains"):
        for finding in check_registry(connections().registry):
            checked += 1
            if finding.problem:
                broken += 1
                complain(f"{finding.receipt}: {finding.problem}")
    console.print(f"{checked} receipts checked, {broken} broken.")
    if broken:
        raise typer.Exit(DOES_NOT_HOLD)
