"""`probant trust`: whom this installation trusts."""

from __future__ import annotations

import typer

app = typer.Typer(help="The trust anchors that seals are validated against.", no_args_is_help=True)


@app.command("root")
def root() -> None:
    """Print the trust anchors of this installation as PEM: give them to any PAdES validator."""
    from config.settings import settings
    from tasks.trust import anchors_pem

    typer.echo(anchors_pem(settings()), nl=False)
