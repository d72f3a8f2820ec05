"""PKCS#11 URIs (RFC 7512), as far as they name a private key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

_SECRETS = ("pin-value", "pin-source")
_PATH = ("token", "serial", "manufacturer", "model", "object", "id", "type")
_QUERY = ("module-path", "module-name")
_VALUE = re.compile(r"(?:[A-Za-z0-9\-._~:\[\]@!$'()*+,=&/?]|%[0-9A-Fa-f]{2})*")


@dataclass(frozen=True, kw_only=True)
class Pkcs11Uri:
    """Which key, on which token, through which module.

    Attributes:
        module: Path of the module, or its bare file name for the loader to find.
        token: Label of the token.
        serial: Serial number of the token.
        manufacturer: Manufacturer of the token.
        model: Model of the token.
        label: Label (CKA_LABEL) of the key and its certificate.
        id: Id (CKA_ID) of the key and its certificate.
    """

    module: str
    token: str | None = None
    serial: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    label: str | None = None
    id: bytes | None = None

    @staticmethod
    def parse(uri: str) -> Pkcs11Uri:
        """Read a URI such as `pkcs11:token=seal;object=key?module-path=/usr/lib/softhsm/libsofthsm2.so`.

        Raises:
            ValueError: It is none, doesn't name one key, or carries a secret. The message never holds a value.
        """
        scheme, _, rest = uri.partition(":")
        if scheme != "pkcs11" or "#" in rest:
            raise ValueError("a PKCS#11 URI is pkcs11:token=...;object=...?module-path=...")
        path, _, query = rest.partition("?")
        named = _attributes(path, ";", _PATH)
        queried = _attributes(query, "&", _QUERY)
        if named.get("type", "private") != "private":
            raise ValueError("a sealing key's PKCS#11 URI has type=private or no type")
        if not {"token", "serial"} & named.keys() or not {"object", "id"} & named.keys():
            raise ValueError("a PKCS#11 URI must name the token (token or serial) and the key (object or id)")
        return Pkcs11Uri(
            module=_module(queried),
            label=_text(named, "object"),
            id=unquote_to_bytes(named["id"]) if "id" in named else None,
            **{name: _text(named, name) for name in ("token", "serial", "manufacturer", "model")},
        )


def _attributes(text: str, separator: str, known: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, text.split(separator)):
        name, equals, value = part.partition("=")
        if name in _SECRETS:
            # RFC 7512, 8: whoever can read the URI could read the PIN. Ours is in the settings, logs and process list.
            raise ValueError(f"a PKCS#11 URI must not carry {name}: the PIN is PROBANT_SIGNER_SECRET or its file")
        if name not in known or not equals:
            # RFC 7512, 2.3: what is not understood must not match anything.
            raise ValueError(f"unknown attribute {name[:30]!r} in a PKCS#11 URI; known there: {', '.join(known)}")
        if name in found:
            raise ValueError(f"a PKCS#11 URI names {name} once")
        if not value or not _VALUE.fullmatch(value):
            raise ValueError(f"{name} in a PKCS#11 URI is empty or must be percent-encoded")
        found[name] = value
    return found


def _text(named: dict[str, str], name: str) -> str | None:
    return unquote(named[name], errors="strict") if name in named else None


def _module(queried: dict[str, str]) -> str:
    if len(queried) != 1:
        raise ValueError("a PKCS#11 URI names its module: ?module-path=/path/to/module.so, or ?module-name=")
    if "module-path" in queried:
        path = unquote(queried["module-path"], errors="strict")
        if not Path(path).is_absolute():
            raise ValueError("module-path in a PKCS#11 URI is an absolute path")
        return path
    name = unquote(queried["module-name"], errors="strict")
    if not re.fullmatch(r"[A-Za-z0-9_.+-]+", name):
        raise ValueError("module-name in a PKCS#11 URI is a name such as softhsm2, not a path")
    return f"lib{name}.so"  # RFC 7512, 2.3: without the file name's system-specific affixes
