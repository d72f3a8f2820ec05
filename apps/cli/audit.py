"""`probant audit`: does the archive still hold what the journal says?"""

from __future__ import annotations

from typing import Annotated

import typer

from apps.output import DOES_NOT_HOLD, console, print_json, print_table, progress


def audit(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    seals: Annotated[bool, typer.Option("--seals", help="Also read every file back and validate its seal.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a finding.")] = False,
) -> None:
    """Compare the journal with the locks, sizes and digests that the archive reports; changes nothing in the archive.

    Exits with 1 if anything deviates; each deviation is also written into the receipt's journal.
    """
    from tasks.audit import Finding, archived_rows, reverify
    from tasks.audit import audit as run
    from tasks.connections import connections

    opened = connections()
    findings: list[Finding] = []
    with progress() as bar:
        step = bar.add_task("comparing locks and digests", total=None)
        for finding in run(opened, tenant=tenant):
            findings.append(finding)
            bar.advance(step)
        if seals:
            rows = list(archived_rows(opened, tenant))
            step = bar.add_task("validating seals", total=len(rows))
            for finding in reverify(opened, rows):
                findings.append(finding)
                bar.advance(step)
    wrong = [finding for finding in findings if finding.deviation]
    if as_json:
        for finding in findings:
            print_json({"receipt": finding.receipt, "holds": not finding.deviation, "deviation": finding.deviation})
    else:
        if wrong:
            print_table("Deviations", ("receipt", "deviation"), ((f.receipt, f.deviation) for f in wrong))
        archive = opened.archive
        tier = "COMPLIANCE locks" if archive.is_compliance_tier else "a plain directory, not a compliance tier"
        console.print(f"{len(findings) - len(wrong)} hold, {len(wrong)} deviate, in {archive.url} ({tier}).")
    if wrong:
        raise typer.Exit(DOES_NOT_HOLD)
