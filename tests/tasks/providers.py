"""Installations that seal with every kind of provider, all certified by the installation's development PKI."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.devpki import DevPki
from tasks.trust import development_pki, serve_development_pki
from tests.installation import Installation
from tests.servers.csc import Remote, start_remote
from tests.servers.softhsm import PIN, Token, put_key

Configure = Callable[..., Installation]


@pytest.fixture
def pki(installation: Installation) -> DevPki:
    """The installation's development PKI, answering."""
    serve_development_pki(installation.settings)
    return development_pki(installation.settings)


@pytest.fixture
def configured(installation: Installation, pki: DevPki) -> Iterator[Configure]:
    """Makes the installation one for real use: with the key in its file unless settings say otherwise."""
    made: list[Installation] = []

    def configure(**settings: Any) -> Installation:
        usual = {
            "signer": pki.signer_uri,
            "signer_secret_file": pki.p12_secret,
            "tsa_url": pki.tsa_url,
            "trust": [pki.anchors],
            "preflight_s": 0,
        }
        made.append(Installation(installation.settings.model_copy(update=usual | settings)))
        return made[-1]

    yield configure
    for each in made:
        if "registry" in each.__dict__:
            each.registry.close()


def remote_settings(remote: Remote) -> dict[str, Any]:
    """Settings for a remote service."""
    from pydantic import SecretStr

    return {
        "signer": remote.uri,
        "signer_client_id": remote.client_id,
        "signer_client_secret": SecretStr(remote.client_secret),
        "signer_secret": SecretStr(remote.pin),
        "signer_secret_file": None,
    }


def token_settings(token: Token, key: str) -> dict[str, Any]:
    """Settings for a key on a token."""
    from pydantic import SecretStr

    return {"signer": token.uri(key), "signer_secret": SecretStr(PIN), "signer_secret_file": None}


@pytest.fixture(scope="module")
def remote(servers: Any, tmp_path_factory: pytest.TempPathFactory, installation_home: Path) -> Remote:
    """A CSC v2 service with RSA-3072."""
    from config.settings import Settings

    pki = development_pki(Settings(home=installation_home))
    return start_remote(servers, tmp_path_factory.mktemp("qtsp"), pki, version=2, kind="rsa3072")


@pytest.fixture
def keys_on_token(softhsm: Token, pki: DevPki) -> tuple[str, str]:
    """The labels of two keys on the token: RSA-3072 and P-256."""
    labels = ("pipeline-rsa3072", "pipeline-p256")
    for label in labels:
        if not _has(softhsm, label):
            put_key(softhsm, pki, label, label.removeprefix("pipeline-"))
    return labels


def _has(token: Token, label: str) -> bool:
    import pkcs11

    library = pkcs11.lib(token.module)
    library.reinitialize()
    with library.get_token(token_label=token.label).open(user_pin=PIN) as session:
        return bool(list(session.get_objects({pkcs11.Attribute.LABEL: label})))


def settings_json(installation: Installation) -> str:
    """The settings for another process of the same installation, secrets included: for tests only."""
    from pydantic import SecretStr

    def plain(value: Any) -> Any:
        if isinstance(value, SecretStr):
            return value.get_secret_value()
        return [plain(each) for each in value] if isinstance(value, list) else value

    found = {name: plain(getattr(installation.settings, name)) for name in type(installation.settings).model_fields}
    return json.dumps(found, default=str)
