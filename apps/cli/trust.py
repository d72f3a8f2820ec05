"""`probant trust`: whom this installation trusts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.output import DOES_NOT_HOLD, complain, console, escape, print_json, print_table

if TYPE_CHECKING:
    from config.settings import Settings
    from receipts.trust import Snapshot

app = typer.Typer(help="The trust anchors and trusted lists that seals are validated against.", no_args_is_help=True)


@app.command("root")
def root() -> None:
    """Print the trust anchors of this installation as PEM: give them to any PAdES validator."""
    from config.settings import settings
    from tasks.trust import anchors_pem

    typer.echo(anchors_pem(settings()), nl=False)


@app.command("update")
def update() -> None:
    """Fetch the European list of the lists and all national lists, keep them as a snapshot and use it from now on.

    Exits with 1 if the list of the lists could not be had, or a national list is left out or stood in for by the one
    of before. Whatever happens, the snapshots that are there stay as they are.
    """
    from tasks.trustlists import update as fetch

    _renew(fetch)


@app.command("import")
def bring(
    folder: Annotated[
        Path, typer.Argument(help="Folder with the lists as *.xml, such as a snapshot.", exists=True, file_okay=False)
    ],
) -> None:
    """Take the lists from a folder, for an installation without access to the web. Exits as `update` does."""
    from tasks.trustlists import bring as take

    _renew(lambda settings, at: take(settings, folder, at))


def _renew(step: Callable[[Settings, datetime], tuple[Snapshot, bool]]) -> None:
    from config.settings import settings
    from receipts.trust import Altered, BadList
    from tasks.connections import now

    try:
        snapshot, is_new = step(settings(), now())
    except BadList as bad:
        complain(f"no new snapshot: {bad}", "The one in use stays in use, as long as its lists are in force.")
        raise typer.Exit(DOES_NOT_HOLD) from bad
    except Altered as altered:
        complain(f"the snapshot in use is damaged: {altered}", "docs/trust.md says what to do.")
        raise typer.Exit(DOES_NOT_HOLD) from altered
    _tell(snapshot, is_new)


@app.command("list")
def list_snapshots(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the snapshots of this installation, oldest first, and which one is in use."""
    from config.settings import settings
    from tasks import trustlists

    kept = trustlists.folder(settings())
    in_use = settings().trusted_list_snapshot or kept.current()
    uses = {entry["name"]: entry for entry in kept.log()}
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "in_use": name == in_use,
            "taken_at": uses.get(name, {}).get("at"),
            "origin": uses.get(name, {}).get("origin"),
            "problems": uses.get(name, {}).get("problems", []),
        }
        for name in kept.names()
    ]
    if as_json:
        for row in rows:
            print_json(row)
        return
    table = [(r["name"], "in use" if r["in_use"] else "", r["taken_at"], len(r["problems"]) or "") for r in rows]
    print_table("Trusted list snapshots", ("name", "", "last taken", "problems"), table)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A snapshot; default: the one in use.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The manifest as JSON.")] = False,
) -> None:
    """Show what a snapshot holds, after authenticating all of it again. Exits with 1 if it is not what it was."""
    from config.settings import settings
    from receipts.trust import Altered
    from tasks import trustlists

    try:
        snapshot = trustlists.opened(settings(), name)
        if snapshot is None:
            complain("there is no trusted list snapshot", "See `probant trust update`.")
            raise typer.Exit(DOES_NOT_HOLD)
        trustlists.authenticate_again(snapshot)
    except (trustlists.NoSnapshot, Altered) as error:
        complain(str(error))
        raise typer.Exit(DOES_NOT_HOLD) from error
    if as_json:
        print_json({"name": snapshot.name, "sha256": snapshot.sha256, **snapshot.manifest})
        return
    _print(snapshot)


@app.command("diff")
def diff(
    before: Annotated[str, typer.Argument(help="The earlier snapshot.")],
    after: Annotated[str, typer.Argument(help="The later one; default: the one in use.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show what differs between two snapshots: lists, and services added, gone or changed.

    That is why a seal can be qualified by one and not by the other.
    """
    from config.settings import settings
    from receipts.trust import Altered
    from tasks import trustlists

    try:
        changes = trustlists.compare(settings(), before, after)
    except (trustlists.NoSnapshot, Altered) as error:
        complain(str(error))
        raise typer.Exit(DOES_NOT_HOLD) from error
    if as_json:
        for change in changes:
            print_json(asdict(change))
    elif changes:
        rows = [(c.territory, c.subject, c.before, c.after) for c in changes]
        print_table("What differs", ("list", "what", "before", "after"), rows)
    else:
        console.print("Nothing differs.")


def _tell(snapshot: Snapshot, is_new: bool) -> None:
    taken = "A new snapshot is in use" if is_new else "Nothing changed; in use is"
    console.print(f"{taken}: {snapshot.name} with {len(snapshot.manifest['lists'])} lists.", highlight=False)
    for problem in snapshot.problems:
        instead = "the one of before stands in" if problem.kept else "its services are not trusted"
        complain(f"{problem.territory}: {escape(problem.why)}; {instead}")
    if snapshot.problems:
        raise typer.Exit(DOES_NOT_HOLD)


def _print(snapshot: Snapshot) -> None:
    entries = [snapshot.manifest["lotl"], *snapshot.manifest["lists"]]
    fields = ("territory", "sequence_number", "version", "issued_at", "next_update", "sha256")
    print_table(
        snapshot.name,
        ("list", "number", "v", "issued", "next update", "SHA-256"),
        [[e[f] for f in fields] for e in entries],
    )
    for each in snapshot.manifest["missing"]:
        console.print(f"{each['territory']} is not in it: {each['fault']}", highlight=False)
    console.print(f"All signatures hold. SHA-256 of the manifest: {snapshot.sha256}", highlight=False)
