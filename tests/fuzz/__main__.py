"""Mutates the samples for some time and reports what it found; offenders are kept with their seed."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from receipts.errors import Code, Refused
from receipts.pdfa import original_of
from receipts.policy import Limits
from tasks.isolation import Bounds, Isolation, IsolationFailed
from tests import judge
from tests.conftest import SAMPLES
from tests.fuzz.mutate import mutated
from tests.receipts.pdfa_cases import facts

LIMITS = Limits(size_bytes=20_000_000, pages=30, pixels=20_000_000)
BOUNDS = Bounds(cpu_s=60, wall_s=150)
BATCH = 300


class Fuzzer:
    """One run: its counts and its offenders."""

    def __init__(self, found: Path) -> None:
        files = sorted(path for path in SAMPLES.glob("*/*.*") if path.stat().st_size < 600_000)
        self.samples = [path.read_bytes() for path in files]
        self.isolation = Isolation(BOUNDS)
        self.found, self.accepted = found, Path(tempfile.mkdtemp(prefix="fuzz-"))
        self.outcomes: Counter[str] = Counter()
        self.offences: Counter[str] = Counter()

    def one(self, seed: int) -> None:
        """Normalise the file of this seed."""
        original = mutated(seed, self.samples)
        try:
            result = self.isolation.normalise(original, facts(original), LIMITS)
        except Refused as refused:
            self.outcomes[refused.code.value] += 1
            if (
                refused.code is Code.TOO_COSTLY
                or "it can't be read: " in refused.detail
                or "brings down" in refused.detail
            ):
                self.keep(seed, original, refused.detail)
            return
        except IsolationFailed as error:
            self.keep(seed, original, str(error))
            return
        self.outcomes[result.route] += 1
        if original_of(result.pdf) != original:
            self.keep(seed, original, "does not give its original back")
        (self.accepted / f"{seed}.pdf").write_bytes(result.pdf)

    def judge(self) -> None:
        """Ask veraPDF about what was accepted since the last time."""
        files = sorted(self.accepted.iterdir())
        for path, verdict in (judge.verapdf(files) if files else {}).items():
            if not verdict["compliant"]:
                seed = int(Path(path).stem)
                self.keep(seed, mutated(seed, self.samples), f"veraPDF: {json.dumps(verdict)[:1500]}")
                shutil.copy(path, self.found / f"{seed}.pdf")
            Path(path).unlink()
        self.outcomes["judged compliant or not"] += len(files)

    def keep(self, seed: int, original: bytes, why: str) -> None:
        """Keep an offender, its seed and why."""
        kind = why[:90]
        self.offences[kind] += 1
        if self.offences[kind] <= 3:
            self.found.mkdir(parents=True, exist_ok=True)
            (self.found / f"{seed}.bin").write_bytes(original)
            (self.found / f"{seed}.txt").write_text(why)


def main() -> int:
    """Exit with 1 if something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=None, help="the first one; default: from the clock")
    parser.add_argument("--found", type=Path, default=Path("fuzz-found"), help="where offenders are kept")
    parser.add_argument("--threads", type=int, default=0)
    told = parser.parse_args()
    seed = int(time.time()) * 1_000_000 if told.seed is None else told.seed
    first, until = seed, time.monotonic() + told.minutes * 60
    fuzzer = Fuzzer(told.found)
    while time.monotonic() < until:
        with ThreadPoolExecutor(told.threads or fuzzer.isolation.processes) as pool:
            list(pool.map(fuzzer.one, range(seed, seed + BATCH)))
        seed += BATCH
        fuzzer.judge()
        print(f"{seed - first} files, {sum(fuzzer.offences.values())} offences, {dict(fuzzer.outcomes)}", flush=True)
    for kind, count in fuzzer.offences.most_common():
        print(f"{count:6} x {kind}")
    print(f"seeds {first} to {seed - 1}; offenders are in {told.found}" if fuzzer.offences else "nothing found")
    fuzzer.isolation.close()
    shutil.rmtree(fuzzer.accepted)
    return 1 if fuzzer.offences else 0


if __name__ == "__main__":
    sys.exit(main())
