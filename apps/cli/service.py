"""`probant up`, `down`, `status` and `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from apps.output import DOES_NOT_HOLD, console, print_json, print_table


def up() -> None:
    """Start Probant for real use: Prefect server, worker and portal (and the development PKI if no signer is set).

    May be repeated: what runs already is left alone. `probant down` stops it.
    """
    from apps.starting import start_all

    start_all()
    status()


def down() -> None:
    """Stop what `up` or `demo` started. Nothing is lost: the next start goes on where this one stopped."""
    from apps.services import Services
    from config.settings import settings

    services = Services(settings())
    with services.alone():
        stopped = services.stop()
    console.print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


def status(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a service.")] = False) -> None:
    """Show what runs and how many receipts stand in each state. Exits with 1 if nothing runs."""
    from apps.services import Services
    from config.settings import settings
    from tasks.connections import connections

    running = Services(settings()).running()
    if as_json:
        for service in running.values():
            print_json({"service": service.name, "pid": service.pid, "url": service.url})
    else:
        rows = ((service.name, service.pid, service.url) for service in running.values())
        print_table("Services", ("service", "process", "address"), rows)
        counts = ", ".join(f"{number} {state}" for state, number in sorted(connections().registry.count().items()))
        console.print(f"Receipts: {counts or 'none yet'}.")
        if settings().is_development:
            console.print("[yellow]Development seal: worthless in law.[/] Set PROBANT_SIGNER for a qualified one.")
    if not running:
        raise typer.Exit(DOES_NOT_HOLD)


def demo(
    samples: Annotated[
        Path | None, typer.Option(help="Folder with sample receipts.", exists=True, file_okay=False)
    ] = None,
) -> None:
    """Take real receipts through all three channels into a locked archive, and show how each one is proved."""
    from apps.demo import run

    raise typer.Exit(run(samples or Path(__file__).resolve().parents[2] / "tests" / "samples"))
