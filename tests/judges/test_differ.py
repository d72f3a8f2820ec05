"""Probant never says TOTAL-PASSED where EU DSS does not, and every other difference has its cause."""

from __future__ import annotations

from pathlib import Path

from tests.judges import corpus
from tests.judges.causes import CAUSES
from tests.judges.differ import PAGE, compare

ONCE_CONTRADICTED = frozenset(
    {
        "ca-without-usage", "claimed-time-in-the-future", "claimed-time-long-ago", "crl-for-cas-only", "crl-indirect",
        "crl-sha1", "message-digest-weaker-than-signature", "ocsp-responder-rsa1024", "signing-certificate-sha1",
    }
)  # fmt: skip
GOOD = frozenset({"level-lt", "level-lta", "key-rsa3072-pss", "key-p521-ecdsa", "certified-p2", "crl-named"})


def test_dss_never_contradicts_us(tmp_path: Path) -> None:
    root, paths = corpus.write(tmp_path, every=5, always=ONCE_CONTRADICTED | GOOD)
    pairs = {pair.name: pair for pair in compare(paths, [root], corpus.JUDGED_AT)}
    assert len(pairs) > 120
    assert [name for name, pair in pairs.items() if pair.contradiction] == []
    assert {name for name in GOOD if pairs[name].headline != "TOTAL-PASSED"} == set()
    assert [(name, pair.findings) for name, pair in pairs.items() if not pair.same and not pair.cause] == []
    explained = PAGE.read_text()
    used = {pair.cause for pair in pairs.values() if not pair.same}
    assert [cause.says for cause in CAUSES if cause in used and cause.says not in explained] == []
