"""A worker without Prefect: leads everything that waits through the stages, again and again, until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.installation import STAGES, Installation


def main(home: Path) -> None:
    """Work until nothing waits."""
    from config.settings import Settings

    installation = Installation(Settings(home=home, lease_s=2))
    while True:
        work = installation.claim(lease_s=2)[:3]
        if not work and all(row.state == "ARCHIVED" for row in installation.registry.rows()):
            return
        for stage in STAGES:
            work = stage(installation, work)
        installation.registry.release([each.claim for each in work if each.claim])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
