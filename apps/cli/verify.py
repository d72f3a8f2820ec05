"""`probant verify`: what anyone may ask of a sealed file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.cli.files import content_of, named, new_file
from apps.output import DOES_NOT_HOLD, FAULT, complain, console, print_json, progress

if TYPE_CHECKING:
    from receipts.verdict import Verdict
    from tasks.connections import Connections


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} is not a time such as 2031-05-01T12:00:00Z") from error
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{text} needs a time zone: add Z for UTC")
    return moment.astimezone(UTC)


Files = Annotated[list[str], typer.Argument(help="Sealed files, folders with such files, or receipt ids.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON report a file.")]
At = Annotated[
    datetime | None,
    typer.Option(
        "--at", metavar="TIME", parser=_moment, help="Validate as at this time, such as 2031-05-01T12:00:00Z."
    ),
]
TrustedList = Annotated[
    str, typer.Option("--trusted-list", metavar="NAME", help="Use this snapshot; see `probant trust list`.")
]
Trust = Annotated[
    list[Path] | None,
    typer.Option(
        "--trust", metavar="PEM", exists=True, dir_okay=False, help="Trust these anchors, not PROBANT_TRUST's."
    ),
]
EvidenceRecord = Annotated[
    list[Path] | None,
    typer.Option("--evidence-record", metavar="ER", help="An RFC 4998 record that proves the file; of one file."),
]
Field = Annotated[str, typer.Option("--field", metavar="FIELD", help="Ask about the seal in this form field alone.")]
PdfReport = Annotated[
    Path | None,
    typer.Option(
        "--pdf", metavar="OUT", callback=new_file, help="Also write a PDF/A report to hand over; of one file."
    ),
]
EtsiReport = Annotated[
    Path | None,
    typer.Option(
        "--etsi-xml", metavar="OUT", callback=new_file, help="Also write an ETSI TS 119 102-2 report; of one file."
    ),
]


def verify(
    files: Files,
    as_json: AsJson = False,
    at: At = None,
    trusted_list: TrustedList = "",
    trust: Trust = None,
    evidence_record: EvidenceRecord = None,
    field: Field = "",
    pdf: PdfReport = None,
    etsi_xml: EtsiReport = None,
) -> None:
    """Validate sealed files afresh, from each file alone and the trust anchors, in the words of ETSI EN 319 102-1.

    With --field, files need be none of the archive's: what `probant seal` made, also beside signatures of others.
    Exits with 0 only if every file is TOTAL-PASSED and, without --field, still holds its original; with 1 if not; with
    2 for a wrong TIME, NAME, PEM or OUT; with 3 if a file could not be read. What JSON says is in docs/verify.md.
    """
    from apps.checking import Question, check
    from tasks.connections import connections

    found = _found(files, only_one=bool(pdf or etsi_xml or evidence_record))
    _require_snapshot(trusted_list)
    asked = Question(at=at, trusted_list=trusted_list, evidence_records=_records(evidence_record or []), field=field)
    installation = _trusting(trust or [], connections())
    checked: list[Verdict] = []
    with progress() as bar:
        for name, read in bar.track(found, description="validating"):
            content = content_of(name, read)
            if content is not None:
                checked.append(check(name, content, installation, asked))
                if as_json:
                    print_json(checked[-1].to_json())
    _tell(checked, of=len(found), on_terminal=not as_json)
    for verdict in checked:
        _write_reports(verdict, pdf, etsi_xml)
    if len(checked) < len(found):
        raise typer.Exit(FAULT)
    if not all(verdict.holds for verdict in checked):
        raise typer.Exit(DOES_NOT_HOLD)


def _found(names: list[str], *, only_one: bool) -> list[tuple[str, Callable[[], bytes]]]:
    found = list(named(names))
    if not found:
        complain("no PDF files found")
        raise typer.Exit(FAULT)
    if only_one and len(found) != 1:
        raise typer.BadParameter(f"--pdf, --etsi-xml and --evidence-record are for one file, not {len(found)}")
    return found


def _require_snapshot(name: str) -> None:
    from config.settings import settings
    from tasks.trustlists import NoSnapshot, opened

    if name:
        try:
            opened(settings(), name)
        except NoSnapshot as error:
            raise typer.BadParameter(str(error), param_hint="--trusted-list") from error


def _records(paths: list[Path]) -> list[bytes]:
    records = [content_of(str(path), path.read_bytes) for path in paths]
    if None in records:
        raise typer.Exit(FAULT)
    return [record for record in records if record is not None]


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


def _tell(checked: list[Verdict], *, of: int, on_terminal: bool) -> None:
    from apps.cli.verdict import print_verdict

    if on_terminal:
        for verdict in checked:
            print_verdict(verdict)
        good = sum(verdict.holds for verdict in checked)
        console.print(f"{good} of {of} files hold.", style="green" if good == of else "red")


def _write_reports(verdict: Verdict, pdf: Path | None, etsi_xml: Path | None) -> None:
    from tasks.connections import SOFTWARE

    if pdf:
        from receipts.verdict.statement import write_pdf

        _write(pdf, write_pdf(verdict, software=SOFTWARE))
    if etsi_xml:
        from receipts.verdict.etsi import write_xml

        _write(etsi_xml, write_xml(verdict, software=SOFTWARE))


def _write(path: Path, report: bytes) -> None:
    with path.open("xb") as file:
        file.write(report)
