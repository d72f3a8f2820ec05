"""Starts the remote signing service (`tests.servers.csc_service`) for tests, and lets them look at it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from tests.conftest import free_port
from tests.parts import need
from tests.servers.softhsm import PIN

_MAKE_KEYS = (  # in a process of its own: a process has only one SoftHSM
    "import sys; from pathlib import Path; from connectors.devpki import load; from tests.servers import softhsm\n"
    "token = softhsm.make_token(Path(sys.argv[1]), 'qtsp'); pki = load(Path(sys.argv[2]))\n"
    "from cryptography.hazmat.primitives.serialization import Encoding\n"
    "sys.stdout.buffer.write(softhsm.put_key(token, pki, 'seal', sys.argv[3]).public_bytes(Encoding.DER))\n"
    "softhsm.put_key(token, pki, 'other', sys.argv[3])\n"
    "for kind in sys.argv[4:]:\n"
    "    made = softhsm.put_key(token, pki, kind, kind).public_bytes(Encoding.DER)\n"
    "    (Path(sys.argv[1]) / f'{kind}.der').write_bytes(made)"
)


@dataclass(frozen=True)
class Remote:
    """A running service, as its operator sees it."""

    url: str
    version: int
    client_id: str
    client_secret: str
    pin: str
    folder: Path

    @property
    def uri(self) -> str:
        return f"csc:{self.url}/csc/v{self.version}"

    def use(self, kind: str) -> None:
        """Seal with another of the service's keys."""
        chain = json.loads((self.folder / "config.json").read_text())["certificates"][1:]
        mine = base64.b64encode((self.folder / f"{kind}.der").read_bytes()).decode()
        self.control("", key=kind, kind=kind, certificates=[mine, *chain])

    def control(self, fault: str | None = None, **config: Any) -> dict[str, Any]:
        """Set fault and configuration (and forget what was asked), or look at what was asked."""
        body = b"" if fault is None else json.dumps({"fault": fault, "config": config}).encode()
        request = urllib.request.Request(f"{self.url}/control", data=body, method="POST")
        with urllib.request.urlopen(request) as response:
            return dict(json.load(response))


def start_remote(servers: Any, folder: Path, pki: Any, *, version: int, kind: str, more: Sequence[str] = ()) -> Remote:
    """Start a service with a new token, key and certificate; stopped with all servers.

    Args:
        servers: Starts processes.
        folder: For the token.
        pki: Who certifies the keys.
        version: 1 or 2.
        kind: The key that seals.
        more: Further kinds of keys, to which `Remote.use` changes.
    """
    made = subprocess.run(
        [sys.executable, "-c", _MAKE_KEYS, str(folder), str(pki.folder), kind, *more],
        check=True,
        stdout=subprocess.PIPE,
    )
    port = free_port()
    chain = [made.stdout, *(pki.certificate(name).public_bytes(Encoding.DER) for name in ("ca", "root"))]
    config = {
        "port": port, "url": f"http://127.0.0.1:{port}", "version": version, "kind": kind, "module": need("softhsm"),
        "token": "qtsp", "pin": PIN, "key": "seal", "credentials": ["seal-1"], "client_id": "probant",
        "client_secret": "client-secret-0815", "credential_pin": "credential-pin-4711", "mode": "explicit",
        "scal": 2, "multisign": 10, "token_s": 3600, "offers_pss": True,
        "certificates": [base64.b64encode(each).decode() for each in chain],
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    environment = {**os.environ, "SOFTHSM2_CONF": str(folder / "softhsm2.conf")}
    process = servers(
        sys.executable,
        "-m",
        "tests.servers.csc_service",
        str(folder / "config.json"),
        env=environment,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"ready\n"
    url, client_id, client_secret, pin = (
        str(config[n]) for n in ("url", "client_id", "client_secret", "credential_pin")
    )
    return Remote(url, version, client_id, client_secret, pin, folder)
