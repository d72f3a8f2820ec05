"""Seals with a remote provider's key (CSC API): what is asked for together is authorized and signed together."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Final

import aiohttp
from asn1crypto import algos, x509
from pyhanko.sign.signers.pdf_cms import Signer
from pyhanko_certvalidator.registry import SimpleCertificateStore

from connectors.signing.csc_calls import CscFault, CscSecrets
from connectors.signing.csc_client import CscClient
from connectors.signing.csc_credential import Credential
from connectors.signing.csc_uri import CscUri
from connectors.signing.mechanism import Verifier, digest_for, mechanism_for, signature_size_bytes
from connectors.signing.pkcs11_session import KeyUnusable

QUIET_S: Final = 0.03  # a batch is sent when nothing more came for so long,
LONGEST_GATHER_S: Final = 0.5  # or after so long,
LARGEST_BATCH: Final = 100  # or when it is full.
BATCHES_IN_FLIGHT: Final = 2

_RSA, _PSS, _EC = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.10045.2.1"


async def open_remote_signer(uri: str, secrets: CscSecrets, session: aiohttp.ClientSession) -> CscSigner:
    """The key that `csc:https://qtsp.example/csc/v2?credential=ID` names, ready to sign.

    Args:
        uri: Service, version and credential; without `credential` the client must have just one.
        secrets: The client's.
        session: HTTP session of the event loop that will use the signer; not closed here.

    Raises:
        ValueError: The URI is not one.
        CscFault: The service refused or is not what it should be.
        KeyUnusable: The credential can't be used by a machine.
    """
    parsed = CscUri.parse(uri)
    client = CscClient(parsed, session, secrets)
    await client.discover()
    identifier = parsed.credential
    if not identifier:
        found = await client.credentials()
        if len(found) != 1:
            raise KeyUnusable(f"the client has {len(found)} credentials; name one with ?credential= in the URI")
        identifier = found[0]
    credential = await client.credential(identifier)
    _require_machine(credential, secrets)
    return CscSigner(client, credential)


@dataclass(frozen=True, eq=False)
class _Wanted:
    digest: bytes
    algorithm: str
    answer: asyncio.Future[bytes]


class CscSigner(Signer):
    """Signs remotely, in batches of what is asked for at the same time; in one event loop.

    Every signature is verified with the certificate before anyone gets it; if one of a batch doesn't hold, the
    provider's answer is not believed at all. A failed batch may be asked for again: its authorization is spent.
    """

    def __init__(self, client: CscClient, credential: Credential) -> None:
        self._client, self._credential = client, credential
        store = SimpleCertificateStore()
        store.register_multiple([credential.certificate, *credential.chain])
        mechanism = _mechanism(credential)
        super().__init__(signing_cert=credential.certificate, cert_registry=store, signature_mechanism=mechanism)
        self._verifier = Verifier(credential.certificate, mechanism)
        self._batch_size = min(credential.multisign, LARGEST_BATCH)
        self._waiting: list[_Wanted] = []
        self._first_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(BATCHES_IN_FLIGHT)

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """The signature over `data`; in a dry run as many zero bytes as it may take.

        Raises:
            CscFault: The service refused, failed, or answered with something that doesn't verify.
        """
        if dry_run:
            return bytes(signature_size_bytes(self._credential.certificate))
        loop = asyncio.get_running_loop()
        digest = hashlib.new(digest_algorithm, data).digest()
        wanted = _Wanted(digest, digest_algorithm, loop.create_future())
        if not self._waiting:
            self._first_at = loop.time()
        self._waiting.append(wanted)
        if self._timer:
            self._timer.cancel()
        if len(self._waiting) >= self._batch_size:
            self._send()
        else:
            last = self._first_at + LONGEST_GATHER_S
            self._timer = loop.call_at(min(loop.time() + QUIET_S, last), self._send)
        return await wanted.answer

    async def check(self) -> x509.Certificate:
        """Ask the service whether the key may be used now; returns the certificate as it is there now.

        Raises:
            KeyUnusable: It may not.
            CscFault: The service can't be asked.
        """
        now = await self._client.credential(self._credential.id)
        if not now.enabled:
            raise KeyUnusable(f"the provider says: {now.status}")
        return now.certificate

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._sending, return_exceptions=True)

    def _send(self) -> None:
        batch, self._waiting = self._waiting, []
        if self._timer:
            self._timer.cancel()
            self._timer = None
        batch = [wanted for wanted in batch if not wanted.answer.done()]  # nobody waits for what was cancelled
        if batch:
            task = asyncio.get_running_loop().create_task(self._sign_all(batch))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _sign_all(self, batch: list[_Wanted]) -> None:
        try:
            async with self._gate:
                signatures = await self._sign(batch)
        except BaseException as error:
            for wanted in batch:
                if not wanted.answer.done():
                    wanted.answer.set_exception(error if isinstance(error, Exception) else CscFault("interrupted"))
            if not isinstance(error, Exception):
                raise
            return
        for wanted, signature in zip(batch, signatures, strict=True):
            if not wanted.answer.done():
                wanted.answer.set_result(signature)

    async def _sign(self, batch: list[_Wanted]) -> list[bytes]:
        [algorithm] = {wanted.algorithm for wanted in batch}
        digests = [wanted.digest for wanted in batch]
        sad = await self._client.authorize(self._credential, digests, algorithm)
        signatures = await self._client.sign(self._credential, sad, digests, algorithm, self.signature_mechanism)
        for digest, signature in zip(digests, signatures, strict=True):
            if not self._verifier.holds(signature, digest, algorithm):
                # CSC v1.0.4, 11.9: in the order of the digests. Whoever mixes them up may mix up anything.
                raise CscFault("a signature of the service is not the certificate's over what was to be signed")
        return signatures


def _mechanism(credential: Credential) -> algos.SignedDigestAlgorithm:
    """The best that the credential's key is for."""
    certificate, offered = credential.certificate, credential.algorithms
    mechanism = mechanism_for(certificate, offers_pss=_PSS in offered)
    general = _EC if certificate.public_key.algorithm == "ec" else _RSA
    if not {mechanism["algorithm"].dotted, general} & offered:
        raise KeyUnusable(f"the credential offers no {mechanism['algorithm'].native} with {digest_for(certificate)}")
    return mechanism


def _require_machine(credential: Credential, secrets: CscSecrets) -> None:
    if credential.mode not in ("implicit", "explicit"):
        raise KeyUnusable(
            f"the credential is authorized by a person ({credential.mode or 'unknown'}), not by a machine"
        )
    if credential.mode == "explicit" and not secrets.pin:
        raise KeyUnusable("the credential asks for a PIN: set PROBANT_SIGNER_SECRET or its file")
