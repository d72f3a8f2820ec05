"""Serves the portal: `python -m apps.portal`."""

from __future__ import annotations

import sys

import uvicorn

from apps.portal.access import Insecure, check
from apps.portal.app import create_app
from config.settings import Settings, settings
from connectors.source.mobile import Inbox


def main() -> None:
    """Serve the portal as the settings say, until the process is told to end.

    Raises:
        SystemExit: It would be open to people who don't belong, or its uploads would be collected by nobody.
    """
    from tasks.connections import connections

    now = settings()
    token = _token(now)
    try:
        hosts = check(now.portal_host, now.portal_names, token)
        uploads = connections().uploads
    except (Insecure, ValueError) as fault:
        sys.exit(f"the portal is not started: {fault}")
    app = create_app(Inbox(uploads), limit_size_bytes=now.limit_size_bytes, token=token, hosts=hosts)
    uvicorn.run(
        app,
        host=now.portal_host,
        port=now.portal_port,
        server_header=False,
        limit_concurrency=128,
        log_level="warning",
        access_log=False,
    )


def _token(now: Settings) -> str | None:
    if now.portal_token is not None:
        return now.portal_token.get_secret_value()
    if now.portal_token_file is not None:
        return now.portal_token_file.read_text(encoding="utf-8").strip()
    return None


if __name__ == "__main__":
    main()
