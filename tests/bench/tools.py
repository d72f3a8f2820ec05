"""The programs of others that we are measured against; installed where a package manager at hand offers them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests import parts

_VENV = parts.CACHE / "ocrmypdf"


def ghostscript() -> str | None:
    """Path of Ghostscript."""
    return parts.find("ghostscript") or (parts.find("ghostscript") if parts.install("ghostscript") else None)


def ocrmypdf() -> str | None:
    """Path of OCRmyPDF, the newest, in an environment of its own: it needs another pikepdf than we do at times."""
    program, uv = _VENV / "bin" / "ocrmypdf", Path(sys.executable).parent / "uv"
    if not program.exists() and uv.exists():
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}
        subprocess.run([uv, "venv", "--clear", "--python", sys.executable, _VENV], **quiet)  # type: ignore[call-overload]
        subprocess.run([uv, "pip", "install", "--python", _VENV / "bin" / "python", "ocrmypdf"], **quiet)  # type: ignore[call-overload]
    return str(program) if program.exists() else shutil.which("ocrmypdf")


def version(program: str) -> str:
    """What `program --version` says first."""
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
