"""Runs the demo: starts what is missing, sends the samples, runs the flows, shows the outcome."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import Progress, TaskID

from apps.demo import receipts as samples_of
from apps.demo.mailbox import USER, Mailbox, mailbox
from apps.demo.show import show
from apps.output import DOES_NOT_HOLD, OK, progress
from apps.services import Services
from apps.starting import start_pki, start_portal, start_server
from config.settings import settings

QUIET_S = 1.0


def run(samples: Path) -> int:
    """Take `samples` through all three channels. Each demo is a tenant of its own, so it may be repeated.

    Returns:
        0 if every receipt ended as it should, else 1.
    """
    home = settings().home.resolve()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    services = Services(settings())
    with progress() as bar:
        steps = bar.add_task("starting the Prefect server (the first time it makes its database)", total=5)
        start_server(services)
        bar.update(steps, advance=1, description="starting portal and development PKI")
        start_pki(services)
        start_portal(services)
        bar.update(steps, advance=1, description="sending receipts: folder, portal, mailbox")
        tenant = _new_tenant()
        with mailbox(home / "log" / "mailbox.log") as box:
            _configure(tenant, home / "demo" / tenant, box)
            sent = samples_of.drop(samples, home / "demo" / tenant)
            sent += samples_of.upload(samples, services.running()["portal"].url, _token())
            sent += samples_of.mail(samples, box)
            bar.update(steps, advance=1, description="collecting")
            flow_run = _run_flows(bar, steps, sent=len(sent))
    return OK if show(tenant, services, flow_run) else DOES_NOT_HOLD


def _run_flows(bar: Progress, steps: TaskID, *, sent: int) -> str | None:
    """Run collect and ingest; returns the id of the ingest run."""
    from apps.running import flow_environment

    with flow_environment():
        from flows.collect import collect
        from flows.ingest import ingest

        time.sleep(QUIET_S)  # a file that was just written is not taken yet
        collect(return_state=True)
        bar.update(steps, advance=1, description="normalise, seal, verify, archive")
        with _watching(bar, sent):
            state = ingest(return_state=True)
        bar.update(steps, advance=1, description="done")
    return str(state.state_details.flow_run_id or "") or None


@contextmanager
def _watching(bar: Progress, sent: int) -> Iterator[None]:
    """Show how many receipts reached each state while the flow runs."""
    from tasks.connections import connections

    states = ("NORMALISED", "SEALED", "VERIFIED", "ARCHIVED")
    bars = {state: bar.add_task(f"  {state.lower()}", total=sent) for state in states}
    ended = threading.Event()
    tenant = settings().tenant

    def watch() -> None:
        while not ended.wait(0.3):
            rows = connections().registry.rows(tenant=tenant)
            for position, state in enumerate(states):
                reached = sum(1 for row in rows if row.state in states[position:])
                bar.update(bars[state], completed=reached, total=len(rows))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _configure(tenant: str, folder: Path, box: Mailbox) -> None:
    """Point this process at the demo's own folder and mailbox, besides the portal's uploads."""
    from tasks.connections import use

    os.environ["PROBANT_TENANT"] = tenant
    os.environ["PROBANT_SOURCES"] = json.dumps(
        [
            {"kind": "folder", "name": tenant, "path": str(folder), "quiet_s": QUIET_S},
            {"kind": "imap", "name": tenant, "host": "127.0.0.1", "port": box.port, "security": "none", "user": USER,
             "password": box.password},
            {"kind": "mobile"},
        ]
    )  # fmt: skip
    settings.cache_clear()
    use(None)


def _new_tenant() -> str:
    from tasks.connections import connections

    number = 1
    while connections().registry.rows(tenant=f"demo-{number}", limit=1):
        number += 1
    return f"demo-{number}"


def _token() -> str | None:
    now = settings()
    return now.portal_token.get_secret_value() if now.portal_token else None
