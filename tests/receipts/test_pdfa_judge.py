"""veraPDF has the last word on every kind of file that we make, also after pyHanko rewrote its metadata."""

from __future__ import annotations

import random
import struct
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageCms
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from receipts.errors import Refused
from receipts.pdfa import original_of, provenance_of
from tests import judge
from tests.receipts import pdf_cases
from tests.receipts.pdfa_cases import chunk, made, picture, png_of, with_orientation
from tests.receipts.test_pdfa_decoded import KINDS, noise

ACCEPTED = 43


def made_up() -> dict[str, bytes]:
    """Kinds that the samples lack."""
    pdfs = {f"{name}.pdf": content for name, content in pdf_cases.lying_in_wait().items()}
    pdfs |= {f"a{flavour}.pdf": pdf_cases.pdf_a(flavour) for flavour in ("1b", "2b", "3b")}
    grey, some = Image.new("L", (30, 20), 90), random.Random(1).randbytes
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    colours = Image.frombytes("RGB", (30, 20), some(1800))
    return pdfs | {
        "a3a.pdf": pdf_cases.pdf_a("3b", level="A"),
        "factur-x.pdf": pdf_cases.factur_x(),
        "factur-x-not-pdfa.pdf": pdf_cases.factur_x(conforming=False),
        "cii.xml": pdf_cases.CII,
        "ubl.xml": pdf_cases.UBL,
        "progressive.jpg": picture(colours, "JPEG", progressive=True, exif=with_orientation(5)),
        "grey.jpg": picture(grey, "JPEG"),
        "tailed.jpg": picture(colours, "JPEG") + bytes(100),
        "lab-profile.jpg": picture(colours, "JPEG", icc_profile=lab),
        "roll.jpg": picture(Image.new("RGB", (10, 6000)), "JPEG"),
        "dot.jpg": picture(Image.new("RGB", (1, 1)), "JPEG"),
        "bilevel.png": picture(grey.convert("1"), "PNG"),
        "palette.png": png_of(8, 2, 1, 3, b"\0\x5a" * 2, more=chunk(b"PLTE", some(6)) + chunk(b"tRNS", b"\x40")),
        "colour-key.png": png_of(2, 1, 8, 2, b"\0\xff\0\0\0\0\xff", more=chunk(b"tRNS", struct.pack(">3H", 255, 0, 0))),
        "deep.png": png_of(3, 1, 16, 6, b"\0" + some(24)),
        "gamma.png": png_of(3, 1, 8, 2, b"\0" + some(9), more=chunk(b"gAMA", struct.pack(">I", 60_000))),
        "grey-gamma.png": png_of(3, 1, 8, 0, b"\0" + some(3), more=chunk(b"gAMA", struct.pack(">I", 60_000))),
        "laced.png": png_of(1, 1, 2, 0, b"\0\x80", interlace=1),
        **{
            f"{number}.{form}": picture(noise(mode, (20, 12), 9), form, **options)
            for number, (form, mode, options) in enumerate(KINDS)
        },
        "long.eml": b"From: a@b.example\nDate: x\nContent-Type: text/html\n\n"
        + b"<p>line \xc3\xa9 \xe6\x97\xa5</p>" * 200,
        "rich.eml": b"From: a@b.example\nDate: x\nContent-Type: text/html\n\n"
        b"<p style='opacity:.5;text-shadow:1px 1px red'>x<i>y</i></p><svg width=50 height=50>"
        b"<linearGradient id=g><stop stop-color=red /><stop offset=1 /></linearGradient>"
        b"<rect width=50 height=50 fill='url(#g)' opacity=.3 /></svg>",
    }


def test_verapdf_agrees_with_everything_that_is_accepted(samples: Path, tmp_path: Path) -> None:
    originals = {path.name: path.read_bytes() for path in sorted(samples.glob("*/*.*"))} | made_up()
    files: list[Path] = []
    for name, original in originals.items():
        try:
            result = made(original)
        except Refused:
            assert name not in made_up()
            continue
        files.append(tmp_path / f"{name}.pdf")
        files[-1].write_bytes(result.pdf)
        updated = BytesIO()
        writer = IncrementalPdfFileWriter(BytesIO(result.pdf), strict=True)
        writer.update_root()
        writer.write(updated)
        files.append(tmp_path / f"{name}.updated.pdf")
        files[-1].write_bytes(updated.getvalue())
        assert original_of(updated.getvalue()) == original
        assert provenance_of(updated.getvalue()) == provenance_of(result.pdf)
    assert len(files) >= 2 * (ACCEPTED + len(made_up()))
    verdicts = judge.verapdf(files)
    assert {path.name: verdicts[str(path)] for path in files if not verdicts[str(path)]["compliant"]} == {}
