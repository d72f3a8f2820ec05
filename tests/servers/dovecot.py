"""A real Dovecot on loopback, plain and TLS, with a mailbox for whoever logs in; versions 2.3 and 2.4."""

from __future__ import annotations

import contextlib
import datetime as dt
import grp
import ipaddress
import os
import pwd
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from imapclient import IMAPClient

from tests.conftest import free_port
from tests.parts import need

PASSWORD = "secret"

_COMMON = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
listen = 127.0.0.1
ssl = yes
default_login_user = {login_user}
default_internal_user = {login_user}
default_internal_group = {login_group}
first_valid_uid = 1
first_valid_gid = 1
auth_mechanisms = plain login
auth_failure_delay = 0
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
"""
_V23 = """
protocols = imap
disable_plaintext_auth = no
ssl_cert = <{home}/server.pem
ssl_key = <{home}/server.key
mail_location = maildir:{home}/mail/%u/Maildir
mail_uid = {uid}
mail_gid = {gid}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u allow_all_users=yes
}}
"""
# After the documentation of 2.4; no 2.4 was at hand to run it.
_V24 = """
protocols {{
  imap = yes
}}
auth_allow_cleartext = yes
ssl_server_cert_file = {home}/server.pem
ssl_server_key_file = {home}/server.key
mail_driver = maildir
mail_path = {home}/mail/%{{user}}/Maildir
mail_uid = {uid}
mail_gid = {gid}
passdb static {{
  password = {password}
}}
userdb static {{
  fields {{
    uid = {uid}
    gid = {gid}
    home = {home}/mail/%{{user}}
  }}
}}
"""


class Dovecot:
    """A running server. Every user name has a mailbox of its own, all with the same password.

    Attributes:
        host: Where it listens; `localhost` is the name in its certificate.
        port: Plain port, with STARTTLS.
        tls_port: Port of IMAP over TLS.
        ca_file: PEM of the certificate that vouches for it.
    """

    host = "localhost"

    def __init__(self, home: Path) -> None:
        self._program = need("dovecot")
        self.port, self.tls_port = free_port(), free_port()
        self.ca_file = home / "server.pem"
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        _write_certificate(home)
        self._write_config()

    def start(self) -> None:
        """Start it, or start it again with the same mails."""
        command = [self._program, "-F", "-c", str(self._home / "dovecot.conf")]
        self._process = subprocess.Popen(command, start_new_session=True)
        for port in (self.port, self.tls_port):
            _wait_for(port, self._process, self._home / "dovecot.log")

    def stop(self) -> None:
        """Stop it by its process id, and those of its children that still serve somebody."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process = None

    def new_user(self) -> str:
        """A user whose mailbox is empty."""
        return uuid.uuid4().hex

    @contextlib.contextmanager
    def client(self, user: str) -> Iterator[IMAPClient]:
        """A logged-in client of our own."""
        with IMAPClient(self.host, self.port, ssl=False, timeout=30) as client:
            client.login(user, PASSWORD)
            yield client

    def append(self, user: str, message: bytes, folder: str = "INBOX") -> None:
        """Put a message, with CR LF at its line ends, into a folder."""
        with self.client(user) as client:
            client.append(folder, message)

    def messages(self, user: str, folder: str) -> dict[int, tuple[bytes, tuple[bytes, ...]]]:
        """Bytes and flags by UID of all messages in a folder; empty if there is no such folder."""
        with self.client(user) as client:
            if not client.folder_exists(folder):
                return {}
            client.select_folder(folder, readonly=True)
            found = client.fetch(client.search(), ["FLAGS", "BODY.PEEK[]"])
            return {uid: (item[b"BODY[]"], item[b"FLAGS"]) for uid, item in found.items()}

    def _write_config(self) -> None:
        uid, gid = (65534, 65534) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
        mail = self._home / "mail"
        mail.mkdir()
        os.chown(mail, uid, gid)
        self._home.chmod(0o755)
        version = subprocess.run([self._program, "--version"], capture_output=True, text=True, check=True).stdout
        head, own = "", _V23
        if not version.startswith("2.3"):
            number = ".".join(version.split()[0].split(".")[:2]) + ".0"
            head, own = f"dovecot_config_version = {number}\ndovecot_storage_version = {number}\n", _V24
        user = pwd.getpwuid(uid).pw_name
        (self._home / "dovecot.conf").write_text(
            (head + (own + _COMMON)).format(
                home=self._home,
                port=self.port,
                tls_port=self.tls_port,
                uid=uid,
                gid=gid,
                login_user=user,
                login_group=grp.getgrgid(gid).gr_name,
                password=PASSWORD,
            )
        )


@contextlib.contextmanager
def running() -> Iterator[Dovecot]:
    """A Dovecot that is stopped in the end, and its mails with it."""
    # Not below a test's own folder: the user that serves mails may not look into that, and socket paths must be short.
    with tempfile.TemporaryDirectory(prefix="probant-dovecot-", ignore_cleanup_errors=True) as home:
        server = Dovecot(Path(home))
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"dovecot did not start:\n{log.read_text() if log.exists() else 'no log'}")


def _write_certificate(home: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (home / "server.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (home / "server.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (home / "server.key").chmod(0o600)
