"""The verdict on one A4 page, PDF/A-3b, with the JSON report attached: to be handed to an inspector or a judge."""

from __future__ import annotations

import hashlib
import html
import json
from datetime import UTC, datetime
from io import BytesIO
from typing import Final
from xml.sax.saxutils import escape

from pikepdf import Array, AttachedFileSpec, Dictionary, Name, ObjectStreamMode, Pdf, Stream, String

from receipts.pdfa import colour, typeset
from receipts.verdict.model import Verdict

REPORT: Final = "verification-report.json"
_SIZES_PT: Final = (7.5, 6.8, 6.2, 5.6, 5.0, 4.5)
_LONGEST: Final = (400, 300, 240, 180, 120, 80)
_MOST_ROWS: Final = 8
_MARKS: Final = {True: ("holds", "#1b6e2c"), False: ("DOES NOT HOLD", "#a01818"), None: ("not established", "#8a5a00")}
_XMP: Final = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" \
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" \
xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Verification report</rdf:li></rdf:Alt></dc:title>
<xmp:CreateDate>{date}</xmp:CreateDate><xmp:ModifyDate>{date}</xmp:ModifyDate>
<xmp:CreatorTool>{software}</xmp:CreatorTool><pdf:Producer>{software}</pdf:Producer>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


def write_pdf(verdict: Verdict, *, software: str) -> bytes:
    """The page; the same verdict gives the same bytes.

    Args:
        verdict: What is to be said.
        software: What made the report.
    """
    attached = json.dumps(verdict.to_json(), ensure_ascii=False, indent=1, default=str).encode()
    # Evidence may be long; on the page it is cut, in the attachment it is whole.
    for size_pt, longest in zip(_SIZES_PT, _LONGEST, strict=True):
        pdf = typeset.sheet(_page(verdict, software, size_pt, longest))
        if len(pdf.pages) == 1:
            break
    return _finish(pdf, verdict, attached, software)


def _page(verdict: Verdict, software: str, size_pt: float, longest: int) -> str:
    report = verdict.report
    colour_of = _MARKS[verdict.holds][1]
    words = f"{report.indication}{f' / {report.sub_indication}' if report.sub_indication else ''}"
    facts = "".join(_row(label, value, longest) for label, value in _facts(verdict))
    points = "".join(
        f"<tr><td>({point.letter})</td><td>{_cut(point.text, longest)}</td>"
        f'<td style="color: {_MARKS[point.holds][1]}; white-space: nowrap">{_MARKS[point.holds][0]}</td>'
        f"<td>{_cut(point.evidence, longest)}</td></tr>"
        for point in verdict.points
    )
    checks = "".join(
        f'<tr><td style="color: {_MARKS[each.ok][1]}; white-space: nowrap">{_MARKS[each.ok][0]}</td>'
        f"<td>{_cut(each.name, longest)}</td><td>{_cut(each.evidence, longest)}</td></tr>"
        for each in report.headline.checks
    )
    return (
        f'<div style="font: {size_pt}pt sans-serif"><style>td {{ vertical-align: top; padding: 1pt 5pt 1pt 0; '
        "overflow-wrap: break-word } h2 { font-size: 1.2em; margin: 5pt 0 1pt } table { border-collapse: collapse }"
        '</style><h1 style="font-size: 1.9em; margin: 0">Verification report</h1>'
        f'<p style="font-size: 1.5em; margin: 4pt 0; color: {colour_of}"><b>{html.escape(words)}</b> '
        f"{html.escape(report.headline.level or '')}</p><table>{facts}</table>{_signatures(verdict, longest)}"
        f"<h2>Regulation (EU) 910/2014, articles 32(1) and 40</h2><table>{points}</table>"
        f"<h2>What was checked (ETSI EN 319 102-1)</h2><table>{checks}</table>"
        f'<p style="color: #555555">Made by {html.escape(software)}. The whole report is attached as {REPORT}. '
        "It says what was found in the file at the time stated; any PAdES validator can repeat it.</p></div>"
    )


def _signatures(verdict: Verdict, longest: int) -> str:
    """Each signature, document time-stamp and evidence record, where there are several; the first ones if many."""
    found = verdict.signatures
    if len(found) <= 1:
        return ""
    rows = ""
    for each, word in found[:_MOST_ROWS]:
        mark, colour_of = _MARKS[True if each.passed else False if each.indication.endswith("FAILED") else None]
        said = f"{each.indication} / {each.sub_indication}: {each.why}"
        if each.passed:
            said = ", ".join(part for part in (each.level, word) if part)
        told = (each.field, str(each.kind), _utc(each.sealed_at), each.signer or "unknown", said)
        cells = "".join(f"<td>{_cut(text, longest)}</td>" for text in told)
        rows += f'<tr><td style="color: {colour_of}; white-space: nowrap">{mark}</td>{cells}</tr>'
    more = f"<p>and {len(found) - _MOST_ROWS} more, see the attached report</p>" if len(found) > _MOST_ROWS else ""
    return f"<h2>Signatures and time-stamps in the file</h2><table>{rows}</table>{more}"


