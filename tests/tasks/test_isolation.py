"""No file harms the process that asked for it to be read, and none takes another one down with it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from receipts.errors import Code, Refused
from receipts.policy import Limits
from tasks import reader
from tasks.isolation import Bounds, Isolation, IsolationFailed
from tests.receipts.pdfa_cases import LIMITS, facts, made, png_of

Start = Callable[..., Isolation]
BOUNDS = {"memory_bytes": 512 << 20, "cpu_s": 3, "wall_s": 40, "output_bytes": 10 << 20}


@pytest.fixture
def isolations() -> Iterator[Start]:
    opened: list[Isolation] = []

    def start(processes: int = 1, **bounds: Any) -> Isolation:
        opened.append(Isolation(Bounds(**{**BOUNDS, **bounds}), processes, "tests.tasks.misbehaving"))
        return opened[-1]

    yield start
    for isolation in opened:
        isolation.close()


def ask(isolation: Isolation, what: str, content: bytes = b"") -> dict[str, Any]:
    header, _ = isolation.run({"operation": "do", "what": what}, [content])
    assert "refused" not in header, header
    return dict(header["result"])


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("crash", Code.DAMAGED, "SIGSEGV"),
        ("abort", Code.DAMAGED, "SIGABRT"),
        ("exit", Code.DAMAGED, "exit 0"),
        ("stumble", Code.DAMAGED, "KeyError at misbehaving.py"),
        ("open", Code.DAMAGED, "OSError"),
        ("spin", Code.TOO_COSTLY, "processor time"),
        ("sleep", Code.TOO_COSTLY, "not done after"),
        ("hoard", Code.TOO_COSTLY, "memory"),
        ("flood", Code.TOO_COSTLY, "too large"),
        ("boast", Code.TOO_COSTLY, "too large"),
    ],
)
def test_a_file_that_exceeds_a_bound_is_refused_and_the_next_one_read(
    isolations: Start, what: str, code: Code, said: str
) -> None:
    isolation = isolations(wall_s=2 if what == "sleep" else 40)
    assert ask(isolation, "fine")["asked"] == 1
    with pytest.raises(Refused) as refused:
        ask(isolation, what)
    assert refused.value.code == code
    assert said in refused.value.detail
    assert "an unforeseen one" not in refused.value.detail  # no content of the file
    assert ask(isolation, "fine")["asked"] == 1  # by a fresh process


@pytest.mark.parametrize(
    ("what", "said"),
    [("die", "SIGKILL"), ("doubt", "AssertionError"), ("miss", "FileNotFoundError"), ("garble", "none")],
)
def test_what_is_our_fault_is_not_laid_to_the_file(isolations: Start, what: str, said: str) -> None:
    isolation = isolations()
    with pytest.raises(IsolationFailed, match=said):
        ask(isolation, what)
    assert ask(isolation, "fine")["asked"] == 1


def test_things_within_things_are_hostile(isolations: Start) -> None:
    header, _ = isolations().run({"operation": "do", "what": "nest"}, [])
    assert header["refused"] == "HOSTILE"


def test_who_hangs_up_and_goes_on_is_ended(isolations: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_END_S", 0.5)
    isolation = isolations()
    pid = ask(isolation, "fine")["pid"]
    with pytest.raises(Refused, match="hang up"):
        ask(isolation, "hang up")
    assert not psutil.pid_exists(pid)
    assert ask(isolation, "fine")["asked"] == 1


def test_two_that_look_for_an_idle_process_at_once_both_get_one(isolations: Start) -> None:
    class Slow(list[Any]):
        """Between the look and the taking there is time for another thread."""

        def __bool__(self) -> bool:
            there = len(self) > 0
            time.sleep(0.2)
            return there

    isolation = isolations(2)
    ask(isolation, "fine")
    isolation._idle = Slow(isolation._idle)
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda _: ask(isolation, "fine"), range(2)))
    assert sorted(each["asked"] for each in said) in ([1, 2], [2, 3])


def test_what_an_earlier_file_left_behind_is_not_laid_to_this_one(isolations: Start) -> None:
    isolation = isolations()
    ask(isolation, "fine")
    assert ask(isolation, "stumble once used") == {}


def test_a_process_is_kept_and_in_time_replaced(isolations: Start) -> None:
    isolation = isolations(files=3)
    said = [ask(isolation, "fine") for _ in range(7)]
    assert [each["asked"] for each in said] == [1, 2, 3, 1, 2, 3, 1]
    assert len({each["pid"] for each in said}) == 3
    assert not any(psutil.pid_exists(pid) for pid in {each["pid"] for each in said} - {said[-1]["pid"]})


def test_a_process_killed_from_outside_costs_nothing(isolations: Start) -> None:
    isolation = isolations()
    os.kill(ask(isolation, "fine")["pid"], signal.SIGKILL)
    assert ask(isolation, "fine")["asked"] == 1


def test_one_bad_file_leaves_those_beside_it_alone(isolations: Start) -> None:
    isolation = isolations(2)

    def outcome(what: str) -> str:
        try:
            return str(ask(isolation, what, bytes(3 << 20)).get("size"))
        except Refused as refused:
            return refused.code.value

    batch = ["fine", "crash", "fine", "hoard", "fine", "spin", "fine", "exit", "fine"]
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(outcome, batch))
    assert outcomes[::2] == [str(3 << 20)] * 5
    assert outcomes[1::2] == ["DAMAGED", "TOO_COSTLY", "TOO_COSTLY", "DAMAGED"]


def test_it_reaches_neither_network_nor_files_nor_programs(
    isolations: Start, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    left = Path("/tmp/probant-to-be-left")
    left.write_text("x")
    request.addfinalizer(left.unlink)
    isolation = isolations()
    worked = ask(isolation, "reach out")
    assert worked["python"] == []
    held = isolation.in_force()
    assert "audit-hook" in held
    if sys.platform == "linux" and {"landlock", "seccomp"} <= set(held):
        assert worked["c"] == []
    assert left.exists()
    assert not Path("/tmp/probant-was-here").exists()


def test_it_knows_no_secret(isolations: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBANT_SIGNER_SECRET", "1234")
    names = ask(isolations(), "environment")["names"]
    assert not [name for name in names if name.startswith("PROBANT")]


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    import subprocess

    program = (
        "import os, signal\nfrom tasks.isolation import Bounds, Isolation\n"
        "isolation = Isolation(Bounds(), 1, 'tests.tasks.misbehaving')\n"
        "print(isolation.run({'operation': 'do', 'what': 'fine'}, [])[0]['result']['pid'], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)
    with suppress(psutil.NoSuchProcess):
        psutil.Process(int(run.stdout)).wait(timeout=30)
    assert not psutil.pid_exists(int(run.stdout))


def test_the_same_bytes_come_out_as_without(samples: Path) -> None:
    isolation = Isolation(Bounds(), 1)
    for name in ("images/receipt-ocr__receipt.jpg", "mail/imap_tools__base.eml", "pdf/tika__testPDF_bom.pdf"):
        original = (samples / name).read_bytes()
        assert isolation.normalise(original, facts(original), LIMITS) == made(original)
    isolation.close()


def test_a_picture_that_takes_too_much_memory_is_refused() -> None:
    isolation = Isolation(Bounds(memory_bytes=700 << 20), 1)
    side = 12_000
    original = png_of(side, side, 8, 6, (b"\0" + bytes(4 * side)) * side)
    assert len(original) < 1_000_000
    with pytest.raises(Refused) as refused:
        isolation.normalise(original, facts(original), Limits())
    assert refused.value.code == Code.TOO_COSTLY
    isolation.close()


def test_what_its_parent_once_held_is_not_the_readers_memory(isolations: Start) -> None:
    """Linux hands the peak of the parent on to what it starts."""
    held = bytearray(600 << 20)
    held[::4096] = b"x" * len(held[::4096])
    del held
    with pytest.raises(Refused) as refused:
        ask(isolations(), "crash")
    assert refused.value.code is Code.DAMAGED
