"""A remote signing service after the Cloud Signature Consortium's API, v1.0.4 and v2, with its key in SoftHSM2.

It refuses what the specification refuses, shares no code with the client, and can be told to misbehave. Run it with
`python -m tests.servers.csc_service CONFIG.json`; `tests.servers.csc.start_remote` does it for tests.
"""

from __future__ import annotations

import base64
import json
import secrets
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

HASHES = {"2.16.840.1.101.3.4.2.1": ("SHA256", 32), "2.16.840.1.101.3.4.2.2": ("SHA384", 48)}
HASHES["2.16.840.1.101.3.4.2.3"] = ("SHA512", 64)
PSS, ECDSA = "1.2.840.113549.1.1.10", {"SHA256": "1.2.840.10045.4.3.2", "SHA384": "1.2.840.10045.4.3.3"}
RSA, V15 = "1.2.840.113549.1.1.1", {"SHA256": "1.2.840.113549.1.1.11", "SHA384": "1.2.840.113549.1.1.12"}


class Refusal(Exception):
    """An answer that is not 200."""

    def __init__(self, status: int, error: str, description: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(description)
        self.status, self.error, self.description, self.headers = status, error, description, headers or {}


@dataclass
class Activation:
    """What a SAD allows."""

    hashes: list[str]
    oid: str | None
    left: int
    expires_at: float


@dataclass
class Service:
    """State and rules of the service."""

    config: dict[str, Any]
    tokens: dict[str, float] = field(default_factory=dict)
    activations: dict[str, Activation] = field(default_factory=dict)
    fault: str = ""
    calls: list[str] = field(default_factory=list)
    largest_body: int = 0
    signed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        import pkcs11

        self.hsm = pkcs11.lib(self.config["module"]).get_token(token_label=self.config["token"])
        self.session = self.hsm.open(user_pin=self.config["pin"])
        self.version = int(self.config["version"])

    def answer(self, path: str, headers: Any, body: bytes) -> dict[str, Any]:
        if path == "/oauth2/token":
            return self.token(parse_qs(body.decode()))
        prefix = f"/csc/v{self.version}/"
        if not path.startswith(prefix):
            raise Refusal(404, "not_found", "no such path")
        method = path.removeprefix(prefix)
        self.calls.append(method)
        if method == "info":
            return self.info()
        self.check_token(headers.get("Authorization", ""))
        if self.fault == f"500 {method}":
            raise Refusal(500, "server_error", "the service is out of order")
        if self.fault == f"busy {method}":
            self.fault = ""
            raise Refusal(503, "temporarily_unavailable", "too many requests", {"Retry-After": "0"})
        if self.fault == f"blocked {method}":
            raise Refusal(429, "temporarily_unavailable", "too many requests", {"Retry-After": "3600"})
        if self.fault == f"slow {method}":
            time.sleep(3)
        asked = json.loads(body)
        methods: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "credentials/list": lambda _: {"credentialIDs": self.config["credentials"]},
            "credentials/info": self.credential,
            "credentials/authorize": self.authorize,
            "signatures/signHash": self.sign_hash,
        }
        if method not in methods:
            raise Refusal(404, "not_found", "no such method")
        with self.lock:
            return methods[method](asked)

    def token(self, form: dict[str, list[str]]) -> dict[str, Any]:
        self.calls.append("oauth2/token")
        if form.get("grant_type") != ["client_credentials"]:
            raise Refusal(400, "unsupported_grant_type", "client credentials only")
        if (form.get("client_id"), form.get("client_secret")) != (
            [self.config["client_id"]],
            [self.config["client_secret"]],
        ):
            raise Refusal(401, "invalid_client", f"no such client: {form.get('client_id')} {form.get('client_secret')}")
        token = secrets.token_urlsafe(24)
        self.tokens[token] = time.monotonic() + self.config["token_s"]
        return {"access_token": token, "token_type": "Bearer", "expires_in": 3600}

    def check_token(self, header: str) -> None:
        if self.fault == "token expires":
            self.tokens.clear()
            self.fault = ""
        token = header.removeprefix("Bearer ")
        if self.tokens.get(token, 0) < time.monotonic():
            raise Refusal(401, "invalid_token", "the access token expired", {"WWW-Authenticate": "Bearer"})

    def info(self) -> dict[str, Any]:
        methods = ["credentials/list", "credentials/info", "credentials/authorize", "signatures/signHash"]
        return {
            "specs": {1: "1.0.4.0", 2: "2.0.0.2"}[self.version],
            "name": "Test service",
            "region": "FR",
            "authType": ["oauth2client"],
            "oauth2": self.config["url"],
            "methods": methods if self.fault != "no signHash" else methods[:3],
        }

    def credential(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.known(asked)
        disabled, expired = self.fault == "disabled", self.fault == "expired"
        curve = {"p256": "SHA256", "p384": "SHA384"}.get(self.config["kind"])
        mode = {"authMode": self.config["mode"]} if self.version == 1 else {"auth": {"mode": self.config["mode"]}}
        return {
            "key": {
                "status": "disabled" if disabled else "enabled",
                "algo": [ECDSA[curve]] if curve else [PSS, RSA] if self.config["offers_pss"] else [RSA],
                "len": int(self.config["kind"].lstrip("rsap")),
            },
            "cert": {"status": "expired" if expired else "valid", "certificates": self.config["certificates"]},
            "SCAL": str(self.config["scal"]),
            "multisign": self.config["multisign"],
            **mode,
        }

    def authorize(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.known(asked)
        if self.fault == "disabled":
            raise Refusal(400, "invalid_request", "the key is disabled")
        number = asked.get("numSignatures")
        hashes = asked.get("hash" if self.version == 1 else "hashes")
        if not isinstance(number, int) or not 1 <= number <= self.config["multisign"]:
            raise Refusal(400, "invalid_request", "numSignatures is missing or too high")
        if self.config["scal"] == 2 and not hashes:
            raise Refusal(400, "invalid_request", "SCAL2 needs the hashes")
        if hashes and len(hashes) != number:
            raise Refusal(400, "invalid_request", "numSignatures is not the number of hashes")
        oid = asked.get("hashAlgorithmOID")
        if self.version == 2 and hashes and oid not in HASHES:
            raise Refusal(400, "invalid_request", "hashAlgorithmOID is missing")
        if self.config["mode"] == "explicit":
            data = asked.get("authData", [])
            given = asked.get("PIN") if self.version == 1 else next((x["value"] for x in data if x["id"] == "PIN"), "")
            if given != self.config["credential_pin"]:
                raise Refusal(400, "invalid_pin", f"the PIN {given} is wrong")
        sad = secrets.token_urlsafe(24)
        lasts = -1 if self.fault == "SAD expires" else 300
        self.activations[sad] = Activation(hashes or [], oid, number, time.monotonic() + lasts)
        if self.fault == "other SAD":
            sad = secrets.token_urlsafe(24)
        return {"SAD": sad, "expiresIn": 300}

    def sign_hash(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.known(asked)
        if self.fault == "disabled":
            raise Refusal(400, "invalid_request", "the key is disabled")
        hashes = asked.get("hash" if self.version == 1 else "hashes")
        oid = asked.get("hashAlgo" if self.version == 1 else "hashAlgorithmOID")
        activation = self.activations.get(asked.get("SAD", ""))
        if activation is None:
            raise Refusal(400, "invalid_request", "Invalid parameter SAD")
        if activation.expires_at < time.monotonic():
            raise Refusal(400, "invalid_request", "SAD expired")
        if not hashes or len(hashes) > activation.left:
            raise Refusal(400, "invalid_request", "the SAD is for fewer signatures")
        if self.config["scal"] == 2 and hashes != activation.hashes:
            raise Refusal(400, "invalid_request", "Hash is not authorized by the SAD")
        if activation.oid not in (None, oid):
            raise Refusal(400, "invalid_request", "the SAD is for another hash algorithm")
        activation.left -= len(hashes)
        if not activation.left or self.config["scal"] == 2:
            del self.activations[asked["SAD"]]  # spent: a replay finds nothing
        decoded = [base64.b64decode(each, validate=True) for each in hashes]
        signatures = [self.sign(each, oid, asked) for each in decoded]
        if self.fault == "swapped":
            signatures[:2] = signatures[1::-1]
        if self.fault == "one too few":
            signatures = signatures[1:]
        if self.fault == "same for all":
            signatures = [signatures[0]] * len(signatures)
        self.signed += len(signatures)
        return {"signatures": [base64.b64encode(each).decode() for each in signatures]}

    def sign(self, digest: bytes, oid: str, asked: dict[str, Any]) -> bytes:
        from asn1crypto.algos import RSASSAPSSParams
        from pkcs11 import MGF, KeyType, Mechanism, ObjectClass
        from pkcs11.util.ec import encode_ecdsa_signature

        name, size = HASHES.get(oid, ("", 0))
        if len(digest) != size:
            raise Refusal(400, "invalid_request", "Invalid digest value length")
        label = "other" if self.fault == "wrong key" else self.config["key"]
        key = self.session.get_key(ObjectClass.PRIVATE_KEY, label=label)
        if key.key_type is KeyType.EC:
            if asked["signAlgo"] != ECDSA[name]:
                raise Refusal(400, "invalid_request", "Invalid parameter signAlgo")
            return encode_ecdsa_signature(key.sign(digest, mechanism=Mechanism.ECDSA))
        if asked["signAlgo"] == V15.get(name) and not self.config["offers_pss"]:
            from asn1crypto.algos import DigestInfo

            info = DigestInfo({"digest_algorithm": {"algorithm": name.lower()}, "digest": digest}).dump()
            return bytes(key.sign(info, mechanism=Mechanism.RSA_PKCS))
        if asked["signAlgo"] != PSS or not self.config["offers_pss"]:
            raise Refusal(400, "invalid_request", "Invalid parameter signAlgo")
        params = RSASSAPSSParams.load(base64.b64decode(asked["signAlgoParams"]), strict=True)
        if (params["hash_algorithm"]["algorithm"].dotted, params["salt_length"].native) != (oid, size):
            raise Refusal(400, "invalid_request", "Invalid parameter signAlgoParams")
        parameters = (Mechanism[name if name != "SHA1" else "SHA_1"], MGF[name], size)
        return key.sign(digest, mechanism=Mechanism.RSA_PKCS_PSS, mechanism_param=parameters)

    def known(self, asked: dict[str, Any]) -> None:
        if asked.get("credentialID") not in self.config["credentials"]:
            raise Refusal(400, "invalid_request", "Invalid parameter credentialID")

    def control(self, body: bytes) -> dict[str, Any]:
        """For the tests: change the fault, look at what was asked."""
        if body:
            self.config |= json.loads(body).get("config", {})
            self.fault = json.loads(body).get("fault", "")
            self.calls.clear()
            self.signed = self.largest_body = 0
        return {"calls": self.calls, "signed": self.signed, "largest_body": self.largest_body}


def main() -> None:
    """Serve until stopped."""
    config = json.loads(Path(sys.argv[1]).read_text())
    service = Service(config)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {}
            try:
                if self.path == "/control":
                    status, answer = 200, service.control(body)
                else:
                    service.largest_body = max(service.largest_body, len(body))
                    status, answer = 200, service.answer(self.path, self.headers, body)
            except Refusal as refusal:
                status, headers = refusal.status, refusal.headers
                answer = {"error": refusal.error, "error_description": refusal.description}
            except (KeyError, ValueError, TypeError) as error:
                status, answer = 400, {"error": "invalid_request", "error_description": repr(error)}
            content = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json", "Content-Length": len(content)}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", config["port"]), Handler)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
