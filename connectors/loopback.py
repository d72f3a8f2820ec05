"""Whether something stays on this machine: only there may it go unprotected."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host name or IP address is this machine's own; `False` for an empty one."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
