"""Several processes at work on one registry, and killed."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from connectors.ports import Record
from connectors.registry import open_registry
from tests.contract.registries import HOUR, NOW, ROOT, claim_all
from tests.contract.registry_lines import Stream, project

pytest_plugins = ["tests.servers.postgres"]


@contextmanager
def process(what: str, url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process at work on the registry; killed at the end if it still is."""
    command = [sys.executable, "-m", "tests.contract.registry_process", what, url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        try:
            yield running
        finally:
            running.kill()


def test_processes_that_start_at_once_migrate_once(database: str) -> None:
    with process("open", database) as one, process("open", database) as two, process("open", database) as three:
        outputs = [running.communicate()[0] for running in (one, two, three)]
    assert outputs == ["{}\n"] * 3


def test_claims_of_processes_never_overlap(database: str) -> None:
    registry = open_registry(database)
    for number in range(60):
        Stream(f"t/{number}", at=NOW - HOUR).append(registry)
    with process("claim", database) as one, process("claim", database) as two:
        taken = [name for running in (one, two) for name in running.communicate()[0].split()]
    left = [claim.stream for claim in claim_all(registry, now=datetime(2026, 1, 1, tzinfo=UTC))]
    assert len(taken) == len(set(taken))
    assert sorted(taken + left) == sorted(f"t/{number}" for number in range(60))
    registry.close()


def test_a_killed_process_leaves_whole_lines(database: str) -> None:
    registry = open_registry(database)
    chance = random.Random(20)
    told: dict[str, int] = {}
    for _ in range(2):
        with process("append", database) as one, process("append", database) as two:
            for running in (one, two):
                assert running.stdout is not None
                for _ in range(chance.randrange(20, 40)):
                    name, count = running.stdout.readline().split()
                    told[name] = int(count)
    rows = registry.rows(limit=1_000_000)
    journal: dict[str, list[Record]] = {}
    for _, record in registry.journal(limit=1_000_000):
        journal.setdefault(record.stream, []).append(record)
    assert [row.stream for row in rows] == sorted(journal)
    for row in rows:
        assert row == project(journal[row.stream])
        assert [record.position for record in journal[row.stream]] == list(range(row.count))
    for name, count in told.items():
        assert len(journal[name]) >= count  # what was told to be durable is there
    registry.rebuild(project)
    assert registry.rows(limit=1_000_000) == rows
    survivor = Stream(rows[0].stream)
    survivor.records = registry.lines(survivor.name)
    survivor.append(registry)
    registry.close()
