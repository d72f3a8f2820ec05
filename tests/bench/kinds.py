"""CPU by kind of document: every sample that is accepted, isolated as in ingest, by the way that it was made."""

from __future__ import annotations

from statistics import median

from receipts.errors import Refused
from receipts.policy import Limits
from tasks.isolation import Bounds, Isolation
from tests.bench import table
from tests.conftest import SAMPLES
from tests.receipts.pdfa_cases import facts


def main(rounds: int) -> None:
    """Measure and print the table."""
    isolation, found = Isolation(Bounds(files=10_000), 1), dict[str, dict[str, float]]()
    for _ in range(rounds):
        for path in sorted(SAMPLES.glob("*/*.*")):
            original = path.read_bytes()
            result, cpu_ms = isolation.measure(original, facts(original), Limits())
            if cpu_ms is None:
                continue  # the process was lost over it
            of_kind = found.setdefault("refused" if isinstance(result, Refused) else result.route, {})
            of_kind[path.name] = min(cpu_ms, of_kind.get(path.name, cpu_ms))
    isolation.close()
    rows = [
        (route, str(len(each)), *(f"{value:.0f}" for value in (min(each), median(each), max(each))))
        for route, each in sorted((route, list(files.values())) for route, files in found.items())
    ]
    head = ("", "files", "CPU ms, least", "median", "most")
    table.show(f"CPU by kind of document, the quickest of {rounds} rounds", head, rows)
