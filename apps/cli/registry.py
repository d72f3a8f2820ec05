"""`probant registry`: the journal and its index."""

from __future__ import annotations

import typer

from apps.output import DOES_NOT_HOLD, complain, console, errors

app = typer.Typer(help="Check the journal and rebuild its index.", no_args_is_help=True)


@app.command("rebuild")
def rebuild() -> None:
    """Make the index tables anew from the journal alone. Safe at any time; state is never stored, only derived."""
    from tasks.connections import connections
    from tasks.journal import project

    with errors.status("rebuilding the index from the journal"):
        streams = connections().registry.rebuild(project)
    console.print(f"Index rebuilt: {streams} receipts.")


@app.command("check")
def check() -> None:
    """Check every receipt's hash chain. Exits with 1 if a line was removed, altered, swapped or added."""
    from apps.cli.receipts import all_rows
    from receipts.evidence import ChainBroken
    from tasks.connections import connections
    from tasks.journal import load

    broken = checked = 0
    with errors.status("checking hash chains"):
        for row in all_rows():
            checked += 1
            try:
                load(connections().registry, row.stream)
            except ChainBroken as error:
                broken += 1
                complain(str(error))
    console.print(f"{checked} receipts checked, {broken} chains broken.")
    if broken:
        raise typer.Exit(DOES_NOT_HOLD)
