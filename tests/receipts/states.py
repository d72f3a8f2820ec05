"""Draws docs/states.md from the table of legal transitions: `python -m tests.receipts.states` writes it anew."""

from __future__ import annotations

from pathlib import Path

from receipts.receipt import NOTES, TRANSITIONS, State

PAGE = Path(__file__).parents[2] / "docs" / "states.md"

_HEAD = """# A receipt's states

Drawn from `TRANSITIONS` and `NOTES` in receipts/receipt.py by `python -m tests.receipts.states`; a test holds this page
to them. State is never stored, only derived from the events in the journal. There is no FAILED: a technical failure is
the absence of the next event.

"""


def page() -> str:
    """The text of docs/states.md."""
    arrows = [f"    {before or '[*]'} --> {after}: {event}" for (before, event), after in TRANSITIONS.items()]
    left = {before for before, _ in TRANSITIONS}
    ends = [f"    {state} --> [*]" for state in State if state not in left]
    drawing = "\n".join(["```mermaid", "stateDiagram-v2", *arrows, *ends, "```"])
    notes = [
        f"| {event} | {', '.join(state for state in State if state in states)} |" for event, states in NOTES.items()
    ]
    table = "\n".join(["| event | may happen in |", "|---|---|", *notes])
    return f"{_HEAD}{drawing}\n\nEvents that record something without moving the receipt:\n\n{table}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
