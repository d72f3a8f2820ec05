"""Sealing B-LT and full offline validation: a newcomer's loop, pyHanko at its best, DSS in one JVM, and Probant.

The same receipts and the same trust service, whose TSA answers after 30 ms and whose own processor time is not counted.
Every contestant is a process of its own; the first documents warm it up and are not counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors import devpki
from connectors.devpki import DevPki
from tests import judge
from tests.bench import table
from tests.bench.measure import cost
from tests.bench.normalise import FILES
from tests.bench.slow_pki import EC, RSA
from tests.conftest import SAMPLES, free_port
from tests.receipts.pdfa_cases import made

DOCUMENTS = 45
DSS = "EU DSS, in one JVM"
SEALERS = {
    "newcomer": "a newcomer's loop: img2pdf and pyHanko's defaults",
    "pyhanko": "pyHanko at its best",
    DSS: DSS,
    "rules": "Probant, sealing alone",
    "tasks": "Probant's tasks: journal, staging, preflight included",
}
VALIDATORS = {
    "validate_pyhanko": "pyHanko, PAdES-LT",
    "validate_pyhanko_ades": "pyHanko, EN 319 102-1 (for which a B-LT without document time-stamp lacks a proof)",
    DSS: DSS,
    "validate_rules": "Probant, validation alone",
    "tasks": "Probant's tasks: journal, staging, the original inside included",
}


@dataclass(frozen=True, kw_only=True)
class Speed:
    """What a document takes: CPU in milliseconds; and how many a second."""

    cpu_ms: float
    per_s: float | None


def main(rounds: int) -> None:
    """Measure and print the tables."""
    for key in (RSA, EC):
        with tempfile.TemporaryDirectory() as name, _trust_service(Path(name) / "pki", key) as pki:
            sealing, validating = _measured(pki, Path(name), rounds)
        _print(f"Sealing B-LT with {key}", sealing, SEALERS, "newcomer")
        _print(f"Validating B-LT with {key}, offline", validating, VALIDATORS, "validate_pyhanko")
    table.said_of("pyhanko", "pyhanko-certvalidator", "img2pdf", "cryptography", others=["EU DSS as in tests/judges"])


def _measured(pki: DevPki, folder: Path, rounds: int) -> tuple[dict[str, list[Speed]], dict[str, list[Speed]]]:
    """Of each contestant, what every round took."""
    originals, plain = _receipts(folder)
    sealing: dict[str, list[Speed]] = {who: [] for who in SEALERS}
    validating: dict[str, list[Speed]] = {who: [] for who in VALIDATORS}
    sealed: list[Path] = []
    for number in range(rounds):
        for who in SEALERS:
            out = folder / f"{number}-{who[:8].strip()}"
            out.mkdir()
            if who == DSS:
                sealing[who] += _dss_seals(pki, plain, out)
                continue
            speeds = _run(who, pki, originals if who in ("newcomer", "tasks") else plain, out)
            sealing[who].append(speeds[0])
            if who == "tasks":
                validating[who].append(speeds[1])
            if who == "rules":
                sealed = sorted(out.glob("*.pdf"))
        for who in VALIDATORS:
            if who == DSS:
                validating[who] += _dss_validates(pki, sealed)
            elif who != "tasks":
                validating[who] += _run(who, pki, sealed, folder)
    return sealing, validating


def _receipts(folder: Path) -> tuple[list[Path], list[Path]]:
    """Receipts that differ in a few bytes, and their archive files."""
    originals, plain = [], []
    for name in ("originals", "plain"):
        (folder / name).mkdir()
    for number in range(DOCUMENTS):
        content = (SAMPLES / "images" / FILES[number % len(FILES)]).read_bytes() + b"%d" % number
        originals.append(folder / "originals" / f"{number:03}.jpg")
        originals[-1].write_bytes(content)
        plain.append(folder / "plain" / f"{number:03}.pdf")
        plain[-1].write_bytes(made(content).pdf)
    return originals, plain


def _run(who: str, pki: DevPki, files: list[Path], out: Path) -> list[Speed]:
    command = [sys.executable, "-m", "tests.bench.sealers", who, str(pki.folder), str(out), *map(str, files)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"{who}: {ran.stderr[-2000:]}")
    return [Speed(**json.loads(line)) for line in ran.stdout.splitlines()]


def _dss_seals(pki: DevPki, files: list[Path], out: Path) -> list[Speed]:
    if not (home := _dss()):
        return []
    options = ["--p12", pki.p12, "--pass", pki.p12_secret.read_text(), "--level", "LT", "--tsa", pki.tsa_url]
    command = [home / "dss-sign", *options, "--trust", pki.anchors, "--out", out, "--warmup", "20", *files]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    total = json.loads(ran.stdout.splitlines()[-1])
    return [Speed(cpu_ms=total["cpu_ms_per_file"], per_s=1000 / total["mean_ms"])]


def _dss_validates(pki: DevPki, files: list[Path]) -> list[Speed]:
    """What the files after the first 20 take."""
    if not (home := _dss()):
        return []
    command = [str(home / "dss-check"), "--trust", str(pki.anchors), "--level", "LT", "--no-render"]
    few, all_of = (cost([*command, *map(str, some)]) for some in (files[:20], files))
    return [Speed(cpu_ms=(all_of.cpu_s - few.cpu_s) * 1000 / (len(files) - 20), per_s=None)]


def _dss() -> Path | None:
    """The folder of DSS's commands, installed if need be; `None` where that can't be."""
    try:
        return judge.installed("dss").parent
    except (pytest.skip.Exception, pytest.fail.Exception, subprocess.CalledProcessError):
        return None


def _print(title: str, found: dict[str, list[Speed]], names: dict[str, str], base: str) -> None:
    best = {who: min(speeds, key=lambda each: each.cpu_ms) for who, speeds in found.items() if speeds}
    rows = []
    for who, name in names.items():
        if who not in best:
            print(f"NOT MEASURED: {name}: it is not on this machine and could not be installed")
            continue
        per_s = max((each.per_s or 0 for each in found[who]), default=0)
        cpu_ms = best[who].cpu_ms
        shares = (table.ratio(cpu_ms, best[base].cpu_ms), table.ratio(cpu_ms, best["tasks"].cpu_ms))
        rows.append((name, f"{cpu_ms:.1f}", *shares, f"{per_s:.1f}" if per_s else ""))
    head = ("", "CPU ms", f"x {names[base].split(':')[0].split(',')[0]}", "x Probant's tasks", "documents a second")
    table.show(title, head, rows)


@contextmanager
def _trust_service(folder: Path, key: str) -> Iterator[DevPki]:
    command = [sys.executable, "-m", "tests.bench.slow_pki", str(folder), str(free_port()), key]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError("the trust service doesn't start")
        yield devpki.load(folder)
    finally:
        process.terminate()
        process.wait()
