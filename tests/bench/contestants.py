"""What is measured, each in a process of its own: `python -m tests.bench.contestants WHO REPEAT OUT FILE…`."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path


def img2pdf(files: list[Path], repeat: int, out: Path) -> None:
    """Bare img2pdf, in process: no provenance, no digest, no PDF/A, nothing decoded."""
    import img2pdf

    for _ in range(repeat):
        for file in files:
            (out / f"{file.name}.pdf").write_bytes(
                img2pdf.convert(file.read_bytes(), rotation=img2pdf.Rotation.ifvalid)
            )


def decoder(files: list[Path], repeat: int, out: Path) -> None:
    """Nothing but the decoding of every picture at an eighth of its size: the least that looking at it costs."""
    from PIL import Image

    for _ in range(repeat):
        for file in files:
            with Image.open(file) as image:
                image.draft(None, (image.width // 8, image.height // 8))
                image.load()


def normaliser(files: list[Path], repeat: int, out: Path) -> None:
    """This normaliser, in process."""
    from receipts.pdfa import normalise
    from receipts.policy import Limits
    from tests.receipts.pdfa_cases import facts

    for _ in range(repeat):
        for file in files:
            original = file.read_bytes()
            (out / f"{file.name}.pdf").write_bytes(normalise(original, facts(original), Limits()).pdf)


def undecoded(files: list[Path], repeat: int, out: Path) -> None:
    """This normaliser without looking at the pixels: type, threats, digest, provenance, PDF/A-3, proof."""
    from io import BytesIO

    from PIL import JpegImagePlugin

    from receipts import quality
    from receipts.pdfa import jpeg

    quality.measure = lambda *_: {"measured": False, "flags": []}
    jpeg._decoded = lambda original: JpegImagePlugin.JpegImageFile(BytesIO(original))
    normaliser(files, repeat, out)


def isolated(files: list[Path], repeat: int, out: Path) -> None:
    """This normaliser as ingest runs it: in a process of its own, bounded and cut off; any size is let in."""
    from receipts.policy import Limits
    from tasks.isolation import Bounds, Isolation
    from tests.receipts.pdfa_cases import facts

    isolation = Isolation(Bounds(files=10_000), 1)
    limits = dataclasses.replace(Limits(), size_bytes=1024**3)
    for _ in range(repeat):
        for file in files:
            original = file.read_bytes()
            (out / f"{file.name}.pdf").write_bytes(isolation.normalise(original, facts(original), limits).pdf)
    isolation.close()


def scans(files: list[Path], repeat: int, out: Path) -> None:
    """Make a PDF of so many pages, each the picture of `files`."""
    import img2pdf

    (out / "scans.pdf").write_bytes(img2pdf.convert([str(file) for file in files] * repeat))


def tiff(files: list[Path], repeat: int, out: Path) -> None:
    """Make an uncompressed RGB TIFF of so many megabytes, tiled with the picture of `files`."""
    from PIL import Image

    side = round((repeat * 1e6 / 3) ** 0.5)
    whole = Image.new("RGB", (side, side))
    with Image.open(files[0]) as tile:
        for left in range(0, side, tile.width):
            for top in range(0, side, tile.height):
                whole.paste(tile, (left, top))
    whole.save(out / "large.tif")


if __name__ == "__main__":
    who, repeat, out, *names = sys.argv[1:]
    globals()[who]([Path(name) for name in names], int(repeat), Path(out))
