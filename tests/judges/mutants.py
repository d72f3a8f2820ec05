"""Alters sealed files and looks whether EU DSS passes what Probant still passes: `python -m tests.judges.mutants`.

Bits are flipped, and what a forger would touch is edited: byte range, tables, trailers, names, validation data, the
container and its attributes, updates behind the seal. The same seed gives the same files.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from asn1crypto import cms, core
from cryptography.hazmat.primitives.serialization import Encoding

from receipts.pades import validate
from tests import judge
from tests.judges.corpus import JUDGED_AT, good, pki, writers
from tests.judges.corpus.pdf import Pdf, Stream, written
from tests.judges.corpus.sealing import Data, identity

Mutation = Callable[[random.Random, bytes], bytes]
BASES = (
    "level-lt", "level-lta", "two-time-stamps", "crls-instead-of-ocsp", "certified-p2-lta", "field-lock-amount",
    "an-empty-field-too", "two-stamps-over-the-file", "packed-data-lta", "hybrid-before-the-seal-lta",
    "left-over-dictionary", "data-written-anew", "level-lta-with-data-for-its-stamp", "vri",
)  # fmt: skip
PASSED = "TOTAL-PASSED"
_NAMES = re.compile(rb"/[A-Za-z]{2,20}")
_NUMBERS = re.compile(rb"(?<=[ \[\n])\d{1,10}(?=[ \]\n])")
_OBJECTS = re.compile(rb"\d+ 0 obj\n.*?\nendobj\n", re.DOTALL)
_CONTAINER = re.compile(rb"/Contents <([0-9a-f]+)>")
_STREAM = re.compile(rb"stream\n(.*?)\nendstream", re.DOTALL)


def flipped(chance: random.Random, data: bytes) -> bytes:
    """A bit or a few changed; most where no digest reaches."""
    out = bytearray(data)
    spots = [chance.randrange(len(data)) if chance.random() < 0.3 else _behind(chance, data)]
    for place in spots * chance.choice((1, 1, 1, 2)):
        out[place] ^= 1 << chance.randrange(8)
    return bytes(out)


def _behind(chance: random.Random, data: bytes) -> int:
    """A place in the last updates, or in a container."""
    found = [each.span(1) for each in _CONTAINER.finditer(data)]
    start, end = chance.choice([*found, (data.rfind(b"%%EOF", 0, -10), len(data))])
    return chance.randrange(max(start, 0), end)


def renumbered(chance: random.Random, data: bytes) -> bytes:
    """A number of a byte range, a table, a trailer or a reference changed."""
    found = list(_NUMBERS.finditer(data))
    which = chance.choice(found[-min(len(found), 200) :] if chance.random() < 0.7 else found)
    value = max(0, int(which[0]) + chance.choice((-1, 1, 1, 10, -10, chance.randrange(40))))
    return data[: which.start()] + str(value).encode().rjust(len(which[0]), b"0") + data[which.end() :]


def renamed(chance: random.Random, data: bytes) -> bytes:
    """A name replaced by another of the file of the same length, or misspelt."""
    found = list(_NAMES.finditer(data))
    which = chance.choice(found)
    others = [each[0] for each in found if len(each[0]) == len(which[0]) and each[0] != which[0]]
    name: bytes = chance.choice(others) if others and chance.random() < 0.6 else which[0][:-1] + b"x"
    return data[: which.start()] + name + data[which.end() :]


def restreamed(chance: random.Random, data: bytes) -> bytes:
    """A stream's content altered, or that of another of the same length, or DER with one part changed."""
    found = [each for each in _STREAM.finditer(data) if each[1][:1] == b"0"]
    which = chance.choice(found)
    content = bytearray(which[1])
    place = chance.randrange(len(content))
    content[place] = chance.choice((0, 0xFF, content[place] ^ 1, content[place] ^ 0x80))
    return data[: which.start(1)] + bytes(content) + data[which.end(1) :]


def resigned(chance: random.Random, data: bytes) -> bytes:
    """A container taken apart, what no signature covers changed, and put together again in its place."""
    which = chance.choice(list(_CONTAINER.finditer(data)))
    signed = cms.ContentInfo.load(bytes.fromhex(which[1].decode()))["content"]
    signer = signed["signer_infos"][0]
    tokens = list(signer["unsigned_attrs"] or [])
    stranger = cms.CMSAttribute({"type": "1.3.6.1.4.1.99999.9", "values": [core.OctetString(b"x" * 20)]})
    spare = cms.CertificateChoices(name="certificate", value=pki.issue("stranger root", None, pki.CA).asn1)
    edits: list[Callable[[], object]] = [
        lambda: signer.__setitem__("unsigned_attrs", [*tokens, stranger]),
        lambda: signer.__setitem__("unsigned_attrs", tokens * 2),
        lambda: signer.__setitem__("unsigned_attrs", tokens[1:]),
        lambda: signed.__setitem__("certificates", [*signed["certificates"], spare]),
        lambda: signed.__setitem__("certificates", list(reversed(list(signed["certificates"])))),
        lambda: signed.__setitem__("certificates", list(signed["certificates"])[:-1]),
        lambda: signed.__setitem__("digest_algorithms", [{"algorithm": chance.choice(("sha1", "sha512", "md5"))}]),
        lambda: signed.__setitem__("version", chance.choice(("v0", "v2", "v3", "v4", "v5"))),
        lambda: signer.__setitem__("version", chance.choice(("v0", "v2", "v3"))),
        lambda: signed.__setitem__("signer_infos", [signer, signer]),
        lambda: signer["signature_algorithm"].__setitem__("parameters", core.Null()),
        lambda: signer.__setitem__("digest_algorithm", {"algorithm": "sha512"}),
        lambda: signer.__setitem__("signed_attrs", [*signer["signed_attrs"], stranger]),
        lambda: signer.__setitem__("signed_attrs", list(signer["signed_attrs"])[:-1]),
    ]
    chance.choice(edits)()
    der = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    if len(der) * 2 > len(which[1]):
        return data
    digits: bytes = der.hex().encode().ljust(len(which[1]), b"0")
    return data[: which.start(1)] + digits + data[which.end(1) :]


