"""`probant verify` and `probant original`: what anyone may ask of a sealed file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.output import DOES_NOT_HOLD, FAULT, complain, console, escape, print_json, progress

if TYPE_CHECKING:
    from apps.checking import Checked


def verify(
    files: Annotated[list[str], typer.Argument(help="Sealed files, folders with such files, or receipt ids.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON report a file.")] = False,
) -> None:
    """Validate sealed files afresh, from each file alone and the trust anchors, in the words of ETSI EN 319 102-1.

    Exits with 0 only if every file is TOTAL-PASSED and still holds its original; with 1 if not; with 3 if a file could
    not be read.
    """
    from apps.checking import check
    from config.settings import settings

    found = list(_named(files))
    if not found:
        complain("no PDF files found")
        raise typer.Exit(FAULT)
    checked: list[Checked] = []
    with progress() as bar:
        for name, content in bar.track(found, description="validating"):
            checked.append(check(name, content(), settings()))
            if as_json:
                print_json(checked[-1].to_json())
    good = sum(each.holds for each in checked)
    if not as_json:
        for each in checked:
            _print(each)
        console.print(f"{good} of {len(checked)} files hold.", style="green" if good == len(checked) else "red")
    if good < len(checked):
        raise typer.Exit(DOES_NOT_HOLD)


def original(
    file: Annotated[str, typer.Argument(help="A sealed file, or a receipt's id.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to; must not exist.")],
) -> None:
    """Take the received bytes out of a sealed file, byte for byte. Exits with 1 if the file does not hold them."""
    from receipts.pdfa import original_of

    [(_, content)] = _named([file])
    try:
        received = original_of(content())
    except ValueError as error:
        complain(str(error))
        raise typer.Exit(DOES_NOT_HOLD) from error
    with output.open("xb") as target:
        target.write(received)
    console.print(f"{len(received)} bytes written to {escape(str(output))}", highlight=False)


def _named(names: list[str]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Each file that the names stand for, with what reads it."""
    for name in names:
        path = Path(name)
        if path.is_dir():
            for file in sorted(path.rglob("*.pdf")):
                yield str(file), file.read_bytes
        elif path.exists():
            yield name, path.read_bytes
        else:
            yield name, _archived(name)


def _archived(receipt: str) -> Callable[[], bytes]:
    from apps.cli.receipts import find
    from tasks.connections import connections

    row = find(receipt)
    key, version_id = row.summary["archive_key"], row.summary["version_id"]
    if not key:
        complain(f"{receipt} is {row.state}: there is no archived file")
        raise typer.Exit(DOES_NOT_HOLD)
    return lambda: connections().archive.get(str(key), str(version_id))


def _print(checked: Checked) -> None:
    report = checked.report
    verdict = f"{report.indication}{f' / {report.sub_indication}' if report.sub_indication else ''}"
    colour = "green" if checked.holds else "red"
    console.print(f"[bold]{escape(checked.name)}[/]", highlight=False, soft_wrap=True)
    console.print(f"  verdict      [{colour}]{verdict}[/]  {report.level or ''}", highlight=False)
    sealed_at = f"{report.sealed_at:%Y-%m-%d %H:%M:%S} UTC" if report.sealed_at else "unknown"
    for label, value in (
        ("sealed by", report.signer),
        ("claims", report.qualification),
        ("time-stamp", f"{sealed_at}, {report.time_stamped_by or 'by nobody known'}"),
        ("original", checked.original_sha256 or checked.problem),
        ("file", f"{report.sha256}, {report.size_bytes} bytes"),
    ):
        console.print(f"  {label:<12} {escape(str(value or 'unknown'))}", highlight=False, soft_wrap=True)
    for each in report.checks:
        mark = "[green]holds[/]     " if each.ok else "[red]DOES NOT[/]  "
        console.print(f"  {mark} {escape(each.name)}: {escape(each.evidence)}", highlight=False, soft_wrap=True)
    console.print()
