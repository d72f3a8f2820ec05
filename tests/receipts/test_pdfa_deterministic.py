"""The same input gives the same bytes, in any process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SAMPLES = (
    "images/receipt-ocr__receipt.jpg",
    "images/sharp__Channel_digital_image_CMYK_color_no_profile.jpg",
    "images/sharp__16-bit-grey-alpha.png",
    "pdf/tika__testPDF_bom.pdf",
    "pdf/pypdf__pdflatex-outline.pdf",
    "pdf/pypdf__form.pdf",
    "pdf/tika__testPDFPackage.pdf",
    "mail/imap_tools__base.eml",
    "mail/tika__testEML_embedded_xhtml_and_img.eml",
)
PROGRAM = """
import hashlib, sys
from pathlib import Path
from tests.receipts import pdf_cases
from tests.receipts.pdfa_cases import made
for name in sys.argv[1:]:
    print(hashlib.sha256(made(Path(name).read_bytes()).pdf).hexdigest(), Path(name).name)
note = pdf_cases.lying_in_wait()["note"]
han = "From: a@b.example\\nDate: x\\nContent-Type: text/plain; charset=utf-8\\n\\n直す 骨 ไทย 🧾".encode()
for name, made_up in (("han", han), ("kept", pdf_cases.factur_x()), ("cii", pdf_cases.CII), ("note", note)):
    print(hashlib.sha256(made(made_up).pdf).hexdigest(), hashlib.sha256(made_up).hexdigest(), name)
"""


def test_two_processes_make_the_same_bytes(samples: Path) -> None:
    root = Path(__file__).parents[2]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *(str(samples / name) for name in order)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale},
        )
        for seed, zone, locale, order in (
            ("0", "UTC", "C", SAMPLES),
            ("4711", "Pacific/Auckland", "zh_CN.UTF-8", tuple(reversed(SAMPLES))),
        )
    ]
    said = [sorted(process.communicate(timeout=120)[0].splitlines()) for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert len(said[0]) == len(SAMPLES) + 4
    assert said[0] == said[1]