def moved(chance: random.Random, data: bytes) -> bytes:
    """An object copied, cut out, or replaced by another."""
    found = list(_OBJECTS.finditer(data))
    one, other = chance.choice(found), chance.choice(found)
    if (how := chance.randrange(3)) == 0:
        return data[: one.start()] + data[one.end() :]
    if how == 1:
        return data[: one.start()] + other[0] + data[one.end() :]
    return data[: one.end()] + other[0] + data[one.end() :]


def resized(chance: random.Random, data: bytes) -> bytes:
    """Bytes cut out, doubled, or put in."""
    place = _behind(chance, data) if chance.random() < 0.7 else chance.randrange(len(data))
    length = chance.choice((1, 2, 20, 500))
    inserted = chance.choice((b"", b" ", b"\n", b"\0", b"%x\n", data[place : place + length] * 2))
    return data[:place] + inserted + data[place + (0 if inserted.strip() == b"" and inserted else length) :]


def updated(chance: random.Random, data: bytes) -> bytes:
    """One more update, which replaces objects or adds some."""
    xref = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    numbers = [int(each) for each in re.findall(rb"(?:^|\n)(\d+) 0 obj", data)]
    pdf = Pdf(data=data, objects=dict.fromkeys(numbers), xref=xref)
    copies = [each[0] for each in _OBJECTS.finditer(data)]
    changes: dict[int, object] = {}
    for _ in range(chance.choice((1, 1, 2, 3))):
        number = chance.choice([*numbers, pdf.free, pdf.free + 1])
        copied = chance.choice(copies).partition(b"obj\n")[2].rpartition(b"\nendobj")[0]
        fresh = chance.choice(({"N": 1}, Stream(Data().certificates[0], {}), Stream(b"q Q", {}), b"null", [1], {}))
        changes[number] = copied if chance.random() < 0.6 else fresh
    store = chance.random() < 0.5
    if store:
        free = max(*numbers, *changes) + 1
        changes |= {free: Stream(chance.choice(Data().certificates), {}), free + 1: {"Certs": [f"{free} 0 R"]}}
    trailers: list[dict[str, object]] = [{}, {}, {"Root": "2 0 R"}, {"Size": 9}, {"X": written([1])}]
    return pdf.update(changes, chance.choice(trailers)).data


MUTATIONS: tuple[Mutation, ...] = (
    flipped, flipped, renumbered, renamed, restreamed, resigned, moved, resized, updated,
)  # fmt: skip


def main() -> int:
    """Alter, judge, compare, until time is up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance, until = random.Random(options.seed), time.monotonic() + 60 * options.minutes
    bases = [pdf for name, pdf in (*good.cases(), *writers.cases()) if name in BASES]
    tried, passed, offences = 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root.pem"
        root.write_bytes(identity("root").certificate.public_bytes(Encoding.PEM))
        while time.monotonic() < until:
            kept: list[Path] = []
            for _ in range(400):
                base, mutation = chance.choice(bases), chance.choice(MUTATIONS)
                mutant = mutation(chance, base)
                tried += mutant != base
                if mutant != base and validate(mutant, [identity("root").asn1], at=JUDGED_AT).indication == PASSED:
                    kept.append(Path(folder) / f"{tried}-{mutation.__name__}.pdf")
                    kept[-1].write_bytes(mutant)
            passed += len(kept)
            offences += _judged(kept, root)
            print(f"{tried} altered files, {passed} of them pass, {offences} that DSS does not pass", flush=True)
    return int(offences > 0)


def _judged(paths: Sequence[Path], root: Path) -> int:
    """How many of the files EU DSS does not pass, under its own policy or the stricter one; they are kept."""
    failed = set[Path]()
    for policy in ("default", "strict") if paths else ():
        at = JUDGED_AT.isoformat().replace("+00:00", "Z")
        said = judge.dss(paths, [root], level="B", options=("--policy", policy, "--no-render", "--at", at))
        for path in paths:
            seals = said[str(path)]["signatures"]
            if not seals or any(each["indication"].replace("_", "-") != PASSED for each in seals):
                failed.add(path)
                print(f"{policy}: {path.name}: {[(s['indication'], s['errors']) for s in seals]}")
    for path in paths:
        if path in failed:
            path.rename(Path(tempfile.gettempdir()) / f"mutant-{path.name}")
        else:
            path.unlink()
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
