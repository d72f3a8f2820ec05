"""All that can be said of one sealed file, in one value; and its forms: JSON, a PDF/A page, ETSI TS 119 102-2 XML."""

from receipts.verdict.examined import Examined, examine, from_wire, to_wire
from receipts.verdict.model import Custody, Fidelity, Verdict
from receipts.verdict.points import POINTS, Point, eight_points
from receipts.verdict.revisions import Gap, Revision, gaps, pdfa_claim, revisions

__all__ = [
    "POINTS",
    "Custody",
    "Examined",
    "Fidelity",
    "Gap",
    "Point",
    "Revision",
    "Verdict",
    "eight_points",
    "examine",
    "from_wire",
    "gaps",
    "pdfa_claim",
    "revisions",
    "to_wire",
]
