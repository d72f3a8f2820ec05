"""`probant verify` and `probant original`: what anyone may ask of a sealed file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.output import DOES_NOT_HOLD, FAULT, complain, console, escape, print_json, progress

if TYPE_CHECKING:
    from receipts.verdict import Verdict
    from tasks.connections import Connections


def verify(
    files: Annotated[list[str], typer.Argument(help="Sealed files, folders with such files, or receipt ids.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON report a file.")] = False,
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="Validate as at this time, such as 2031-05-01T12:00:00Z.")
    ] = "",
    trusted_list: Annotated[
        str, typer.Option("--trusted-list", metavar="NAME", help="Use this snapshot; see `probant trust list`.")
    ] = "",
    trust: Annotated[
        list[Path] | None,
        typer.Option(
            "--trust", metavar="PEM", exists=True, dir_okay=False, help="Trust these anchors, not PROBANT_TRUST's."
        ),
    ] = None,
    evidence_record: Annotated[
        list[Path] | None,
        typer.Option("--evidence-record", metavar="ER", help="An RFC 4998 record that proves the file; of one file."),
    ] = None,
    field: Annotated[
        str, typer.Option("--field", metavar="FIELD", help="Ask about the seal in this form field alone.")
    ] = "",
    pdf: Annotated[
        Path | None, typer.Option("--pdf", metavar="OUT", help="Also write a PDF/A report to hand over; of one file.")
    ] = None,
    etsi_xml: Annotated[
        Path | None,
        typer.Option("--etsi-xml", metavar="OUT", help="Also write an ETSI TS 119 102-2 report; of one file."),
    ] = None,
) -> None:
    """Validate sealed files afresh, from each file alone and the trust anchors, in the words of ETSI EN 319 102-1.

    With --field, files need be none of the archive's: what `probant seal` made, also beside signatures of others.
    Exits with 0 only if every file is TOTAL-PASSED and, without --field, still holds its original; with 1 if not; with
    2 for a wrong TIME, NAME or PEM; with 3 if a file could not be read. What JSON says is in docs/verify.md.
    """
    from apps.checking import check
    from apps.cli.verdict import print_verdict
    from tasks.connections import connections

    found, moment = list(_named(files)), _time(at)
    if not found:
        complain("no PDF files found")
        raise typer.Exit(FAULT)
    if (pdf or etsi_xml or evidence_record) and len(found) != 1:
        raise typer.BadParameter(f"--pdf, --etsi-xml and --evidence-record are for one file, not {len(found)}")
    records = [_read(str(each), each.read_bytes) for each in evidence_record or ()]
    if None in records:
        raise typer.Exit(FAULT)
    _check_snapshot(trusted_list)
    installation = _trusting(trust or [], connections())
    checked: list[Verdict] = []
    with progress() as bar:
        for name, read in bar.track(found, description="validating"):
            content = _read(name, read)
            if content is None:
                continue
            verdict = check(
                name,
                content,
                installation,
                at=moment,
                trusted_list=trusted_list,
                evidence_records=[each for each in records if each is not None],
                field=field,
            )
            checked.append(verdict)
            if as_json:
                print_json(checked[-1].to_json())
    for verdict in checked:
        _write_reports(verdict, pdf, etsi_xml)
        if not as_json:
            print_verdict(verdict)
    good = sum(each.holds for each in checked)
    if not as_json:
        console.print(f"{good} of {len(found)} files hold.", style="green" if good == len(found) else "red")
    if good < len(found):
        raise typer.Exit(FAULT if len(checked) < len(found) else DOES_NOT_HOLD)


def _read(name: str, read: Callable[[], bytes]) -> bytes | None:
    """A file's bytes; if there are none to be had, that is said and the others are verified all the same."""
    try:
        return read()
    except OSError as error:
        complain(f"{name} can't be read: {error.strerror or error}")
        return None


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} is not a time such as 2031-05-01T12:00:00Z", param_hint="--at") from error
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{text} needs a time zone: add Z for UTC", param_hint="--at")
    return moment.astimezone(UTC)


def _trusting(anchors: list[Path], installation: Connections) -> Connections:
    """The installation, with other trust anchors if there are any."""
    from tasks.trust import pem_anchors

    if not anchors:
        return installation
    other = replace(installation, settings=installation.settings.model_copy(update={"trust": anchors}))
    try:
        pem_anchors(other.settings)
    except Exception as error:
        raise typer.BadParameter(f"no certificate in PEM: {error}", param_hint="--trust") from error
    return other


def _check_snapshot(name: str) -> None:
    from config.settings import settings
    from tasks.trustlists import NoSnapshot, opened

    if name:
        try:
            opened(settings(), name)
        except NoSnapshot as error:
            raise typer.BadParameter(str(error), param_hint="--trusted-list") from error


def _write_reports(verdict: Verdict, pdf: Path | None, etsi_xml: Path | None) -> None:
    from tasks.connections import SOFTWARE

    if pdf:
        from receipts.verdict.statement import write_pdf

        pdf.write_bytes(write_pdf(verdict, software=SOFTWARE))
    if etsi_xml:
        from receipts.verdict.etsi import write_xml

        etsi_xml.write_bytes(write_xml(verdict, software=SOFTWARE))


def original(
    file: Annotated[str, typer.Argument(help="A sealed file, or a receipt's id.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to; must not exist.")],
) -> None:
    """Take the received bytes out of a sealed file, byte for byte. Exits with 1 if the file does not hold them, or was
    altered after it was sealed. Whose the seal is and what it is worth, `probant verify` says.
    """
    from receipts.pdfa import original_of

    [(name, read)] = _named([file])
    content = _read(name, read)
    if content is None:
        raise typer.Exit(FAULT)
    try:
        received = original_of(content)
    except ValueError as error:
        complain(str(error))
        raise typer.Exit(DOES_NOT_HOLD) from error
    if altered := _altered(content):
        complain(f"what {name} holds is not what was sealed: {altered}", "See `probant verify`.")
        raise typer.Exit(DOES_NOT_HOLD)
    with output.open("xb") as target:
        target.write(received)
    console.print(f"{len(received)} bytes written to {escape(str(output))}", highlight=False)


def _altered(content: bytes) -> str:
    """What was done to a sealed file, as far as it shows without anybody's trust; empty for one that has no seal."""
    from receipts.pades import validate
    from receipts.pades.report import FAILURES, SubIndication

    report = validate(content, [], at=datetime.now(UTC))
    damaged = report.sub_indication in FAILURES - {SubIndication.NO_SIGNATURE}
    return report.why if damaged else ""


def _named(names: list[str]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Each file that the names stand for, with what reads it."""
    for name in names:
        path = Path(name)
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.suffix.lower() == ".pdf" and file.is_file():
                    yield str(file), file.read_bytes
        elif path.exists() or path.suffix.lower() == ".pdf" or path.is_absolute():
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

    def read() -> bytes:
        content = connections().archive.get(str(key), str(version_id))
        if hashlib.sha256(content).hexdigest() != row.summary["sealed_sha256"]:
            # However good its seal may be: this is another file.
            complain(f"the archive holds other bytes of {receipt} than the journal recorded", "See `probant audit`.")
            raise typer.Exit(DOES_NOT_HOLD)
        return content

    return read
