"""`probant preflight`: may this installation seal now?"""

from __future__ import annotations

from typing import Annotated

import typer

from apps.output import DOES_NOT_HOLD, console, print_json, print_table


def preflight(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Look whether key, certificate and time-stamping authorities are fit to seal with, and what they fall short of.

    Takes one time-stamp of each authority; seals nothing. Exits with 1 if something stops sealing.
    """
    from tasks.connections import connections
    from tasks.preflight import preflight as run

    found = run(connections(), thorough=True)
    if as_json:
        print_json(found.to_json())
    else:
        rows = ((finding.name, finding.verdict, finding.evidence) for finding in found.findings)
        print_table("Preflight", ("what", "verdict", "evidence"), rows)
        if found.qualified:
            console.print("A seal made now is qualified.")
        else:
            console.print("May seal; no seal is called qualified." if found.may_seal else "Nothing is sealed.")
    if not found.may_seal:
        raise typer.Exit(DOES_NOT_HOLD)
