"""Normalising: this normaliser, bare img2pdf, OCRmyPDF to PDF/A without OCR, and Ghostscript to PDF/A; the same files.

The same JPEG receipts, over and over. What runs in process is measured without what it costs to start Python and import
it (a run over each file once is taken off a run over all of them many times); programs are measured as people run them,
one process a document, on what img2pdf made of the JPEG.
"""

from __future__ import annotations

import importlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

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
BASE = "img2pdf"


def main(rounds: int) -> None:
    """Measure and print the table."""
    files = [SAMPLES / "images" / name for name in FILES]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        found: dict[str, tuple[float, int]] = {}
        for name, who in (
            (BASE, "img2pdf"),
            ("probant", "normaliser"),
            ("probant, readability not measured", "unmeasured"),
            ("probant, isolated (parent and child)", "isolated"),
        ):
            found[name] = _in_process(who, files, out, rounds)
        for name, program, command in (("Ghostscript", "gs", _ghostscript), ("OCRmyPDF", "ocrmypdf", _ocrmypdf)):
            if shutil.which(program) is None:
                print(f"NOT MEASURED: {name}: there is no {program} on this machine")
                continue
            try:
                found[name] = _program(command, [out / BASE / f"{file.name}.pdf" for file in files], out, rounds)
            except RuntimeError as error:
                print(f"NOT MEASURED: {name}: {error}")
    _print(found, len(files))


def _in_process(who: str, files: list[Path], out: Path, rounds: int) -> tuple[float, int]:
    """CPU seconds a document, and peak memory in bytes."""

    def run(repeat: int) -> Cost:
        names = map(str, files)
        (out / who).mkdir(exist_ok=True)
        command = [sys.executable, "-m", "tests.bench.contestants", who, str(repeat), str(out / who), *names]
        return best([cost(command) for _ in range(rounds)])

    once, often = run(1), run(1 + REPEAT)
    return (often.cpu_s - once.cpu_s) / (REPEAT * len(files)), often.peak_bytes


def _program(
    command: Callable[[Path, Path], list[str]], files: list[Path], out: Path, rounds: int
) -> tuple[float, int]:
    costs = [best([cost(command(file, out / "made.pdf")) for _ in range(rounds)]) for file in files]
    return sum(each.cpu_s for each in costs) / len(costs), max(each.peak_bytes for each in costs)


def _ghostscript(source: Path, target: Path) -> list[str]:
    options = ["-dPDFA=3", "-dBATCH", "-dNOPAUSE", "-dNOSAFER", "-sDEVICE=pdfwrite", "-sColorConversionStrategy=RGB"]
    return ["gs", *options, "-dPDFACompatibilityPolicy=1", f"-sOutputFile={target}", str(source)]


def _ocrmypdf(source: Path, target: Path) -> list[str]:
    """No OCR: `--tesseract-timeout 0` is its way to say so."""
    return ["ocrmypdf", "--output-type", "pdfa-3", "--tesseract-timeout", "0", "--quiet", str(source), str(target)]


def _print(found: dict[str, tuple[float, int]], documents: int) -> None:
    base, ours = found[BASE][0], found["probant"][0]
    print(f"\nnormalise: {documents} JPEG receipts, CPU a document, the quickest of the rounds")
    print(f"{'':38}{'CPU ms':>9}{'x img2pdf':>11}{'x probant':>11}{'peak MB':>9}")
    for name, (cpu_s, peak) in found.items():
        print(f"{name:38}{cpu_s * 1000:9.2f}{cpu_s / base:11.1f}{cpu_s / ours:11.2f}{peak / 1e6:9.0f}")
    img2pdf = importlib.import_module("img2pdf")
    print(f"img2pdf {img2pdf.__version__}, Python {sys.version.split()[0]}")
