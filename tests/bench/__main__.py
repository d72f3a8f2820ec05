"""Measures what there is to measure; nothing is asserted."""

from __future__ import annotations

import argparse
import importlib
import importlib.util

SECTIONS = ("normalise", "kinds", "memory", "seal")


def main() -> None:
    """Run the sections; each has a `main(rounds)`."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("sections", nargs="*", default=SECTIONS, help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--rounds", type=int, default=3, help="the quickest of so many counts")
    told = parser.parse_args()
    for section in told.sections:
        if importlib.util.find_spec(f"tests.bench.{section}") is None:
            print(f"NOT MEASURED: {section}: there is no tests/bench/{section}.py")
            continue
        importlib.import_module(f"tests.bench.{section}").main(told.rounds)


if __name__ == "__main__":
    main()
