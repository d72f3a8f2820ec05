"""The `probant` command."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from apps.cli import audit, ingest, normalise, original, preflight, receipts, registry, seal, service, trust, verify
from apps.output import FAULT, WRONG_USAGE, complain

HELP = """Turns expense receipts into archives that hold up in front of a tax inspector or a judge.

Receipts come in from a folder, a mailbox and the portal's uploads; each becomes a sealed PDF/A-3 file that proves
itself, under a retention lock of at least ten years.

Start with `probant demo`, or with `probant up` for real use.

Exit codes: 0 everything holds or was done; 1 something does not hold or was refused; 2 wrong usage; 3 a technical
fault, try again.
"""

app = typer.Typer(
    name="probant", help=HELP, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)
app.add_typer(receipts.app, name="receipts")
app.add_typer(registry.app, name="registry")
app.add_typer(trust.app, name="trust")
app.command("ingest")(ingest.ingest)
app.command("normalise")(normalise.normalise)
app.command("seal")(seal.seal)
app.command("verify")(verify.verify)
app.command("original")(original.original)
app.command("audit")(audit.audit)
app.command("preflight")(preflight.preflight)
app.command("demo")(service.demo)
app.command("up")(service.up)
app.command("down")(service.down)
app.command("status")(service.status)


@app.callback(invoke_without_command=True)
def installation(
    home: Annotated[
        Path | None,
        typer.Option("--home", help="The installation's folder; else $PROBANT_HOME, else ./var.", file_okay=False),
    ] = None,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    """Choose the installation that a command works on."""
    if show_version:
        typer.echo(f"Probant {version('probant')}")
        raise typer.Exit
    if home:
        os.environ["PROBANT_HOME"] = str(home.resolve())


def main() -> None:
    """Run the command; what stops it is told in one line, with the whole trace on request."""
    try:
        app()
    except Exception as error:
        if os.environ.get("PROBANT_TRACE"):
            raise
        raise SystemExit(_told(error)) from error


def _told(error: Exception) -> int:
    """Say what stopped the command; the exit code."""
    from config.settings import WrongSetting  # takes long to import

    if isinstance(error, WrongSetting):
        complain(str(error), "Mend it in the environment or in probant.env; docs/settings.md lists all of them.")
        return WRONG_USAGE
    complain(f"{type(error).__name__}: {error}", "Set PROBANT_TRACE=1 to see where.")
    return FAULT
