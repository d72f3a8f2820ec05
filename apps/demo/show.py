"""What the demo shows at its end: each arrival with its outcome and proof, and what to try next."""

from __future__ import annotations

from collections import Counter

from apps.demo.receipts import FOLDER, MAIL, MOBILE
from apps.output import console, print_table
from apps.services import Services


def show(tenant: str, services: Services) -> bool:
    """Print the table of arrivals and the next commands.

    Returns:
        Whether every receipt ended as it should: one refused, one duplicate, all others archived under lock.
    """
    from receipts.receipt import Event
    from tasks.acknowledge import outcome_of
    from tasks.connections import connections
    from tasks.journal import load

    registry = connections().registry
    rows = []
    outcomes: Counter[str] = Counter()
    for row in registry.rows(tenant=tenant):
        history = load(registry, row.stream)
        for line in history.lines:
            if line.event not in (Event.RECEIVED, Event.RECEIVED_AGAIN):
                continue
            arrival = (str(line.facts["source"]), str(line.facts["key"]))
            final = row.state in ("ARCHIVED", "REFUSED")
            kind = outcome_of(history, *arrival).kind if final else "waiting"
            outcomes[kind] += 1
            why = outcome_of(history, *arrival).message if kind == "refused" else ""
            until = str(row.summary["retain_until"] or "")[:10]
            cells = (
                line.facts["channel"],
                line.facts["name"],
                f"{kind} {why}".strip(),
                row.summary["seal_level"],
                until,
            )
            rows.append(cells)
    rows.sort(key=lambda cells: str(cells[0]))
    print_table("What became of each receipt", ("channel", "file", "outcome", "seal level", "locked until"), rows)
    _next_steps(tenant, services)
    expected = {"refused": 1, "duplicate": 1, "archived": len(FOLDER) + len(MOBILE) + len(MAIL) - 2}
    return dict(outcomes) == expected


def _next_steps(tenant: str, services: Services) -> None:
    from tasks.connections import connections

    archive = connections().archive
    running = services.running()
    if not archive.is_compliance_tier:
        console.print(
            "This archive is a plain directory: it refuses overwriting and early deletion, but is no compliance"
        )
        console.print("tier. The seal is made with a development key, worthless in law. Keep your paper.")
    console.print()
    command = ".venv/bin/probant"
    console.print(f"The sealed files:   {archive.url}/{tenant}/", soft_wrap=True, highlight=False)
    console.print(
        f"Validate a seal:    {command} verify {archive.url}/{tenant}/*/*.pdf", soft_wrap=True, highlight=False
    )
    console.print(f"Audit the locks:    {command} audit", highlight=False)
    console.print(f"A receipt's story:  {command} receipts show ID", highlight=False)
    console.print("Stop everything:    make down")
    console.print()
    prefect = running.get("prefect")
    if prefect:
        console.print(f"This run in the Prefect UI:  {prefect.url}/runs", highlight=False)
    console.print(f"Upload page:                 {running['portal'].url}/", highlight=False)
