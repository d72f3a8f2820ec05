"""Which samples the demo sends through which channel, and how each one gets there as an employee would send it."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests

from apps.demo.mailbox import Mailbox

FOLDER: Final = (
    "images/azure-samples__receipt.png",
    "images/azure-samples__invoice_sample.jpg",
    "pdf/azure-samples__invoice.pdf",
    "images/sharp__truncated.png",
)
"""Dropped into the watched folder; the last one is cut off and will be refused."""

MOBILE: Final = (
    "images/receipt-ocr__receipt.jpg",
    "images/receipt-ocr__main-street-restaurant-receipt.jpeg",
    "images/azure-samples__invoice_sample.jpg",
)
"""Uploaded through the portal; the last one also lies in the folder: a duplicate."""

MAIL: Final = ("mail/tika__testEML_embedded_xhtml_and_img.eml", "mail/imap_tools__attachment_8bit.eml")
"""Forwarded to the mailbox."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A sample that was sent."""

    channel: str
    name: str


def drop(samples: Path, folder: Path) -> list[Sent]:
    """Copy files into the watched folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for sample in FOLDER:
        shutil.copyfile(samples / sample, folder / _plain(sample))
    return [Sent(channel="folder", name=_plain(sample)) for sample in FOLDER]


def upload(samples: Path, portal_url: str, token: str | None) -> list[Sent]:
    """Send photos to the portal, as the upload page does.

    Raises:
        requests.RequestException: The portal did not take one.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    for sample in MOBILE:
        answer = requests.post(
            f"{portal_url}/uploads",
            files={"file": (_plain(sample), (samples / sample).read_bytes())},
            headers={**headers, "Idempotency-Key": uuid.uuid4().hex, "Accept": "application/json"},
            timeout=60,
        )
        answer.raise_for_status()
    return [Sent(channel="mobile", name=_plain(sample)) for sample in MOBILE]


def mail(samples: Path, mailbox: Mailbox) -> list[Sent]:
    """Deliver mails to the mailbox."""
    for sample in MAIL:
        mailbox.deliver((samples / sample).read_bytes())
    return [Sent(channel="imap", name=_plain(sample)) for sample in MAIL]


def _plain(sample: str) -> str:
    return Path(sample).name.split("__", 1)[1]
