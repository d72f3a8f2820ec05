"""The demo: real receipts through all three channels into a locked archive, by the real flows."""

from apps.demo.run import run

__all__ = ["run"]
