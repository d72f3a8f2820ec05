"""What the demo shows at its end: each arrival with its outcome and proof, and what to try next."""

from __future__ import annotations

from collections import Counter
from typing import Final

from apps.demo.receipts import FOLDER, MAIL, MOBILE
from apps.output import console, print_table
from apps.services import Services

EXPECTED: Final = {"refused": 1, "duplicate": 1, "archived": len(FOLDER) + len(MOBILE) + len(MAIL) - 2}


def show(tenant: str, services: Services, run: str | None) -> bool:
    """Print the table of arrivals and the next commands.

    Args:
        tenant: The demo's tenant.
        services: What runs.
        run: Id of the flow run that led the receipts to their outcome.

    Returns:
        Whether every receipt ended as it should: one refused, one duplicate, all others archived under lock.
    """
    from tasks.acknowledge import outcome_of
    from tasks.connections import connections
    from tasks.journal import arrivals, load

    registry = connections().registry
    rows, refusals = [], []
    outcomes: Counter[str] = Counter()
    for row in registry.rows(tenant=tenant):
        history = load(registry, row.stream)
        for arrival in arrivals(history):
            line = next(x for x in history.lines if (x.facts.get("source"), x.facts.get("key")) == arrival)
            final = row.state in ("ARCHIVED", "REFUSED")
            kind = outcome_of(history, *arrival).kind if final else "waiting"
            outcomes[kind] += 1
            if kind == "refused":
                refusals.append(f"{line.facts['name']}: {outcome_of(history, *arrival).message}")
            level = str(row.summary["seal_level"] or "").replace("PAdES-BASELINE-", "B-")
            until = str(row.summary["retain_until"] or "")[:10]
            rows.append((line.facts["channel"], line.facts["name"], kind, level, until))
    rows.sort(key=lambda cells: str(cells[0]))
    print_table("What became of each receipt", ("channel", "file", "outcome", "seal level", "locked until"), rows)
    for refusal in refusals:
        console.print(f"Refused: {refusal}", highlight=False, markup=False, soft_wrap=True)
    _next_steps(tenant, services, run)
    return dict(outcomes) == EXPECTED


def _next_steps(tenant: str, services: Services, run: str | None) -> None:
    from tasks.connections import connections

    archive = connections().archive
    running = services.running()
    if not archive.is_compliance_tier:
        _say("This archive is a plain directory: it refuses overwriting and early deletion, but is no compliance tier.")
        _say("The seals are made with a development key, worthless in law. Keep your paper.")
    probant = ".venv/bin/probant"
    _say()
    _say(f"The sealed files:            {archive.url}/{tenant}/")
    _say(f"Validate their seals:        {probant} verify {archive.url}/{tenant}")
    _say(f"Audit the locks:             {probant} audit")
    _say(f"All receipts:                {probant} receipts list")
    _say("Stop everything:             make down")
    _say()
    if "prefect" in running:
        page = f"runs/flow-run/{run}" if run else "runs"
        _say(f"This run in the Prefect UI:  {running['prefect'].url}/{page}")
    _say(f"Upload page:                 {running['portal'].url}/")
    _say("What you send there is archived once `make up` has started the worker, within a minute or two.")


def _say(text: str = "") -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
