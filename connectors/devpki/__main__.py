"""`python -m connectors.devpki FOLDER`: answer for the development PKI in FOLDER until stopped."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from connectors.devpki.folder import load
from connectors.devpki.server import listen


def main() -> int:
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m connectors.devpki FOLDER\n")
        return 2
    try:
        pki = load(Path(sys.argv[1]))
        server = listen(pki)
    except OSError as error:
        sys.stderr.write(f"the development PKI can't start: {error}\n")
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.stdout.write(f"development PKI (worthless in law): {pki.tsa_url}\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
