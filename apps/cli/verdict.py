"""A verdict for people at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apps.output import console, escape

if TYPE_CHECKING:
    from receipts.verdict import Verdict

_MARKS: Final = {True: "[green]holds[/]     ", False: "[red]DOES NOT[/]  ", None: "[yellow]unproved[/]  "}


def print_verdict(verdict: Verdict) -> None:
    """Everything in it, the answer first."""
    report = verdict.report
    words = f"{report.indication}{f' / {report.sub_indication}' if report.sub_indication else ''}"
    colour = "green" if verdict.holds else "red"
    console.print(f"[bold]{escape(verdict.name)}[/]", highlight=False, soft_wrap=True)
    console.print(f"  verdict      [{colour}]{words}[/]  {report.headline.level or ''}", highlight=False)
    for label, value in _lines(verdict):
        console.print(f"  {label:<12} {escape(value)}", highlight=False, soft_wrap=True)
    _print_signatures(verdict)
    console.print("  checks", highlight=False)
    for each in report.headline.checks:
        _print_mark(each.ok, f"{each.name}: {each.evidence}")
    console.print("  eIDAS art. 32(1)", highlight=False)
    for point in verdict.points:
        _print_mark(point.holds, f"({point.letter}) {point.text}: {point.evidence}")
    console.print()


def _print_signatures(verdict: Verdict) -> None:
    """Each signature and document time-stamp, where there are several."""
    found = verdict.signatures
    if len(found) <= 1:
        return
    console.print("  signatures", highlight=False)
    for each, word in found:
        when = f"{each.sealed_at:%Y-%m-%d %H:%M:%S} UTC" if each.sealed_at else "at no known time"
        level = "".join(f", {part}" for part in (each.level, word) if part)
        said = f"{each.field}: {each.kind}, revision {each.revision}, by {each.signer or 'nobody known'}, {when}{level}"
        _print_mark(True if each.passed else False if each.indication.endswith("FAILED") else None, said)
        if not each.passed:
            why = f"{each.indication} / {each.sub_indication}: {each.why}"
            console.print(f"               {escape(why)}", highlight=False, soft_wrap=True)


def _print_mark(holds: bool | None, text: str) -> None:
    console.print(f"    {_MARKS[holds]} {escape(text)}", highlight=False, soft_wrap=True)


def _lines(verdict: Verdict) -> list[tuple[str, str]]:
    report, qualification, custody = verdict.report, verdict.qualification, verdict.custody
    sealed_at = f"{report.headline.sealed_at:%Y-%m-%d %H:%M:%S} UTC" if report.headline.sealed_at else "unknown"
    stamp = f", {qualification.time_stamp}" if qualification else ""
    found = [
        ("as at", f"{report.validated_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("sealed by", report.headline.signer or "unknown"),
        ("seal is", verdict.kind),
    ]
    if qualification:
        found += [
            ("issuance", qualification.at_issuance.evidence),
            ("signing", qualification.at_signing.evidence),
        ]
    else:
        found.append(("claims", report.headline.qualification or "unknown"))
    found += [
        ("trusted list", verdict.trusted_list or "none"),
        ("time-stamp", f"{sealed_at}, {report.headline.time_stamped_by or 'by nobody known'}{stamp}"),
        ("revisions", "; ".join(f"{r.number} {r.by}: {r.changes}" for r in verdict.revisions) or "unreadable"),
        ("not covered", "; ".join(f"bytes {g.start} to {g.end}, {g.what}" for g in verdict.gaps) or "nothing"),
        ("claims to be", verdict.pdfa_claim or "nothing"),
        ("original", verdict.fidelity_statement),
        ("file", f"{report.sha256}, {report.size_bytes} bytes"),
    ]
    if custody:
        until = f"{custody.lock_mode} until {custody.locked_until:%Y-%m-%d}" if custody.locked_until else "not locked"
        same = "this very file" if custody.is_this_file else "another file"
        found += [
            ("journal", f"{custody.receipt}: {custody.state}, {custody.journal_lines} lines, chain holds"),
            ("archive", custody.problem or f"{same}, {until}"),
        ]
    return found
