"""The portal: where a phone hands in receipts and sees what became of them."""

from apps.portal.app import create_app

__all__ = ["create_app"]
