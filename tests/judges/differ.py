"""Probant's verdicts beside EU DSS's, file by file.

`python -m tests.judges.differ` judges the whole corpus and writes docs/differences-from-dss.md;
`python -m tests.judges.differ --trust PEM PATH...` compares other files.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connectors.signing import load_anchors
from receipts.pades import validate
from receipts.pades.report import Kind
from tests import judge
from tests.judges import corpus
from tests.judges.causes import CAUSES, Cause

PAGE = Path(__file__).parents[2] / "docs" / "differences-from-dss.md"
PASSED = "TOTAL-PASSED"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two verdicts on one file.

    Attributes:
        name: Of the file.
        ours: Field and verdict of each signature.
        theirs: The same by DSS, under its own default policy.
        headline: Our verdict on the file as a whole.
        findings: What doesn't hold, in our words: sub-indication, check and evidence.
        stamps_refused: Whether DSS refuses a time-stamp in it.
    """

    name: str
    ours: tuple[tuple[str, str], ...]
    theirs: tuple[tuple[str, str], ...]
    headline: str
    findings: tuple[str, ...]
    stamps_refused: bool

    @property
    def same(self) -> bool:
        """Whether both say the same of every signature."""
        return sorted(self.ours) == sorted(self.theirs)

    @property
    def contradiction(self) -> bool:
        """Whether we say TOTAL-PASSED of anything of which DSS does not."""
        passed = {field for field, verdict in self.theirs if verdict == PASSED}
        whole = bool(self.theirs) and all(verdict == PASSED for _, verdict in self.theirs)
        claimed = {field for field, verdict in self.ours if verdict == PASSED}
        return not claimed <= passed or (self.headline == PASSED and not whole)

    @property
    def cause(self) -> Cause | None:
        """Why they differ."""
        return next((cause for cause in CAUSES if cause.explains(self.findings)), None)


def compare(paths: Sequence[Path], trust: Iterable[Path], at: datetime) -> list[Pair]:
    """Judge each file twice, by the same anchors and at the same time."""
    trusted = list(trust)
    options = ("--policy", "default", "--at", at.isoformat().replace("+00:00", "Z"))
    said = judge.dss(paths, trusted, level="B", options=options)
    anchors = load_anchors(trusted)
    pairs = []
    for path in paths:
        report, other = validate(path.read_bytes(), anchors, at=at), said[str(path)]
        seals = [each for each in report.signatures if each.kind is Kind.SEAL]
        failed = [each for each in report.signatures or (report.headline,) if each.why]
        pairs.append(
            Pair(
                name=path.stem,
                ours=tuple((each.field, _words(str(each.indication), each.sub_indication)) for each in seals),
                theirs=tuple((s["field"], _words(s["indication"], s["subindication"])) for s in other["signatures"]),
                headline=str(report.indication),
                findings=tuple(f"{each.sub_indication}: {each.why}" for each in (*failed, report.headline)),
                stamps_refused=any(each["indication"] != "PASSED" for each in other["timestamps"]),
            )
        )
    return pairs


def _words(indication: str, sub_indication: str | None) -> str:
    return indication.replace("_", "-") + (f" / {sub_indication}" if sub_indication else "")


def written(pairs: Sequence[Pair]) -> str:
    """The page about differences, as Markdown."""
    by_cause: dict[Cause, list[Pair]] = defaultdict(list)
    for pair in pairs:
        if not pair.same and pair.cause:
            by_cause[pair.cause].append(pair)
    both = sum(pair.same for pair in pairs)
    stricter = sum(not pair.same and any(v == PASSED for _, v in pair.theirs) for pair in pairs)
    lines = [
        "# Where Probant and EU DSS differ",
        "",
        "Written by `python -m tests.judges.differ`, which judges the files of `tests/judges/corpus` with both:",
        "offline, by one trust anchor and at one time, DSS 6.4 under its own default policy.",
        "",
        f"- {len(pairs)} files; {both} with the same indication and sub-indication for every signature;",
        f"- {sum(pair.contradiction for pair in pairs)} where Probant says TOTAL-PASSED and DSS does not;",
        f"- {stricter} where DSS says TOTAL-PASSED and Probant does not;",
        "- the others are refused by both, with other words.",
        "",
        "| files | what we say, and why | what supports it | such as |",
        "|---|---|---|---|",
    ]
    for cause in CAUSES:
        found = by_cause[cause]
        if found:
            names = ", ".join(f"`{pair.name}`" for pair in found[:4])
            lines.append(f"| {len(found)} | {cause.says} | {cause.clause} | {names} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Compare, print what differs, and write the page if it is about the corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--trust", action="append", type=Path, default=[])
    parser.add_argument("--at", type=datetime.fromisoformat, default=corpus.JUDGED_AT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths, trust = options.paths, options.trust
        if not paths:
            root, paths = corpus.write(Path(folder))
            trust = [root]
        pairs = compare(paths, trust, options.at)
    for pair in pairs:
        if not pair.same:
            mark = "CONTRADICTION" if pair.contradiction else "differs" if pair.cause else "UNEXPLAINED"
            print(
                f"{mark} {pair.name}: {_said(pair.ours)} | DSS {_said(pair.theirs)} | {'; '.join(pair.findings)[:160]}"
            )
    if not options.paths:
        PAGE.write_text(written(pairs))
    return int(any(pair.contradiction or not (pair.same or pair.cause) for pair in pairs))


def _said(verdicts: Iterable[tuple[str, str]]) -> str:
    return ", ".join(verdict for _, verdict in verdicts) or "nothing"


if __name__ == "__main__":
    sys.exit(main())
