"""Starts the services of an embedded installation, in the order in which they need each other."""

from __future__ import annotations

import os
import subprocess
import sys

import requests

from apps.output import progress
from apps.services import ROOT, Service, Services, free_port
from config.settings import settings

WORK_POOL = "probant"
LIMITS = {"seal": 4}
"""Chunks that may be sealed at once, over all workers: the time-stamping authority's patience."""


def start_all() -> dict[str, Service]:
    """Start server, development PKI (if needed), portal and worker. May be repeated."""
    configured = settings()
    services = Services(configured)
    with services.alone(), progress() as bar:
        step = bar.add_task("Prefect server (the first start makes its database)", total=5)
        start_server(services)
        bar.update(step, advance=1, description="development PKI")
        start_pki(services)
        bar.update(step, advance=1, description="portal")
        start_portal(services)
        bar.update(step, advance=1, description="deployments")
        if "worker" not in services.running():
            deploy(services)
        bar.update(step, advance=1, description="worker")
        start_worker(services)
        bar.update(step, advance=1)
    return services.running()


def start_server(services: Services) -> None:
    """Start the Prefect server, unless one runs or PREFECT_API_URL names another."""
    if os.environ.get("PREFECT_API_URL") or "prefect" in services.running():
        make_limits(services)
        return
    port = free_port(services.settings.prefect_port)
    url = f"http://127.0.0.1:{port}"
    services.start(
        "prefect",
        ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
        url=url,
        health="/api/health",
        # Without this the UI in the browser asks the default port (measured).
        env={"PREFECT_UI_API_URL": f"{url}/api", "PREFECT_API_URL": f"{url}/api"},
    )
    make_limits(services)


def start_pki(services: Services) -> None:
    """Start the development PKI if no signer is configured."""
    if services.settings.is_development:
        from tasks.trust import development_pki

        pki = development_pki(services.settings)
        url = f"http://127.0.0.1:{pki.port}"
        services.start("pki", ["-m", "connectors.devpki", str(pki.folder)], url=url, health="/root.crl")


def start_portal(services: Services) -> None:
    """Start the portal, where employees upload receipts."""
    configured = services.settings
    if "portal" not in services.running():
        port = free_port(configured.portal_port, configured.portal_host)
        url = f"http://{configured.portal_host}:{port}"
        services.start(
            "portal", ["-m", "apps.portal"], url=url, health="/health", env={"PROBANT_PORTAL_PORT": str(port)}
        )


def start_worker(services: Services) -> None:
    """Start the worker that runs the deployments."""
    services.start("worker", ["-m", "prefect", "worker", "start", "--pool", WORK_POOL, "--type", "process"])


def deploy(services: Services) -> None:
    """Register the work pool and the deployments of prefect.yaml with the server. May be repeated."""
    prefect = [sys.executable, "-m", "prefect", "--no-prompt"]
    env = {**os.environ, **services.environment()}
    for arguments in (["work-pool", "create", WORK_POOL, "--type", "process", "--overwrite"], ["deploy", "--all"]):
        subprocess.run([*prefect, *arguments], check=True, env=env, cwd=ROOT, stdout=subprocess.DEVNULL)


def make_limits(services: Services) -> None:
    """Make the limits that the flows ask for, unless they are there: ops may change them in the UI. May be repeated."""
    api_url = services.environment()["PREFECT_API_URL"]
    for name, limit in LIMITS.items():
        answer = requests.post(
            f"{api_url}/v2/concurrency_limits/", json={"name": name, "limit": limit, "active": True}, timeout=60
        )
        if answer.status_code != requests.codes.conflict:
            answer.raise_for_status()