def _facts(verdict: Verdict) -> list[tuple[str, str]]:
    report, qualification, custody = verdict.report, verdict.qualification, verdict.custody
    found = [
        ("File", f"{verdict.name}; {report.size_bytes} bytes, SHA-256 {report.sha256}"),
        ("Verdict as at", _utc(report.validated_at)),
        ("Sealed by", report.headline.signer or "unknown"),
        ("Sealed at", f"{_utc(report.headline.sealed_at)}; {report.headline.time_stamped_by or 'by nobody known'}"),
        ("The seal is", verdict.kind),
    ]
    if qualification:
        found += [
            ("At issuance", qualification.at_issuance.evidence),
            ("At sealing", qualification.at_signing.evidence),
            ("The time-stamp is", f"{qualification.time_stamp}: {qualification.time_stamp_evidence}"),
        ]
    if verdict.trusted_list:
        found.append(("Trusted list", f"{verdict.trusted_list}, SHA-256 {verdict.trusted_list_sha256}"))
    else:
        found.append(("Trusted list", f"none; trust anchors by SHA-256: {', '.join(report.anchors) or 'none'}"))
    found += [
        ("Revisions", "; ".join(f"{r.number} {r.by} ({r.changes})" for r in verdict.revisions) or "unreadable"),
        ("Not covered", "; ".join(f"bytes {g.start} to {g.end}: {g.what}" for g in verdict.gaps) or "nothing"),
        ("Claims to be", verdict.pdfa_claim or "nothing"),
        ("Fidelity", verdict.fidelity_statement),
    ]
    if custody:
        until = f"{custody.lock_mode} until {_utc(custody.locked_until)}" if custody.locked_until else "not locked"
        same = "this very file" if custody.is_this_file else "another file"
        found.append(
            ("Journal", f"{custody.receipt}: {custody.state}, {custody.journal_lines} lines, {custody.journal_head}")
        )
        found.append(("Archive", custody.problem or f"{same}, {until}"))
    return found


def _row(label: str, value: str, longest: int) -> str:
    return f'<tr><td style="color: #555555; white-space: nowrap">{label}</td><td>{_cut(value, longest * 2)}</td></tr>'


def _cut(text: str, longest: int) -> str:
    clean = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return html.escape(clean if len(clean) <= longest else f"{clean[: longest - 3]}...")


def _utc(moment: object) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if isinstance(moment, datetime) else "unknown"


def _finish(pdf: Pdf, verdict: Verdict, attached: bytes, software: str) -> bytes:
    """What makes PDF/A-3b of pages (ISO 19005-3, 6.2.3, 6.6, 6.8)."""
    at, root = verdict.report.validated_at.astimezone(UTC), pdf.Root
    profile = pdf.make_stream(colour.srgb(), N=3)
    root.OutputIntents = Array(
        [
            Dictionary(
                Type=Name.OutputIntent,
                S=Name.GTS_PDFA1,
                OutputConditionIdentifier=String("sRGB IEC61966-2.1"),
                Info=String("sRGB IEC61966-2.1"),
                DestOutputProfile=profile,
            )
        ]
    )
    stamp = at.strftime("D:%Y%m%d%H%M%SZ")
    spec = AttachedFileSpec(
        pdf,
        attached,
        filename=REPORT,
        description="The whole report (docs/verify.schema.json)",
        mime_type="application/json",
        relationship=Name.Data,
        creation_date=stamp,
        mod_date=stamp,
    )
    pdf.attachments[REPORT] = spec
    root.AF = Array([pdf.make_indirect(spec.obj)])
    date = at.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    packet = _XMP.format(date=date, software=escape(software)).encode()
    root.Metadata = Stream(pdf, packet, Type=Name.Metadata, Subtype=Name.XML)
    if "/Info" in pdf.trailer:
        del pdf.trailer["/Info"]
    pdf.trailer["/ID"] = Array([String(hashlib.md5(attached, usedforsecurity=False).digest())] * 2)
    out = BytesIO()
    pdf.save(out, force_version="1.7", deterministic_id=True, object_stream_mode=ObjectStreamMode.disable)
    return out.getvalue()
