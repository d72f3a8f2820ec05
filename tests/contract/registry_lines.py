"""Lines for tests of registries: bodies that say what the index row must be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.ports import Claim, Record, Registry, Row

EPOCH = datetime(2026, 1, 1, 10, 20, 30, 123456, tzinfo=UTC)


def line(stream: str, position: int, **facts: Any) -> Record:
    """A line whose body carries `facts`."""
    body = json.dumps({"stream": stream, "position": position, **facts}, sort_keys=True, ensure_ascii=False)
    return Record(stream=stream, position=position, body=body, digest=hashlib.sha256(body.encode()).hexdigest())


def project(lines: Sequence[Record]) -> Row:
    """The index row of a stream of lines made by `Stream.next`."""
    facts = [json.loads(record.body) for record in lines]
    arrivals = [tuple(arrival) for fact in facts for arrival in fact["arrivals"]]
    settled = {tuple(arrival) for fact in facts for arrival in fact["settled"]}
    return Row(
        stream=lines[-1].stream,
        tenant=lines[-1].stream.split("/")[0],
        state=facts[-1]["state"],
        count=len(lines),
        head=lines[-1].digest,
        received_at=datetime.fromisoformat(facts[0]["at"]),
        summary=facts[-1]["summary"],
        arrivals=tuple(arrivals),
        unsettled=tuple(arrival for arrival in arrivals if arrival not in settled),
    )


class Stream:
    """A stream as one writer knows it."""

    def __init__(self, name: str, *, at: datetime = EPOCH) -> None:
        self.name = name
        self.at = at
        self.records: list[Record] = []

    def next(
        self,
        state: str = "NEW",
        *,
        arrivals: Sequence[tuple[str, str]] = (),
        settled: Sequence[tuple[str, str]] = (),
        **summary: str | int | bool | None,
    ) -> tuple[Record, Row]:
        """The next line and the row that follows."""
        at = self.at + timedelta(seconds=len(self.records))
        facts = {"state": state, "arrivals": arrivals, "settled": settled, "summary": summary, "at": at.isoformat()}
        record = line(self.name, len(self.records), **facts)
        return record, project([*self.records, record])

    def append(self, registry: Registry, state: str = "NEW", *, claim: Claim | None = None, **more: Any) -> Row:
        """Append the next line; gives the row that was written."""
        record, row = self.next(state, **more)
        registry.append(record, row, claim=claim)
        self.records.append(record)
        return row


def altered(row: Row, **changes: Any) -> Row:
    """The row with something else in it."""
    return replace(row, **changes)
