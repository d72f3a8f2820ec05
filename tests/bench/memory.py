"""Memory: what the largest receipts take, whole: the process that asks and the one that reads, each at its peak.

Where the limit on sizes (50 MiB) would refuse them it is raised; the one on memory (2 GiB a reading process) is not.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.bench import table
from tests.bench.measure import cost
from tests.conftest import SAMPLES

PICTURE = SAMPLES / "images" / "receipt-ocr__receipt.jpg"
LARGE = (("a PDF of 300 scanned pages", "scans", 300, "scans.pdf"), ("a TIFF of 200 MB", "tiff", 200, "large.tif"))


def main(rounds: int) -> None:
    """Measure and print the table."""
    rows = []
    for name, make, amount, file in LARGE:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            cost([*_contestant(make, amount, out), str(PICTURE)])  # in another process: our own peak would be counted
            size_bytes = (out / file).stat().st_size
            try:
                whole = cost([*_contestant("isolated", 1, out), str(out / file)])
            except RuntimeError as error:
                print(f"NOT MEASURED: {name}: {error}")
                continue
            made_bytes = (out / f"{file}.pdf").stat().st_size
        row = (size_bytes / 1e6, made_bytes / 1e6, whole.peak_bytes / 1e6, whole.peak_bytes / size_bytes)
        rows.append((name, *(f"{value:.0f}" for value in row[:3]), f"{row[3]:.1f}", f"{whole.cpu_s:.0f}"))
    head = ("", "MB", "MB archived", "peak MB of the larger process", "x its size", "CPU s")
    table.show("Memory for the largest receipts", head, rows)


def _contestant(who: str, repeat: int, out: Path) -> list[str]:
    return [sys.executable, "-m", "tests.bench.contestants", who, str(repeat), str(out)]
