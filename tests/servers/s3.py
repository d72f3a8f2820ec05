"""A real S3 server that enforces Object Lock (versitygw), on a free port, private to the test run.

A test module asks for it by `pytest_plugins = ["tests.servers.s3"]`.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from connectors.s3 import config
from tests.conftest import free_port
from tests.parts import need

REGION = "us-east-1"
ROOT = ("root-of-the-server", "root-secret-of-the-tests")
USER = ("probant", "user-secret-of-the-tests")


@dataclass(frozen=True)
class S3Server:
    """A running server. `root` is above bucket policies, `user` (whom we run as) is not; locks bind both.

    Attributes:
        endpoint: Its URL.
        root: Access key and secret of the server's owner.
        user: Access key and secret of an ordinary account.
    """

    endpoint: str
    root: tuple[str, str] = ROOT
    user: tuple[str, str] = USER

    def client(self, *, root: bool = False) -> Any:
        """A boto3 client as the user, or as root."""
        key, secret = self.root if root else self.user
        return boto3.session.Session(aws_access_key_id=key, aws_secret_access_key=secret).client(
            "s3", endpoint_url=self.endpoint, region_name=REGION, config=config(path_style=True)
        )

    def bucket(self, *, lock: bool = True, versioning: bool = True) -> str:
        """Make a bucket in which the user may do everything; its name.

        Args:
            lock: With Object Lock, which switches versioning on too.
            versioning: With versioning, if without lock.
        """
        name = f"test-{secrets.token_hex(6)}"
        root = self.client(root=True)
        root.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
        if versioning and not lock:
            root.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        self.allow(name, "s3:*")
        return name

    def allow(self, bucket: str, *actions: str, deny: tuple[str, ...] = ()) -> None:
        """Let the user do `actions` in a bucket, and nothing of `deny`."""
        where = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
        rules = [("Allow", list(actions)), *([("Deny", list(deny))] if deny else [])]
        statements = [
            {"Effect": effect, "Principal": {"AWS": [self.user[0]]}, "Action": names, "Resource": where}
            for effect, names in rules
        ]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.client(root=True).put_bucket_policy(Bucket=bucket, Policy=policy)


@pytest.fixture(scope="session")
def s3_server(servers: Callable[..., subprocess.Popen[bytes]], tmp_path_factory: pytest.TempPathFactory) -> S3Server:
    """The server; its data goes with the test run's folder, as COMPLIANCE objects can't be removed otherwise."""
    program = need("versitygw")
    home = tmp_path_factory.mktemp("s3")
    for name in ("objects", "versions", "accounts"):
        (home / name).mkdir()
    port, admin_port = free_port(), free_port()
    secret = {"ROOT_ACCESS_KEY": ROOT[0], "ROOT_SECRET_KEY": ROOT[1]}
    command = [program, "--port", f"127.0.0.1:{port}", "--admin-port", f"127.0.0.1:{admin_port}", "--region", REGION]
    command += ["--iam-dir", str(home / "accounts"), "--quiet", "posix"]
    command += ["--versioning-dir", str(home / "versions"), str(home / "objects")]
    with (home / "log").open("wb") as log:
        process = servers(*command, env={**os.environ, **secret}, stdout=log, stderr=log, cwd=home)
    server = S3Server(f"http://127.0.0.1:{port}")
    _wait(process, home / "log", port, admin_port)
    _create_user(program, admin_port)
    return server


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> str:
    """A bucket of its own with Object Lock."""
    return s3_server.bucket()


def _wait(process: subprocess.Popen[bytes], log: Path, *ports: int) -> None:
    """Wait until every port answers."""
    deadline = time.monotonic() + 60
    for port in ports:
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the S3 server did not start: {log.read_text(errors='replace')}")
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)


def _create_user(program: str, admin_port: int) -> None:
    command = [program, "admin", "--access", ROOT[0], "--secret", ROOT[1], "--region", REGION]
    command += ["--endpoint-url", f"http://127.0.0.1:{admin_port}"]
    command += ["create-user", "--access", USER[0], "--secret", USER[1], "--role", "user"]
    subprocess.run(command, check=True, capture_output=True)
