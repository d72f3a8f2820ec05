"""Nothing in the normaliser may alter a picture: LPF art. A102 B-2 I bars every treatment of the image."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import receipts.pdfa

FORBIDDEN_MODULES = {"ImageFilter", "ImageEnhance", "ImageOps", "ImageChops", "ImageMath", "ImageDraw", "ImageMorph"}
FORBIDDEN_CALLS = {
    "alpha_composite", "applyTransform", "blend", "composite", "convert", "crop", "effect_spread", "enhance",
    "exif_transpose", "filter", "paste", "point", "profileToProfile", "quantize", "reduce", "remap_palette", "resize",
    "rotate", "thumbnail", "transform", "transpose", "unsharp_mask",
}  # fmt: skip
SOURCES = sorted(Path(receipts.pdfa.__file__).parent.glob("**/*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_nothing_alters_a_picture(source: Path) -> None:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ImportFrom | ast.Import):
            assert not FORBIDDEN_MODULES & {part for alias in node.names for part in alias.name.split(".")}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in FORBIDDEN_CALLS, f"{source.name}:{node.lineno} calls {node.func.attr}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "draft":
            assert source.name == "jpeg.py"  # to check that it decodes; what it gives is measured and thrown away


def test_nothing_reaches_out() -> None:
    barred = {"socket", "requests", "urllib", "http", "aiohttp", "subprocess", "time", "random", "tempfile", "shutil"}
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names = [name for name in names if name != "urllib.parse"]  # only words
            assert not barred & {name.split(".")[0] for name in names}, source.name
