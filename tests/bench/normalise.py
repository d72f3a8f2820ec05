"""Normalising: this normaliser, bare img2pdf, OCRmyPDF to PDF/A without OCR, and Ghostscript to PDF/A; the same files.

The same JPEG receipts, over and over. What runs in process is measured without what it costs to start Python and import
it (a run over each file once is taken off a run over all of them many times), all with the same memory allocator
settings, which are those of our reading processes; programs are measured as people run them, one process a document,
on what img2pdf made of the JPEG. The contestants take turns, round by round.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import table, tools
from tests.bench.measure import Cost, best, cost
from tests.conftest import SAMPLES

FILES = (
    "azure-samples__invoice_sample.jpg",
    "azure-samples__receipt.png",  # a JPEG by another name
    "receipt-ocr__main-street-restaurant-receipt.jpeg",
    "receipt-ocr__receipt.jpg",
    "textract-samples__patient_intake_form_sample.jpg",
)
REPEAT = 20
BASE, OURS = "img2pdf", "isolated"
IN_PROCESS = {
    BASE: "bare img2pdf",
    "undecoded": "Probant's file: digest, provenance, PDF/A-3, proof; pixels not looked at",
    "decoder": "decoding alone, at an eighth (Pillow)",
    "normaliser": "Probant, everything, in process",
    OURS: "Probant, everything, isolated as in ingest (both processes)",
}


def main(rounds: int) -> None:
    """Measure and print the table."""
    files = [SAMPLES / "images" / name for name in FILES]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        found = {IN_PROCESS[who]: each for who, each in _in_process(files, out, rounds).items()}
        plain = [out / BASE / f"{file.name}.pdf" for file in files]
        versions = []
        for name, find, command in (
            ("Ghostscript", tools.ghostscript, _ghostscript),
            ("OCRmyPDF", tools.ocrmypdf, _ocrmypdf),
        ):
            program = find()
            if program is None:
                print(f"NOT MEASURED: {name}: it is not on this machine and could not be installed")
                continue
            try:
                found[f"{name} to PDF/A-3"] = _program(program, command, plain, out, rounds)
                versions.append(f"{name} {tools.version(program)}")
            except RuntimeError as error:
                print(f"NOT MEASURED: {name}: {error}")
    base, ours = found[IN_PROCESS[BASE]][0], found[IN_PROCESS[OURS]][0]
    table.show(
        f"Normalising {len(files)} JPEG receipts ({sum(file.stat().st_size for file in files) // len(files) // 1000} kB"
        f" on average): CPU a document, the quickest of {rounds} rounds",
        ("", "CPU ms", "x img2pdf", "x Probant", "peak MB"),
        [
            (name, f"{cpu_s * 1000:.2f}", table.ratio(cpu_s, base), table.ratio(cpu_s, ours), f"{peak / 1e6:.0f}")
            for name, (cpu_s, peak) in found.items()
        ],
    )
    table.said_of("img2pdf", "pillow", "pikepdf", others=versions)


def _in_process(files: list[Path], out: Path, rounds: int) -> dict[str, tuple[float, int]]:
    """Of each: CPU seconds a document, and peak memory in bytes."""
    once: dict[str, list[Cost]] = {who: [] for who in IN_PROCESS}
    often: dict[str, list[Cost]] = {who: [] for who in IN_PROCESS}
    for who in IN_PROCESS:
        (out / who).mkdir()
    for _ in range(rounds):
        for who in IN_PROCESS:
            for costs, repeat in ((once, 1), (often, 1 + REPEAT)):
                command = [sys.executable, "-m", "tests.bench.contestants", who, str(repeat), str(out / who)]
                costs[who].append(cost([*command, *map(str, files)]))
    return {
        who: ((best(often[who]).cpu_s - best(once[who]).cpu_s) / (REPEAT * len(files)), best(often[who]).peak_bytes)
        for who in IN_PROCESS
    }


def _program(
    program: str, command: Callable[[Path, Path], list[str]], files: list[Path], out: Path, rounds: int
) -> tuple[float, int]:
    costs = [best([cost([program, *command(file, out / "made.pdf")]) for _ in range(rounds)]) for file in files]
    return sum(each.cpu_s for each in costs) / len(costs), max(each.peak_bytes for each in costs)


def _ghostscript(source: Path, target: Path) -> list[str]:
    options = ["-dPDFA=3", "-dBATCH", "-dNOPAUSE", "-dNOSAFER", "-sDEVICE=pdfwrite", "-sColorConversionStrategy=RGB"]
    return [*options, "-dPDFACompatibilityPolicy=1", f"-sOutputFile={target}", str(source)]


def _ocrmypdf(source: Path, target: Path) -> list[str]:
    return ["--output-type", "pdfa-3", "--ocr-engine", "none", "--quiet", str(source), str(target)]
