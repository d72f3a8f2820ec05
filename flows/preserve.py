"""Preserve: audit of the locks, re-verification of seals, preflight of the sealing key, trusted lists, every day."""

from __future__ import annotations

import random
from collections.abc import Sequence

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.reports import rename_run
from receipts.preflight import Verdict
from receipts.trust import Altered, BadList
from tasks import trustlists
from tasks.audit import Finding, archived_rows
from tasks.audit import audit as run_audit
from tasks.audit import reverify as run_reverify
from tasks.connections import connections
from tasks.preflight import Preflight
from tasks.preflight import preflight as run_preflight


@flow(name="audit", flow_run_name="audit")
def audit(tenant: str | None = None) -> State[dict[str, int]]:
    """Compare the journal with the locks, sizes and digests that the archive reports. Changes nothing in the archive.

    Args:
        tenant: Only this tenant's receipts.
    """
    return _report("audit", compare(tenant))


@flow(name="reverify", flow_run_name="reverify")
def reverify(sample: int = 100, tenant: str | None = None) -> State[dict[str, int]]:
    """Read a random sample of archived files back and validate their seals afresh.

    Args:
        sample: How many; 0 for all.
        tenant: Only this tenant's receipts.
    """
    return _report("reverify", validate_sample(sample, tenant))


@flow(name="preflight", flow_run_name="preflight")
def preflight() -> State[dict[str, object]]:
    """Look whether key, certificate and time-stamping authorities are fit to seal with; fails if something stops it."""
    found = look()
    stops, short = (found.of(verdict) for verdict in (Verdict.STOPS, Verdict.SHORT))
    said = f"{len(stops)} stop sealing, {len(short)} fall short" if stops else f"may seal, {len(short)} fall short"
    table = [{"what": f.name, "verdict": f.verdict.value, "evidence": f.evidence} for f in found.findings]
    create_table_artifact(key="preflight", table=table, description=said)
    rename_run(f"preflight: {said}")
    return Failed(message=said, data=found.to_json()) if stops else Completed(message=said, data=found.to_json())


@flow(name="update-trusted-lists", flow_run_name="update-trusted-lists")
def update_trusted_lists() -> State[dict[str, object]]:
    """Fetch the European trusted lists and use them; fails if one is refused or can't be had.

    Does nothing until `probant trust update` ran once: an installation may do without lists, or bring them by hand.
    """
    settings = connections().settings
    if not trustlists.follows_the_web(settings):
        rename_run("update-trusted-lists: none are fetched here")
        return Completed(message="none are fetched here", data={})
    problems, said = fetch_lists()
    create_table_artifact(key="trusted-lists", table=problems, description=said)
    rename_run(f"update-trusted-lists: {said}")
    return Failed(message=said) if problems else Completed(message=said, data={})


@task(name="fetch", cache_policy=NO_CACHE, persist_result=False)
def fetch_lists() -> tuple[list[dict[str, str]], str]:
    """What is wrong with which list, and a sentence about the snapshot."""
    opened = connections()
    try:
        snapshot, is_new = trustlists.update(opened.settings, opened.now())
    except (BadList, Altered) as error:
        return [{"list": "EU", "why": str(error)}], "no new snapshot; the one in use stays in use"
    problems = [{"list": each.territory, "why": each.why} for each in snapshot.problems]
    return problems, f"{'now in use' if is_new else 'unchanged'}: {snapshot.name}"


@task(name="look", cache_policy=NO_CACHE, persist_result=False)
def look() -> Preflight:
    """What was found, every time-stamping authority asked."""
    return run_preflight(connections(), thorough=True)


@task(name="compare", cache_policy=NO_CACHE, persist_result=False)
def compare(tenant: str | None) -> list[Finding]:
    """One finding for each archived receipt, and for everything in the archive that should not be there."""
    return list(run_audit(connections(), tenant=tenant))


@task(name="validate", cache_policy=NO_CACHE, persist_result=False)
def validate_sample(sample: int, tenant: str | None) -> list[Finding]:
    """One finding for each file of the sample."""
    rows = list(archived_rows(connections(), tenant))
    if sample and len(rows) > sample:
        rows = random.SystemRandom().sample(rows, sample)
    return list(run_reverify(connections(), rows))


def _report(key: str, findings: Sequence[Finding]) -> State[dict[str, int]]:
    wrong = [finding for finding in findings if finding.deviation]
    said = f"{len(findings) - len(wrong)} hold, {len(wrong)} deviate"
    create_table_artifact(
        key=key,
        table=[{"receipt": f.receipt, "locked until": f.retain_until, "deviation": f.deviation} for f in wrong],
        description=said,
    )
    rename_run(f"{key}: {said}")
    data = {"hold": len(findings) - len(wrong), "deviate": len(wrong)}
    return Failed(message=said, data=data) if wrong else Completed(message=said, data=data)
