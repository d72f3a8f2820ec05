"""The Cloud Signature Consortium API, v1.0.4 and v2, as a client of remote signing services speaks it (TS 119 432).

Only digests leave.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import aiohttp
from asn1crypto import algos

from connectors.signing.csc_calls import CscCalls, CscFault, CscSecrets
from connectors.signing.csc_credential import Credential, decoded, entries, read_credential
from connectors.signing.csc_uri import CscUri, require_private


class CscClient:
    """One client's access to one service. Use it in one event loop.

    Args:
        uri: Which service.
        session: HTTP session; not closed here.
        secrets: The client's.
        timeout_s: For one request.
    """

    def __init__(
        self, uri: CscUri, session: aiohttp.ClientSession, secrets: CscSecrets, *, timeout_s: float = 60
    ) -> None:
        self._uri, self._secrets = uri, secrets
        self._calls = CscCalls(uri.base, session, secrets, token_url=uri.token_url, timeout_s=timeout_s)

    async def discover(self) -> None:
        """Ask the service what it is; must come first.

        Raises:
            CscFault: It lacks a method that sealing needs, or speaks another version.
        """
        info = await self._calls.call("info", {}, with_token=False)
        specs = str(info.get("specs", ""))
        if specs.split(".", 1)[0] != str(self._uri.version):
            raise CscFault(f"the service speaks version {specs[:20] or 'unknown'} of the API, not {self._uri.version}")
        methods = info.get("methods")
        needed = {"credentials/info", "credentials/authorize", "signatures/signHash"}
        missing = needed - set(methods if isinstance(methods, list) else ())
        if missing:
            raise CscFault(f"the service doesn't offer {', '.join(sorted(missing))}")
        if not self._calls.token_url and self._secrets.client_id:
            if not isinstance(info.get("oauth2"), str):
                raise CscFault("the service names no authorization server; add token=https://... to the signer's URI")
            self._calls.token_url = f"{info['oauth2'].rstrip('/')}/oauth2/token"
            require_private(self._calls.token_url)

    async def credentials(self) -> list[str]:
        """The ids of the client's credentials."""
        found: list[str] = []
        page: dict[str, str] = {}
        while True:
            answer = await self._calls.call("credentials/list", page)
            found += [str(each) for each in entries(answer, "credentialIDs")]
            following = answer.get("nextPageToken")
            if not following or {"pageToken": following} == page:
                return found
            page = {"pageToken": str(following)}

    async def credential(self, identifier: str) -> Credential:
        """What the service says of a credential now."""
        asked = {"credentialID": identifier, "certificates": "chain", "certInfo": False, "authInfo": True}
        answer = await self._calls.call("credentials/info", asked)
        try:
            return read_credential(identifier, answer)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CscFault(f"the service's description of the credential is malformed: {error}"[:200]) from error

    async def authorize(self, credential: Credential, digests: Sequence[bytes], algorithm: str) -> str:
        """Signature activation data for these very digests.

        Args:
            credential: Whose key.
            digests: What will be signed, in order.
            algorithm: How the digests were computed, such as `sha256`.
        """
        asked: dict[str, Any] = {"credentialID": credential.id, "numSignatures": len(digests)}
        asked |= self._digests(digests, algorithm, with_algorithm=self._uri.version == 2)
        if credential.mode == "explicit":
            pin = self._secrets.pin
            asked |= {"PIN": pin} if self._uri.version == 1 else {"authData": [{"id": "PIN", "value": pin}]}
        sad = (await self._calls.call("credentials/authorize", asked)).get("SAD")
        if not isinstance(sad, str) or not sad:
            raise CscFault("the service gave no signature activation data; asynchronous authorization is not supported")
        return sad

    async def sign(
        self,
        credential: Credential,
        sad: str,
        digests: Sequence[bytes],
        algorithm: str,
        mechanism: algos.SignedDigestAlgorithm,
    ) -> list[bytes]:
        """The signatures over digests, in their order; the caller verifies each.

        Args:
            credential: Whose key.
            sad: From `authorize`, for the same digests.
            digests: What to sign.
            algorithm: How they were computed.
            mechanism: How to sign.
        """
        asked: dict[str, Any] = {
            "credentialID": credential.id,
            "SAD": sad,
            "signAlgo": mechanism["algorithm"].dotted,
            **self._digests(digests, algorithm, with_algorithm=True),
        }
        if mechanism["algorithm"].native == "rsassa_pss":
            asked["signAlgoParams"] = base64.b64encode(mechanism["parameters"].dump()).decode()
        if self._uri.version == 2:
            asked["operationMode"] = "S"
        answer = await self._calls.call("signatures/signHash", asked)
        signatures = [decoded(each) for each in entries(answer, "signatures")]
        if len(signatures) != len(digests):
            raise CscFault(f"the service gave {len(signatures)} signatures for {len(digests)} digests")
        return signatures

    def _digests(self, digests: Sequence[bytes], algorithm: str, *, with_algorithm: bool) -> dict[str, Any]:
        encoded = [base64.b64encode(digest).decode() for digest in digests]
        names = ("hash", "hashAlgo") if self._uri.version == 1 else ("hashes", "hashAlgorithmOID")
        oid = algos.DigestAlgorithmId(algorithm).dotted
        return {names[0]: encoded} | ({names[1]: oid} if with_algorithm else {})
