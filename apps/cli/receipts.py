"""`probant receipts`: what is there and how it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from apps.output import DOES_NOT_HOLD, complain, console, print_json, print_table

if TYPE_CHECKING:
    from connectors.ports import Row

app = typer.Typer(help="List receipts and show how each one stands.", no_args_is_help=True)

FIELDS = (
    "id", "tenant", "channel", "source_name", "state", "code", "sealed_file", "version_id", "original_sha256",
    "sealed_sha256", "seal_level", "retain_until", "received_at", "sender", "media_type", "route", "pages",
    "development_seal", "compliance_tier", "deviation", "message",
)  # fmt: skip
"""Keys of a line of `receipts list --json`, always all of them, in this order; new ones are only ever added."""


@app.command("list")
def list_receipts(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    state: Annotated[list[str] | None, typer.Option(help="Only in this state; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List receipts: one line each."""
    from receipts.receipt import State

    wanted = [name.upper() for name in state] if state else None
    if unknown := set(wanted or ()) - {each.value for each in State}:
        there_are = ", ".join(each.value for each in State)
        raise typer.BadParameter(f"no state is called {min(unknown)}; there are {there_are}", param_hint="--state")
    found = all_rows(tenant, wanted)
    if as_json:
        for row in found:
            print_json(as_entry(row))
        return
    print_rows("Receipts", found)


@app.command("show")
def show(
    receipt: Annotated[str, typer.Argument(help="A receipt's id, or how it or its SHA-256 begins.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a journal line.")] = False,
) -> None:
    """Show a receipt's journal, its chain checked, and whether the paper may be destroyed."""
    from tasks.acknowledge import why_keep_paper
    from tasks.connections import connections
    from tasks.journal import load

    row = find(receipt)
    history = load(connections().registry, row.stream)
    if as_json:
        for line in history.lines:
            typer.echo(line.canonical().decode())
        return
    rows = [(line.position, f"{line.at:%Y-%m-%d %H:%M:%S}Z", line.event, _facts(line.facts)) for line in history.lines]
    print_table(f"{row.stream}: {row.state}", ("#", "at", "event", "facts"), rows)
    keep = why_keep_paper(history)
    console.print(f"Keep the paper: {keep}." if keep else "You may destroy the paper.")


@app.command("reseal")
def reseal(
    receipt: Annotated[str, typer.Argument(help="A receipt whose seal does not verify.")],
    reason: Annotated[str, typer.Option(help="Why, for the journal.")],
) -> None:
    """Drop a seal that does not verify, so that the next ingest makes it anew. Only before archiving."""
    from receipts.receipt import Event, IllegalEvent
    from tasks.connections import connections
    from tasks.journal import load, record

    row = find(receipt)
    opened = connections()
    history = load(opened.registry, row.stream)
    try:
        record(opened.registry, history, Event.SEAL_REJECTED, {"reason": reason}, at=opened.now(), claim=None)
    except IllegalEvent as fault:
        complain(
            f"{row.stream} is {history.state}: only what is sealed or time-stamped and not verified is sealed again"
        )
        raise typer.Exit(DOES_NOT_HOLD) from fault
    console.print(f"{row.stream} will be sealed again by the next ingest.")


def find(receipt: str) -> Row:
    """The one receipt that `receipt` names."""
    # `tenant/sha` or `sha`, in full or as far as the list shows it.
    begins = receipt if "/" in receipt else f"/{receipt}"
    found = [row for row in all_rows() if (row.stream.startswith(begins) if "/" in receipt else begins in row.stream)]
    if len(found) != 1:
        if found:
            complain(f"{len(found)} receipts begin with {receipt}", "Give more of the id.")
        else:
            complain(f"no receipt is named {receipt}", "See `probant receipts list`.")
        raise typer.Exit(DOES_NOT_HOLD)
    return found[0]


def all_rows(tenant: str | None = None, states: list[str] | None = None) -> Iterator[Row]:
    """All index rows, by id."""
    from connectors.registry.listing import every_row
    from tasks.connections import connections

    return every_row(connections().registry, tenant=tenant, states=states)


def as_entry(row: Row) -> dict[str, object]:
    """A receipt as machines read it; see `FIELDS`."""
    known = dict(row.summary)
    archive, key = known.pop("archive", None), known.pop("archive_key", None)
    known |= {
        "id": row.stream,
        "tenant": row.tenant,
        "state": row.state,
        "original_sha256": row.stream.split("/")[1],
        "received_at": row.received_at.isoformat(),
        "sealed_file": f"{str(archive).rstrip('/')}/{key}" if key else None,
    }
    return {name: known.get(name) for name in FIELDS}


def print_rows(title: str, rows: Iterator[Row]) -> None:
    """Receipts as a table for people."""
    print_table(
        title,
        ("channel", "file", "state", "seal", "locked until", "receipt"),
        (
            (
                row.summary["channel"],
                row.summary["source_name"],
                [row.state, *filter(None, (row.summary["code"] or row.summary["deviation"],))],
                str(row.summary["seal_level"] or "").replace("PAdES-BASELINE-", "B-"),
                (str(row.summary["retain_until"] or ""))[:10],
                f"{row.tenant}/{row.stream.split('/')[1][:12]}",
            )
            for row in rows
        ),
        whole=("channel", "state", "receipt"),
    )


def _facts(facts: Mapping[str, object]) -> list[str]:
    return [f"{name}: {_word(value)}" for name, value in facts.items() if not isinstance(value, Mapping)]


def _word(value: object) -> object:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else value
